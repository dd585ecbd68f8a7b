"""Changes in every stage of their life, made by hand, for the cards' snapshots and the handlers' fakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from actions.engine.fold import State, fold
from actions.engine.journal import (
    Asked,
    Done,
    Ended,
    Entry,
    Failed,
    Opened,
    Outcome,
    Returned,
    Started,
    StopAsked,
    Took,
    TurnedBack,
    Waiting,
    Way,
)
from actions.engine.plan import Again, Back, Call, Do, Expect, Harmless, Irreversible, Plan, Probe, Seen, Watch
from bot.view import ChangeView
from policies.change import (
    Account,
    Allowed,
    Approval,
    Blocked,
    Change,
    Need,
    Person,
    Refused,
    Requirement,
    Role,
    Verdict,
    Why,
    Word,
)
from policies.change import Waiting as NotYet

AT = datetime(2026, 11, 23, 14, 2, 11, tzinfo=UTC)
HOSTS = ("app1", "app2")
MIGRATIONS = ("2026_11_01_000001_create_orders", "2026_11_02_000001_add_total_to_orders")
BOTH = "The database keeps 2026_11_01_000001_create_orders and 2026_11_02_000001_add_total_to_orders."

PEOPLE = {
    "dev": Person("dev", "Dana Dev", frozenset(), (Account("T0CHOM", "U0DEV"),)),
    "lead": Person("lead", "Lea Lead", frozenset({Role.TECH_LEAD}), (Account("T0CHOM", "U0LEAD"),)),
    "devops": Person("devops", "Ola Ops", frozenset({Role.DEVOPS, Role.ON_CALL}), (Account("T0CHOM", "U0DEVOPS"),)),
    "cto": Person("cto", "Cleo Chief", frozenset({Role.CTO}), (Account("T0CHOM", "U0CTO"),)),
}

STEPS = (
    Expect("expect", "See that app1 and app2 still serve what they served", {"app1": "r1", "app2": "r1"}),
    Do(
        "stage",
        "Copy v1.2 to app1 and app2 and unpack it beside v1.1",
        Call("stage", {"release": "20261123_140211"}),
        HOSTS,
        Back(Call("unstage"), "Remove release 20261123_140211 from app1 and app2 again"),
    ),
    Do(
        "migrate",
        "Run 2 migrations on app1",
        Call("migrate"),
        ("app1",),
        Irreversible(BOTH),
        Again.ASK,
    ),
    Do("health", "Check v1.2 before anyone is sent there", Call("health"), HOSTS, Harmless("It only looks.")),
    Do(
        "switch",
        "Send users to v1.2 in one switch",
        Call("switch"),
        HOSTS,
        Back(Call("switch"), "Send users back to v1.1"),
    ),
    Watch("verify", "See from outside that v1.2 is served", (Probe("https://shop.example/health"),), 60),
    Do(
        "retain",
        "Keep v1.1 and the newest 5 releases, and remove older ones",
        Call("prune"),
        HOSTS,
        Irreversible("Releases that were removed are gone from the servers."),
        must=False,
    ),
)

PLAN = Plan(
    action="deploy",
    title="Deploy v1.2 to production (blue-green)",
    environment="production",
    version="v1.2",
    commit="1f0c2d3e4b5a69788796a5b4c3d2e1f00f1e2d3c",
    sha256="ab" * 32,
    agent="cd" * 32,
    hosts=(Seen("app1", "SHA256:one", "r1", MIGRATIONS), Seen("app2", "SHA256:two", "r1")),
    steps=STEPS,
    facts={"replaces": "v1.1", "migrations": MIGRATIONS},
)

CHANGE = Change(
    id="chg-7f3kq2",
    requester="dev",
    environment="production",
    text='deploy v1.2 reason="the new checkout"',
    reason="the new checkout",
    at=AT,
    plan=PLAN,
    requirement=Requirement(1, "it goes to production", (Need(Role.TECH_LEAD),), expires=timedelta(hours=4)),
    rules="ef" * 32,
)

WAITS = NotYet("A Tech Lead other than Dana Dev has to approve it.", (Need(Role.TECH_LEAD),))


def after(seconds: float) -> datetime:
    """A moment so many seconds after the change was asked for."""
    return AT + timedelta(seconds=seconds)


def yes(who: str = "lead", seconds: float = 40, change: Change = CHANGE) -> Approval:
    """An approval of what the change is."""
    return Approval(who, Word.APPROVE, change.digest, after(seconds), account="T0CHOM:U0LEAD")


def no(reason: str = "", seconds: float = 40) -> Approval:
    """A rejection."""
    return Approval("lead", Word.REJECT, CHANGE.digest, after(seconds), reason, "T0CHOM:U0LEAD")


def view(
    verdict: Verdict = WAITS, *said: Approval, entries: Sequence[Entry] = (), change: Change = CHANGE
) -> ChangeView:
    """The change as somebody sees it."""
    run: State = fold(entries)
    return ChangeView(change, said, verdict, run, PEOPLE, after(100))


OPENED = Opened(after(41), CHANGE.id, CHANGE.digest, "lead")
TOOK = Took(after(41.1), 7, "bot-a")


def begun(step: str, host: str, seconds: float, way: Way = Way.FORWARD) -> Started:
    """A step begins."""
    return Started(after(seconds), step, host, way)


def ended(step: str, host: str, seconds: float, summary: str = "", way: Way = Way.FORWARD, **more) -> Done:
    """A step succeeded."""
    return Done(after(seconds), step, host, way, summary, **more)


CHECKED = [OPENED, TOOK, begun("expect", "", 42), ended("expect", "", 42.5)]
STAGED = [
    *CHECKED,
    begun("stage", "app1", 43),
    begun("stage", "app2", 43),
    ended("stage", "app1", 47, "12 MB copied and unpacked"),
    ended("stage", "app2", 49, "12 MB copied and unpacked"),
]
MIGRATED = [
    *STAGED,
    begun("migrate", "app1", 50),
    ended("migrate", "app1", 53, "2 migrations applied", applied=MIGRATIONS),
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
    Failed(after(55), "health", "app1", Way.FORWARD, "/health answers HTTP 500", OUTPUT),
    ended("health", "app2", 55, "answers v1.2"),
    TurnedBack(after(55.1), "the health check of v1.2 failed on app1"),
]
BACK = [*FAILED_HEALTH, begun("stage", "app1", 56, Way.BACK), begun("stage", "app2", 56, Way.BACK)]
TURNED = [
    *BACK,
    ended("stage", "app1", 57, "removed", Way.BACK),
    ended("stage", "app2", 57, "removed", Way.BACK),
    Ended(after(57.5), Outcome.TURNED_BACK, "production still serves v1.1; nobody was sent to v1.2."),
]
SWITCHED = [
    *MIGRATED,
    *(begun("health", host, 54) for host in HOSTS),
    *(ended("health", host, 56, "answers v1.2") for host in HOSTS),
    *(begun("switch", host, 57) for host in HOSTS),
    *(ended("switch", host, 57.4) for host in HOSTS),
    begun("verify", "", 58),
]
FINISHED = [
    *SWITCHED,
    ended("verify", "", 62, "answered well 3 times in a row"),
    *(begun("retain", host, 63) for host in HOSTS),
    *(ended("retain", host, 64, "nothing to remove") for host in HOSTS),
    Ended(after(65), Outcome.DONE, "v1.2 is live on production."),
]
MOVED = Why.VOID
GO = Allowed("Lea Lead approved it as Tech Lead.", {"lead": Role.TECH_LEAD})

STAGES: dict[str, ChangeView] = {
    "waiting": view(),
    "waiting_plain": view(
        change=replace(CHANGE, reason="", text="deploy v1.2", plan=replace(PLAN, steps=STEPS[:2], hosts=()))
    ),
    "waiting_half": view(
        NotYet("Lea Lead approved it; DevOps has to approve it as well.", (Need(Role.DEVOPS),)), yes()
    ),
    "blocked": view(Blocked("Production is closed until Monday 08:00 UTC: the weekend.", after(9000)), yes()),
    "allowed": view(GO, yes()),
    "rejected": view(Refused("Lea Lead rejected it.", Why.REJECTED), no("not on a Friday")),
    "withdrawn": view(Refused("Dana Dev withdrew the request before it started.", Why.REJECTED)),
    "expired": view(Refused("Nobody approved it within 4 hours.", Why.EXPIRED)),
    "void": view(
        Refused("app2 serves another release than when this was asked. Nothing was started.", Why.VOID), yes()
    ),
    "strategy": view(Refused("Production only takes blue-green deploys.", Why.STRATEGY)),
    "starting": view(GO, yes(), entries=[OPENED]),
    "running": view(GO, yes(), entries=[*STAGED, begun("migrate", "app1", 50)]),
    "running_half": view(GO, yes(), entries=STAGED[:-1]),
    "stopping": view(GO, yes(), entries=[*STAGED, begun("migrate", "app1", 50), StopAsked(after(51), "dev")]),
    "host_away": view(
        GO,
        yes(),
        entries=[*STAGED, Waiting(after(60), "app1", Way.FORWARD, "the connection broke and 3 new ones failed")],
    ),
    "asked": view(
        GO,
        yes(),
        entries=[
            *STAGED,
            begun("migrate", "app1", 50),
            Asked(
                after(70),
                "migrate",
                "app1",
                "app1 was restarted while the migrations ran, so it is not known which were applied. What now?",
                ("try again", "turn back", "go on"),
            ),
        ],
    ),
    "turning_back": view(GO, yes(), entries=BACK),
    "turning_back_host_away": view(
        GO,
        yes(),
        entries=[*BACK, Waiting(after(60), "app2", Way.BACK, "it serves v1.2 and does not answer on port 22")],
    ),
    "turned_back": view(GO, yes(), entries=TURNED),
    "done": view(GO, yes(), entries=FINISHED),
}

RETURNED = Returned(after(90), "app1")
