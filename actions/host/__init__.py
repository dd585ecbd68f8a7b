"""What lives on a server: chom-host, the files it needs, and the code that installs them."""
