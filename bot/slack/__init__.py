"""Slack as a person sees it: commands, buttons and cards."""

from bot.slack.app import SlackFace, Waits
from bot.slack.web import SlackUnusable

__all__ = ["SlackFace", "SlackUnusable", "Waits"]
