"""The face and the wiring: Slack, the command line, the store and the desk between them."""
