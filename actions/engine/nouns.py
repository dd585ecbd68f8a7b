"""What people call a step: "the health check" inside a sentence, "Health check" at the head of a line."""

from __future__ import annotations

from typing import assert_never

from actions.engine.plan import Ask, Do, Expect, Shift, Step, Watch

_NAMES = {
    "stage": ("the copy", "Copy"),
    "backup": ("the backup", "Backup"),
    "migrate": ("the migration", "Migrations"),
    "health": ("the health check", "Health check"),
    "canary_health": ("the check of the canary pool", "Canary pool"),
    "switch": ("the switch", "Switch"),
    "restart": ("the restart of the queue workers", "Restart"),
    "down": ("the start of maintenance mode", "Maintenance"),
    "up": ("the end of maintenance mode", "Open again"),
    "canary_start": ("the start of the canary", "Start of the canary"),
    "canary_stop": ("the end of the canary", "End of the canary"),
    "smoke": ("the smoke test", "Smoke test"),
    "config_stage": ("the preparation of the configuration", "Preparation"),
    "config_apply": ("the change of shared/.env", "shared/.env"),
    "prune": ("the clean-up", "Clean-up"),
}
"""By verb. One that is not here is called by its step's title, so a new one needs no line to be understood."""


def noun(step: Step) -> str:
    """The step as part of a sentence: "the health check"."""
    return _names(step)[0]


def label(step: Step) -> str:
    """The step at the head of a line: "Health check"."""
    return _names(step)[1]


def _names(step: Step) -> tuple[str, str]:
    match step:
        case Do():
            title = step.title.rstrip(".")
            return _NAMES.get(step.call.verb, (f"“{title}”", title))
        case Watch():
            return "the check from outside", "Check from outside"
        case Shift():
            return "the canary", "Canary"
        case Ask():
            return "the question", "Question"
        case Expect():
            return "the first look at the servers", "First look"
        case _:
            assert_never(step)
