"""Slack as a person sees it: what people do (acts), what they are shown (cards, messages), and the line to Slack."""

from bot.slack.app import SlackFace, Waits
from bot.slack.connection.web import SlackUnusable

__all__ = ["SlackFace", "SlackUnusable", "Waits"]
