"""Changes of every kind, made by hand: who asks, what is live, the plans, and what was said to them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from actions import blue_green, canary, rollback
from actions.engine.fleet import Artifact, Environment, Fleet, Host, Pools, Release, Request
from actions.engine.migrations import Effect, Finding, Migration
from actions.engine.plan import Arg, Probe
from policies.change import Account, Approval, Change, ChangeType, Need, Person, Requirement, Role, Word
from policies.review import Review

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


def after(seconds: float) -> datetime:
    """A moment so many seconds after the change was asked for."""
    return AT + timedelta(seconds=seconds)


def yes(who: str = "lead", seconds: float = 40, change: Change = CHANGE) -> Approval:
    """An approval of what the change is."""
    return Approval(who, Word.APPROVE, change.digest, after(seconds), account="T0CHOM:U0LEAD")


def no(reason: str = "", seconds: float = 40) -> Approval:
    """A rejection."""
    return Approval("lead", Word.REJECT, CHANGE.digest, after(seconds), reason, "T0CHOM:U0LEAD")


NEEDS_NOBODY = replace(CHANGE, requirement=Requirement(1, "Nobody has to approve what goes to staging.", ()))
SHIFTING = replace(CHANGE, text="deploy v1.2 canary", plan=IN_STAGES)
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
