"""What a button carries, read back: anything that is not of our making is None, never guessed at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from actions.engine.registry.grammar import ENVIRONMENT

_CHANGE = re.compile(r"chg-[a-z0-9]{1,20}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Press(Enum):
    """The buttons that carry change and digest; the values are their action ids."""

    APPROVE = "chom_approve"
    REJECT = "chom_reject"
    STOP = "chom_stop"
    SHOW_PLAN = "chom_show_plan"
    ROLL_BACK = "chom_rollback"
    ASK_AGAIN = "chom_ask_again"
    REVIEW = "chom_review"


class Wish(Enum):
    """The buttons with which something begins; the values are their action ids."""

    DEPLOY = "chom_open_deploy"
    ROLL_BACK = "chom_ask_rollback"
    STATUS = "chom_status"


ANSWERS = ("chom_answer", "chom_answer_hold")
"""Two where two stand in one row: Slack wants an action id once a block."""
_WISHES = frozenset(wish.value for wish in Wish)


@dataclass(frozen=True, slots=True)
class Click:
    """A press of one of them."""

    press: Press
    change: str
    digest: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A press of an answer to a run's question."""

    change: str
    step: str
    host: str
    choice: str


@dataclass(frozen=True, slots=True)
class Beginning:
    """A press of one of those; `environment` may be "" for none in particular."""

    wish: Wish
    environment: str


def read_click(action_id: str, value: str) -> Click | Answer | Beginning | None:
    """The click, None where it is none of ours."""
    if action_id in _WISHES:
        return Beginning(Wish(action_id), value) if not value or ENVIRONMENT.accepts(value) else None
    change, _, rest = value.partition(":")
    if not _CHANGE.fullmatch(change):
        return None
    if action_id in ANSWERS:
        parts = rest.split(":", 2)
        return Answer(change, *parts) if len(parts) == 3 else None
    try:
        press = Press(action_id)
    except ValueError:
        return None
    return Click(press, change, rest) if _DIGEST.fullmatch(rest) else None
