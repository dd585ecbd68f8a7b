"""The line to Slack: its Web API, both transports, and the proof that the app may do its work."""
