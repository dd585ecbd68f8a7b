"""A Slack to stand in for Slack: strict where Slack is strict, and able to fail as Slack fails."""

from bot.sandbox.slack.standin import SlackStandIn

__all__ = ["SlackStandIn"]
