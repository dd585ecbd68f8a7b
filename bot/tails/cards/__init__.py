"""One card and one thread for each change: whose turn it is, and what it is shown or told."""
