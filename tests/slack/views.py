"""Changes in every stage of their life, made by hand, for the cards' snapshots and the handlers' fakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from actions import blue_green, canary, rollback
from actions.engine.analysis import Tally, Watched
from actions.engine.analysis.counters import Counts
from actions.engine.fleet import Artifact, Environment, Fleet, Host, Pools, Release, Request
from actions.engine.fold import State, fold
from actions.engine.journal import (
    Asked,
    Done,
    Ended,
    Entry,
    Failed,
    Measured,
    Opened,
    Outcome,
    Returned,
    Started,
    StopAsked,
    Took,
    TurnedBack,
    Waiting,
    Way,
    Weighed,
)
from actions.engine.migrations import Effect, Finding, Migration
from actions.engine.plan import Arg, Probe
from actions.engine.registry.strategies import Strategy
from actions.engine.runner import closing
from bot.desk.estimate import Usual, usual
from bot.desk.offers import Choices, Live, Offered, Versions
from bot.desk.view import ChangeView
from policies.change import (
    Account,
    Allowed,
    Approval,
    Blocked,
    Calendar,
    Change,
    ChangeType,
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
from policies.judge import judge
from policies.review import Review
from tests.support.canaries import shift

AT = datetime(2026, 11, 23, 14, 2, 11, tzinfo=UTC)
HOSTS = ("app1", "app2")
MIGRATIONS = ("2026_11_01_000001_create_orders", "2026_11_02_000001_add_total_to_orders")
PEOPLE = {
    "dev": Person("dev", "Dana Dev", frozenset(), (Account("T0CHOM", "U0DEV"),)),
    "lead": Person("lead", "Lea Lead", frozenset({Role.TECH_LEAD}), (Account("T0CHOM", "U0LEAD"),)),
    "devops": Person("devops", "Ola Ops", frozenset({Role.DEVOPS, Role.ON_CALL}), (Account("T0CHOM", "U0DEVOPS"),)),
    "cto": Person("cto", "Cleo Chief", frozenset({Role.CTO}), (Account("T0CHOM", "U0CTO"),)),
}

V09, V10, V11 = (
    Release(f"20261{day}_100000", version, version[1] * 40, version[3] * 64, (1_792_000_000 + n,), ())
    for n, (day, version) in enumerate((("001", "v0.9"), ("015", "v1.0"), ("101", "v1.1")))
)
FLEET = Fleet(
    Environment("production", HOSTS, "app1", (Probe("https://shop.example/health", contains="{version}"),), keep=2),
    tuple(Host(name, f"SHA256:{name}", "cd" * 32, V11.id, (V09, V10, V11), (), 10**12, 6) for name in HOSTS),
    reads={name: Migration((Finding(8, Effect.ADDS, "adds a column"),)) for name in MIGRATIONS},
)
ARTIFACT = Artifact("v1.2", "1f0c2d3e4b5a69788796a5b4c3d2e1f00f1e2d3c", "ab" * 32, 12_000_000, MIGRATIONS)
ADDING: dict[str, Arg] = {"destructive": (), "restores": (), "forward_only": MIGRATIONS}
PLAN = blue_green.plan(Request("deploy", "production", AT), FLEET, ARTIFACT)
PLAN = replace(PLAN, facts={**PLAN.facts, **ADDING})
LOSING = replace(PLAN, facts={**PLAN.facts, "destructive": MIGRATIONS[1:], "restores": MIGRATIONS[1:]})
BACK_TO_V10 = rollback.plan(Request("rollback", "production", AT), FLEET, None)
LEAVING = replace(BACK_TO_V10, facts={**BACK_TO_V10.facts, "migrations_left": MIGRATIONS, "way_back": "forward-only"})
UNKNOWING = replace(BACK_TO_V10, facts={**BACK_TO_V10.facts, "migrations_left_known": False, "way_back": ""})
V12_LIVE = Release("20261110_100000", "v1.2", "1" * 40, "ab" * 32, (1_792_000_003,), MIGRATIONS)
OLDER = blue_green.plan(
    Request("deploy", "production", AT),
    replace(
        FLEET,
        hosts=tuple(
            replace(host, current=V12_LIVE.id, releases=(V10, V11, V12_LIVE), migrations=MIGRATIONS)
            for host in FLEET.hosts
        ),
    ),
    replace(ARTIFACT, version="v1.1", sha256="cd" * 32, migrations=()),
)
STEPS = PLAN.steps
WITH_POOLS = replace(
    FLEET, hosts=tuple(replace(host, pools=Pools("", False, 0, None, 8 << 30, 1 << 30)) for host in FLEET.hosts)
)
IN_STAGES = canary.plan(Request("canary", "production", AT), WITH_POOLS, ARTIFACT)

CHANGE = Change(
    id="chg-7f3kq2",
    requester="dev",
    environment="production",
    text='deploy v1.2 reason="the new checkout"',
    reason="the new checkout",
    at=AT,
    plan=PLAN,
    requirement=Requirement(
        1, "Category 1 because every change needs a Tech Lead.", (Need(Role.TECH_LEAD),), expires=timedelta(hours=4)
    ),
    rules="ef" * 32,
)

WAITS = NotYet("Waiting for a Tech Lead: Lea Lead.", (Need(Role.TECH_LEAD),))


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
MOVED = Why.VOID
NEEDS_NOBODY = replace(CHANGE, requirement=Requirement(1, "Nobody has to approve what goes to staging.", ()))
FREE = Allowed(NEEDS_NOBODY.requirement.because, {})
GO = Allowed("Lea Lead approved it as Tech Lead.", {"lead": Role.TECH_LEAD})

RUNNING = view(GO, yes(), entries=[*STAGED, begun("migrate", "app1", 50)])
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
SHIFTING = replace(CHANGE, text="deploy v1.2 canary", plan=IN_STAGES)


def judged(change: Change, *said: Approval, entries: Sequence[Entry] = (), seconds: float = 100) -> ChangeView:
    """As the real judge sees it."""
    now = after(seconds)
    return replace(
        view(judge(change, said, (), PEOPLE, Calendar(), now), *said, entries=entries, change=change), now=now
    )


URGENT = replace(
    CHANGE,
    requester="devops",
    text='deploy v1.2 emergency="The checkout answers 500"',
    reason="",
    emergency="The checkout answers 500",
    requirement=Requirement(
        2,
        "Category 2 because of 2 migrations.",
        (Need(Role.ON_CALL, 1, (Role.TECH_LEAD,)),),
        expires=timedelta(minutes=30),
        type=ChangeType.EMERGENCY,
        bypassed=("staging", "checks", "branch"),
        tell=(Role.CTO,),
    ),
)
SURE = replace(
    CHANGE,
    requester="devops",
    reason="",
    text="rollback",
    plan=BACK_TO_V10,
    requirement=Requirement(
        1,
        "A rollback to a release that is kept is a standard change.",
        (Need(Role.TECH_LEAD, 1, (Role.DEVOPS, Role.CTO, Role.ON_CALL)),),
        type=ChangeType.STANDARD,
    ),
)
URGENT_YES = Approval("devops", Word.APPROVE, URGENT.digest, after(40), account="T0CHOM:U0DEVOPS")
SURE_YES = Approval("devops", Word.APPROVE, SURE.digest, after(40), account="T0CHOM:U0DEVOPS")
REVIEW = Review("lead", "T0CHOM:U0LEAD", after(9000), "An index was missing; a test finds that now.")

STAGES: dict[str, ChangeView] = {
    "emergency": judged(URGENT),
    "emergency_running": judged(URGENT, URGENT_YES, entries=[*STAGED, begun("migrate", "app1", 50)]),
    "emergency_done": judged(URGENT, URGENT_YES, entries=FINISHED),
    "emergency_turned_back": judged(URGENT, URGENT_YES, entries=TURNED),
    "emergency_reviewed": replace(judged(URGENT, URGENT_YES, entries=FINISHED), reviewed=REVIEW),
    "standard": judged(SURE),
    "standard_done": judged(SURE, SURE_YES, entries=ROLLED),
    "canary": view(GO, yes(), entries=FIRST_USERS, change=SHIFTING),
    "canary_second": view(GO, yes(), entries=MORE_USERS, change=SHIFTING),
    "canary_held": view(
        GO,
        yes(),
        entries=[
            *FIRST_USERS,
            Measured(
                after(96),
                "shift",
                "Only 12 requests in this stage; 59 are needed to tell.",
                SHOWN.holding(after(96).timestamp()),
                told=True,
            ),
        ],
        change=SHIFTING,
    ),
    "waiting": view(),
    "waiting_usual": replace(view(), usual=USUAL),
    "waiting_short": view(change=replace(CHANGE, reason="", text="rollback", plan=BACK_TO_V10)),
    "waiting_lost": view(change=replace(CHANGE, reason="", plan=LOSING)),
    "done_lost": view(GO, yes(), entries=FINISHED, change=replace(CHANGE, plan=LOSING)),
    "turned_back_lost": view(GO, yes(), entries=TURNED, change=replace(CHANGE, plan=LOSING)),
    "waiting_left": view(change=replace(CHANGE, reason="", text="rollback", plan=LEAVING)),
    "rolled_back": view(
        GO, yes(), entries=ROLLED, change=replace(CHANGE, reason="", text="rollback", plan=BACK_TO_V10)
    ),
    "waiting_older": view(change=replace(CHANGE, reason="", text="deploy v1.1", plan=OLDER)),
    "waiting_unknown": view(change=replace(CHANGE, reason="", text="rollback", plan=UNKNOWING)),
    "waiting_two": view(
        NotYet(
            "Waiting for a Tech Lead (Lea Lead) and a DevOps engineer (Ola Ops). Staging: not looked at yet.",
            (Need(Role.TECH_LEAD), Need(Role.DEVOPS)),
            ("staging",),
        )
    ),
    "waiting_nobody_can": replace(
        view(
            NotYet(
                "Nobody can approve this now: it still needs a Tech Lead, and chom.toml has nobody left who is one. "
                "Ask an operator to give another person that role.",
                (Need(Role.TECH_LEAD),),
            )
        ),
        people={"dev": PEOPLE["dev"]},
    ),
    "waiting_half": view(
        NotYet(
            "Waiting for a DevOps engineer: Ola Ops. Approved by Lea Lead (Tech Lead).",
            (Need(Role.DEVOPS),),
            approvers={"lead": Role.TECH_LEAD},
        ),
        yes(),
    ),
    "blocked": view(
        Blocked(
            "production is closed until 2026-11-30T08:00:00Z: the weekend. Approved by Lea Lead (Tech Lead).",
            after(9000),
        ),
        yes(),
    ),
    "allowed": view(GO, yes()),
    "allowed_behind": replace(view(GO, yes()), held=True, behind="Deploy v1.1.1 to production (blue-green)"),
    "allowed_held": replace(view(GO, yes()), held=True),
    "allowed_free": view(FREE, change=NEEDS_NOBODY),
    "allowed_free_behind": replace(view(FREE, change=NEEDS_NOBODY), behind="Deploy v1.1.1 to production (blue-green)"),
    "rejected": view(Refused("Lea Lead rejected it.", Why.REJECTED), no("not on a Friday")),
    "withdrawn": view(
        Refused("Dana Dev withdrew the request before it started (2026-11-23T14:05:00Z).", Why.WITHDRAWN)
    ),
    "rejected_free": view(Refused("Lea Lead rejected it: not now.", Why.REJECTED), change=NEEDS_NOBODY),
    "expired": view(Refused("It was not approved and started within 4 hours.", Why.EXPIRED)),
    "void": view(
        Refused("app2 serves another release than when this was asked. Nothing was started.", Why.VOID), yes()
    ),
    "strategy": view(
        Refused("Category 3 has to go out as canary. Type `deploy v1.2 canary to production`.", Why.STRATEGY)
    ),
    "starting": view(GO, yes(), entries=[OPENED]),
    "running": RUNNING,
    "running_usual": replace(RUNNING, usual=USUAL, now=after(52)),
    "running_long": replace(RUNNING, usual=SLOW, now=after(200)),
    "running_late": replace(RUNNING, usual=USUAL, now=after(200)),
    "running_half": view(GO, yes(), entries=COPIED_HALF),
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
                "app1 was interrupted during the migration. What it did there before is not known. "
                "Look at app1, then choose: try again, or turn back.",
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
    "stopped": view(GO, yes(), entries=STOPPED),
    "done": view(GO, yes(), entries=FINISHED),
}

RETURNED = Returned(after(90), "app1")

CHOICES = Choices(
    ("production", "staging"),
    "production",
    (Strategy("blue-green", "Makes a version ready beside the one that is served.", default=True),),
)
VERSIONS = Versions(
    (
        Offered("v1.3", "3" * 40, after(-300)),
        Offered("v1.2", "2" * 40, after(-86400 * 3), (Live("staging"),)),
        Offered("v1.1", "1" * 40, after(-86400 * 90), (Live("production"), Live("staging", same=False))),
    )
)
