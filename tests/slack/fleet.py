"""A deploy to a hundred servers at moments of its life, for what Slack shows of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from actions import blue_green
from actions.engine.fleet import Fleet, Request
from actions.engine.fold import fold
from actions.engine.journal import Ended, Entry, Failed, Outcome, TurnedBack, Waiting, Way
from actions.engine.runner import closing
from bot.desk.view import ChangeView
from policies.change import Allowed
from tests.slack.changes import ARTIFACT, AT, CHANGE, FLEET, PEOPLE, after, yes
from tests.slack.journals import OPENED, TOOK, begun, ended

HUNDRED = tuple(f"app{number}" for number in range(1, 101))
BAD = "app42"
MANY = Fleet(
    replace(FLEET.environment, hosts=HUNDRED, keep=5),
    tuple(replace(FLEET.hosts[0], name=name, key=f"SHA256:{name}") for name in HUNDRED),
)
PLAN = blue_green.plan(Request("deploy", "production", AT), MANY, replace(ARTIFACT, migrations=()))
CHANGE_OF_MANY = replace(CHANGE, plan=PLAN)


def seen(entries: Sequence[Entry]) -> ChangeView:
    """The change as its run stands."""
    said = yes(change=CHANGE_OF_MANY)
    return ChangeView(CHANGE_OF_MANY, (said,), Allowed(said="Approved."), fold(entries), PEOPLE, after(100))


def everywhere(step: str, hosts: Iterable[str], start: float, end: float, summary: str, **more: Way) -> list[Entry]:
    """The step on these servers, each a little later than the one before."""
    names = list(hosts)
    starts: list[Entry] = [begun(step, host, start, **more) for host in names]
    return starts + [ended(step, h, end + n / 100, summary, **more) for n, h in enumerate(names)]


def begins(step: str, start: float) -> list[Entry]:
    """`started` of all, as it is written at once."""
    return [begun(step, host, start) for host in HUNDRED]


OUTPUT = ("GET /health", "HTTP 500 Internal Server Error")


def copied(host: str, at: float) -> Entry:
    """The copy has ended there."""
    return ended("stage", host, at, "v1.2 is unpacked")


def refused(host: str, number: int) -> Entry:
    """The health check has failed there, for a reason of its own."""
    return Failed(after(94), "health", host, Way.FORWARD, f"{host}: connection {number} refused", OUTPUT)


OTHERS = tuple(host for host in HUNDRED if host != BAD)
CHECKED: list[Entry] = [OPENED, TOOK, begun("expect", "", 42), ended("expect", "", 42.5, "the servers are as planned")]
STAGING: list[Entry] = [
    *CHECKED,
    *begins("stage", 43),
    *(copied(h, 48) for h in OTHERS[:60]),
]
LAST = [*STAGING, *(copied(h, 49) for h in OTHERS[60:] if h != "app77")]
AWAY = [*LAST, Waiting(after(52), BAD, Way.FORWARD, "it does not answer (ssh ops@10.0.0.42:22, no answer within 10 s)")]
STAGED = [*LAST, *(copied(host, 90) for host in (BAD, "app77"))]
BACKED_UP = [*STAGED, begun("backup", "app1", 91), ended("backup", "app1", 92, "12 tables, 3.4 MB")]
UNWELL: list[Entry] = [
    *BACKED_UP,
    *begins("health", 93),
    *(ended("health", host, 94, "/health of v1.2 answers HTTP 200") for host in OTHERS),
    Failed(after(95), "health", BAD, Way.FORWARD, "/health of v1.2 answers HTTP 500", OUTPUT),
    TurnedBack(after(95.1), f"the health check failed on {BAD} (/health of v1.2 answers HTTP 500)"),
]
BACK = [*UNWELL, *(begun("stage", host, 96, Way.BACK) for host in HUNDRED)]
HALF_BACK = [*BACK, *(ended("stage", host, 97, "v1.2 was removed", Way.BACK) for host in OTHERS)]


def finished(entries: Sequence[Entry], outcome: Outcome) -> list[Entry]:
    """With its end, in the runner's own words."""
    said = closing.done if outcome is Outcome.DONE else closing.turned_back
    return [*entries, Ended(after(100), outcome, said(PLAN, fold(entries), after(100)))]


TURNED = finished([*HALF_BACK, ended("stage", BAD, 98, "v1.2 was removed", Way.BACK)], Outcome.TURNED_BACK)
ALL_UNWELL: list[Entry] = [
    *BACKED_UP,
    *begins("health", 93),
    *(refused(host, number) for number, host in enumerate(HUNDRED)),
]
ALL_AWAY = [*STAGING, *(Waiting(after(52), h, Way.FORWARD, f"it does not answer (ssh ops@{h}:22)") for h in HUNDRED)]
DONE = finished(
    [
        *BACKED_UP,
        *everywhere("health", HUNDRED, 93, 94, "/health of v1.2 answers HTTP 200"),
        *everywhere("switch", HUNDRED, 95, 95.2, "v1.2 is served"),
        *everywhere("restart", HUNDRED, 96, 97, "the queue workers begin anew"),
        begun("verify", "", 98),
        ended("verify", "", 99, "3 good answers in a row"),
        *everywhere("retain", HUNDRED, 99, 99.1, "nothing was old enough"),
    ],
    Outcome.DONE,
)
