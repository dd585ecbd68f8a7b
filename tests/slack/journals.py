"""Runs in every stage of their life, written by hand as the journals that they leave."""

from __future__ import annotations

from collections.abc import Sequence

from actions.engine.analysis import Tally, Watched
from actions.engine.analysis.counters import Counts
from actions.engine.fold import fold
from actions.engine.journal import (
    Done,
    Ended,
    Entry,
    Failed,
    Measured,
    Opened,
    Outcome,
    Started,
    StopAsked,
    Took,
    TurnedBack,
    Way,
    Weighed,
)
from actions.engine.runner import closing
from bot.desk.estimate import Usual, usual
from tests.slack.changes import BACK_TO_V10, CHANGE, HOSTS, MIGRATIONS, PLAN, after
from tests.support.canaries import shift

OPENED = Opened(after(41), CHANGE.id, CHANGE.digest, "lead")
TOOK = Took(after(41.1), 7, "bot-a")


def begun(step: str, host: str, seconds: float, way: Way = Way.FORWARD) -> Started:
    """A step begins."""
    return Started(after(seconds), step, host, way)


def ended(step: str, host: str, seconds: float, summary: str = "", way: Way = Way.FORWARD, **more) -> Done:
    """A step succeeded."""
    return Done(after(seconds), step, host, way, summary, **more)


def close(entries: Sequence[Entry], seconds: float, outcome: Outcome = Outcome.DONE) -> list[Entry]:
    """The run with its end, in the runner's own words."""
    said = closing.done if outcome is Outcome.DONE else closing.turned_back
    return [*entries, Ended(after(seconds), outcome, said(PLAN, fold(entries), after(seconds)))]


def both(step: str, start: float, end: float, summary: str, way: Way = Way.FORWARD) -> list[Entry]:
    """A step on both servers, from beginning to end."""
    return [
        *(begun(step, host, start, way) for host in HOSTS),
        *(ended(step, host, end, summary, way) for host in HOSTS),
    ]


CHECKED = [OPENED, TOOK, begun("expect", "", 42), ended("expect", "", 42.5, "the servers are as planned")]
COPIED_HALF = [
    *CHECKED,
    begun("stage", "app1", 43),
    begun("stage", "app2", 43),
    begun("backup", "app1", 43),
    ended("stage", "app1", 47, "v1.2 is unpacked"),
]
STAGED = [
    *COPIED_HALF,
    ended("stage", "app2", 49, "v1.2 is unpacked"),
    ended("backup", "app1", 50, "chom_20261123_140211.sql.gz was made and read back: 12 tables, 3.4 MB"),
]
MIGRATED = [
    *STAGED,
    begun("migrate", "app1", 50),
    ended("migrate", "app1", 53, f"2 migrations applied: {', '.join(MIGRATIONS)}", applied=MIGRATIONS),
]
OUTPUT = (
    "GET /health",
    "HTTP 500 Internal Server Error",
    "SQLSTATE[42S22]: Column not found: 1054 Unknown column 'total'",
)
FAILED_HEALTH = [
    *MIGRATED,
    begun("health", "app1", 54),
    begun("health", "app2", 54),
    Failed(after(55), "health", "app1", Way.FORWARD, "/health of v1.2 answers HTTP 500", OUTPUT),
    ended("health", "app2", 55, "/health of v1.2 answers HTTP 200"),
    TurnedBack(after(55.1), "the health check failed on app1 (/health of v1.2 answers HTTP 500)"),
]
BACK = [*FAILED_HEALTH, begun("stage", "app1", 56, Way.BACK), begun("stage", "app2", 56, Way.BACK)]
TURNED = close(
    [*BACK, *(ended("stage", host, 57, "v1.2 was removed", Way.BACK) for host in HOSTS)], 57.5, Outcome.TURNED_BACK
)
STOPPED = close(
    [
        *STAGED,
        begun("migrate", "app1", 50),
        StopAsked(after(51), "devops"),
        ended("migrate", "app1", 53, f"2 migrations applied: {', '.join(MIGRATIONS)}", applied=MIGRATIONS),
        TurnedBack(after(53), "it was stopped before the health check", "devops"),
        *both("stage", 54, 55, "v1.2 was removed", Way.BACK),
    ],
    55,
    Outcome.TURNED_BACK,
)
SWITCHED = [
    *MIGRATED,
    *both("health", 54, 56, "/health of v1.2 answers HTTP 200"),
    *both("switch", 57, 57.4, "v1.2 is served"),
    *both("restart", 57.5, 57.8, "the queue workers were told to restart"),
    begun("verify", "", 58),
]
FINISHED = close(
    [*SWITCHED, ended("verify", "", 62, "3 good answers in a row"), *both("retain", 63, 64, "v0.9, v1.0 removed")], 65
)
BACK_AGAIN = [OPENED, TOOK, *both("switch", 44, 45, "v1.0 is served"), ended("verify", "", 50)]
ROLLED = [
    *BACK_AGAIN,
    Ended(after(51), Outcome.DONE, closing.done(BACK_TO_V10, fold(BACK_AGAIN), after(51))),
]
USUAL = usual([fold(FINISHED)])
SLOW = Usual({name: seconds * 40 for name, seconds in USUAL.steps.items()}, USUAL.total * 40)
SHOWN = Watched(HOSTS, 5, after(57).timestamp(), (Tally(Counts(412, 3, 0), Counts(3700, 2, 0)),))
WHY = "3 of 412 requests failed; stable: 2 of 3,700."
FIRST_USERS = [
    OPENED,
    TOOK,
    *both("canary", 54, 56, "v1.2 is ready in the canary pool, and no client has it yet"),
    begun("shift", "", 57),
    Weighed(after(57), "shift", 10, "The first users are sent there.", SHOWN),
    Measured(after(95), "shift", WHY, SHOWN),
]
MORE_USERS = [*FIRST_USERS, Weighed(after(96), "shift", 25, WHY, SHOWN.promoted(after(96).timestamp()))]
ALL_USERS = [*MORE_USERS, Weighed(after(98), "shift", 100, WHY, SHOWN.promoted(after(98).timestamp()))]
THROUGH_STAGES = close(
    [
        OPENED,
        TOOK,
        *both("canary", 54, 56, "v1.2 is ready"),
        *shift(after(57)),
        *both("switch", 238, 239, "v1.2 is served"),
    ],
    240,
)
