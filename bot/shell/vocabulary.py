"""What can be typed in a shell: the actions, what the bot answers itself as in Slack, and what there is only here."""

from __future__ import annotations

from functools import cache

from actions.engine.registry import Registry, Reserved, discover
from bot.app import RESERVED

LEAD = "chom-bot "

ONLY_HERE = (
    Reserved(
        "approve <change>", "Approves what waits, as the person your Unix login stands for.", ("approve chg-7f3kq2",)
    ),
    Reserved("reject <change> [why]", "Rejects what waits.", ("reject chg-7f3kq2 not on a Friday",)),
    Reserved("answer <change> <choice>", "Answers what a run asks.", ("answer chg-7f3kq2 try again",)),
    Reserved(
        "evidence add|list",
        "Records a DR drill by hand, and lists the drills and the evidence of what waits.",
        ('evidence add drill --passed "the backup of production was restored on staging"',),
    ),
    Reserved(
        "config put FILE|edit|list|drop|key|renew",
        "Stores new values for the environment file, encrypted; config apply brings them to the servers.",
        ("config put FILE to production", "config edit", "config list"),
        ("put", "edit", "list", "drop", "key", "renew"),
    ),
    Reserved("serve", "Serves Slack and walks the runs, until SIGTERM."),
    Reserved("sandbox", "Slack, two servers and a shop on this machine, to try everything without risk."),
    Reserved("init [--dir DIR]", "Writes a chom.toml to fill in and the Slack app's manifest; overwrites nothing."),
    Reserved("check", "Says what a first deploy still lacks: Slack, Redis, servers, artifacts; starts nothing."),
    Reserved(
        "pack DIR --version V --commit SHA --out DIR",
        "Makes the artifact of a version from a working tree, and lists it.",
        ("pack . --version v1.2 --commit $(git rev-parse HEAD) --out ../artifacts",),
    ),
    Reserved(
        "policy explain|rules|test",
        "Says what would be asked of a version before it is requested; prints the rules; runs a table of cases.",
        ("policy explain v1.2", "policy explain v1.2 rolling to production", "policy rules", "policy test"),
    ),
    Reserved(
        "host install|status|remove|adopt",
        "Puts chom-host on the servers, says where one has drifted, takes it away again, or takes a live server over.",
    ),
)


@cache
def registry() -> Registry:
    """Everything that can be typed in a shell."""
    return discover((*RESERVED, *ONLY_HERE), LEAD)


def heads() -> frozenset[str]:
    """The first words of all commands."""
    known = registry()
    return frozenset({*(action.parsed.head for action in known.actions), *(word.head for word in known.reserved)})


def summary(name: str) -> str:
    """What the registry says of a command that is no action."""
    return next(word.summary for word in registry().reserved if word.head == name)
