"""What is done to a living nginx: runs on a server, as root, on Python 3.9 or newer with nothing but its library."""
