"""Slack as a person sees it: commands, buttons and cards."""
