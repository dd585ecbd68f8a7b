"""The registry of all actions there are, as the bot has it."""

from __future__ import annotations

from actions.engine.registry import Reserved, discover

WORDS = (
    Reserved("help [command]", "Says what there is."),
    Reserved("status [environment]", "Says what is live where."),
    Reserved("history [environment]", "The last changes."),
    Reserved("stop [change]", "Has a run turn back."),
)
REGISTRY = discover(WORDS)
