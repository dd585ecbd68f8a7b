"""What can be broken around Slack, as the page offers it and as scripts ask for it."""

from __future__ import annotations

import json

from bot.sandbox.slack.faults import SLACK_FAULTS, Breakable

WORLD_FAULTS = (
    Breakable("Kill the bot", {"kill": "bot"}, "The bot was killed. It is started again at once."),
    Breakable(
        "Kill the bot for 3 minutes",
        {"kill": "bot", "seconds": 180},
        "The bot was killed, and is away for 3 minutes. Who is on a canary is back on stable within two.",
    ),
    Breakable("Stop the bot's clock", {"stop": "bot"}, "The bot stands still in the middle of whatever it did."),
    Breakable("Let the bot go on", {"cont": "bot"}, "The bot goes on where it stood."),
    Breakable(
        "Break production's SSH connections",
        {"cut": "production"},
        "Every SSH connection to production broke. New ones are welcome.",
    ),
    Breakable(
        "Freeze production's SSH for 10 s",
        {"freeze": "production", "seconds": 10},
        "Production answers nothing over SSH for 10 seconds. The shop goes on.",
    ),
    Breakable(
        "Refuse production's SSH for 10 s",
        {"host": "production", "down": 10},
        "Production refuses SSH for 10 seconds. The shop goes on.",
    ),
    Breakable(
        "Fill production's disk for 10 s",
        {"disk": "production", "seconds": 10},
        "Production has no room for a new file for 10 seconds.",
    ),
    Breakable(
        "Make production's shop fail for 10 s",
        {"shop": "production", "seconds": 10},
        "Every visitor of production gets an error for 10 seconds.",
    ),
    Breakable("GitHub down for 20 s", {"github": "down", "seconds": 20}, "GitHub answers nothing for 20 seconds."),
    Breakable("Turn a CI check red", {"github": "red"}, "The check “tests” is red for every commit."),
    Breakable(
        "Use up GitHub's rate limit for 20 s",
        {"github": "limit", "seconds": 20},
        "GitHub refuses every request for 20 seconds: the rate limit is used up.",
    ),
    Breakable("End GitHub's troubles", {"github": "up"}, "GitHub answers, and every check is green."),
    Breakable(
        "Prometheus down for 20 s",
        {"prometheus": "down", "seconds": 20},
        "Prometheus answers nothing for 20 seconds. Errors and latency cannot be seen.",
    ),
    Breakable(
        "Kill Redis and start it again",
        {"redis": "restart"},
        "Redis was killed and started again. What it had acknowledged is there.",
    ),
)
_OF = {
    **dict.fromkeys(("kill", "stop", "cont", "redis"), "The bot"),
    **dict.fromkeys(("cut", "freeze", "host", "disk", "shop"), "Production"),
    **dict.fromkeys(("github", "prometheus"), "GitHub and Prometheus"),
    **dict.fromkeys(("slack", "deliver"), "Slack"),
    "socket": "The bot's line to Slack",
}
FAULTS = (*WORLD_FAULTS, *SLACK_FAULTS)
"""All of them; the page draws a button for each."""
OFFERED = [{"label": one.label, "spec": one.spec, "said": one.said, "of": _OF[next(iter(one.spec))]} for one in FAULTS]
"""The same as the page has them, with what each is a fault of."""
KNOWN = "Known faults: " + ", ".join(json.dumps(fault.spec) for fault in FAULTS) + "."
