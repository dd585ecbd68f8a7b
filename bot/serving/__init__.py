"""A bot that serves: what it does from its start until it is told to stop, and its unit for systemd."""
