"""What can be typed: the actions, what the bot answers itself, and what there is in a shell only."""

from __future__ import annotations

import re
from functools import cache

from actions.engine.registry import Registry, Reserved, discover
from actions.engine.words import in_utc, plain

LEAD = "chom-bot "
TYPED = re.compile(r"`([^`\n]{1,700})`")
"""What a sentence of the desk has in backticks: a command, or a word as it is typed."""

RESERVED = (
    Reserved("help [command]", "Says what can be typed.", ("help deploy",)),
    Reserved("plan <command>", "Shows the plan of a command, to you alone; nothing is started.", ("plan deploy v1.2",)),
    Reserved("status [environment]", "What is live where, what runs and what waits.", ("status production",)),
    Reserved("history [environment]", "The last changes, newest first; also what was rejected, withdrawn or lapsed."),
    Reserved(
        "who [change|version|environment]",
        "Who could approve what waits now, and what else it lacks; of a version, what would be asked.",
        ("who v1.2",),
    ),
    Reserved(
        "review <change> <sentence>",
        "Closes the review of an emergency, in three words or more, for who neither asked for it nor approved it.",
        ('review chg-7f3kq2 "The index was missing; a test finds that now."',),
    ),
    Reserved("stop [change|environment]", "Turns a running change back, or withdraws a request that waits."),
)
"""What the bot answers itself; none of it is an action."""

ONLY_HERE = (
    Reserved(
        "follow [change|environment]",
        "Shows what runs as it goes, from its beginning, and goes on with it where no bot does.",
    ),
    Reserved(
        "approve <change>", "Approves what waits, as the person your Unix login stands for.", ("approve chg-7f3kq2",)
    ),
    Reserved("reject <change> [why]", "Rejects what waits.", ("reject chg-7f3kq2 not on a Friday",)),
    Reserved(
        "answer <change> <choice>",
        "Answers what a run asks, and has a canary go on or wait.",
        ("answer chg-7f3kq2 try again", "answer chg-7f3kq2 promote to 25 %", "answer chg-7f3kq2 hold"),
    ),
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
def typed_in_slack() -> Registry:
    """Everything that can be typed in Slack."""
    return discover(RESERVED)


@cache
def registry() -> Registry:
    """Everything that can be typed in a shell."""
    return discover((*RESERVED, *ONLY_HERE), LEAD)


def told(name: str) -> str:
    """What the help of a shell says of a command, be it an action or not."""
    known = [action.summary for action in registry().actions if action.parsed.head == name]
    return " ".join([*known, *(word.summary for word in registry().reserved if word.head == name)])


def spoken(text: str) -> str:
    """A sentence of the desk; what it tells one to type is what one types here, and its times are in UTC."""
    typed = TYPED.sub(lambda span: f"`{registry().with_lead(span[1])}`", in_utc(text))
    return "\n".join(plain(line) for line in typed.splitlines())
