"""What the bot can do: every module here that has an `ACTION` is a command."""
