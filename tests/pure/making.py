"""Fleets, artifacts, people and changes for the tests of what is pure; each field can be told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from actions.blue_green import plan as plan_deploy
from actions.engine.fleet import Artifact, Differs, Earlier, Environment, Fleet, Host, Pools, Proposed, Release, Request
from actions.engine.migrations import Effect, Finding, Migration
from actions.engine.plan import Plan, Probe
from policies.change import (
    Account,
    Approval,
    Calendar,
    Change,
    Evidence,
    Need,
    People,
    Person,
    Requirement,
    Role,
    Verdict,
    Word,
)
from policies.judge import judge

AT = datetime(2026, 11, 23, 22, 21, 51, tzinfo=UTC)
POOLS = Pools(canary="", running=False, weight=0, lapsed=None, memory=8_000_000_000, needed=1_000_000_000)
PROBES = (Probe("https://shop.example/health", 200, '"version":"{version}"'),)
ENVIRONMENTS = ("production", "staging")
NOW = AT + timedelta(minutes=10)
OPEN = Calendar()
BLUE, OLD, OLDEST = "20261101_100000", "20261015_100000", "20261001_100000"

CONFIGS = {"app1": "a" * 32, "app2": "b" * 32}
"""What a host calls its environment file; the same file has another id on each."""

V10 = Release(OLDEST, "v1.0", "0" * 40, "0" * 64, (1_790_000_000,), ("m1",))
V101 = Release(OLD, "v1.0.1", "1" * 40, "1" * 64, (1_791_000_000,), ("m1",))
V11 = Release(BLUE, "v1.1", "2" * 40, "2" * 64, (1_792_000_000,), ("m1", "m2"))


def environment(name: str = "production", hosts: tuple[str, ...] = ("app1", "app2"), **more: Any) -> Environment:
    return Environment(**({"name": name, "hosts": hosts, "migrate_on": hosts[0], "probes": PROBES} | more))


def host(name: str = "app1", **more: Any) -> Host:
    seen: dict[str, Any] = {
        "key": f"SHA256:{name}",
        "agent": "a" * 64,
        "current": BLUE,
        "releases": (V10, V101, V11),
        "migrations": ("m1", "m2"),
        "disk_free": 50_000_000_000,
        "fence": 7,
        "config": CONFIGS.get(name, "c" * 32),
        "pools": POOLS,
    }
    return Host(**({"name": name} | seen | more))


ADDS = Migration((Finding(8, Effect.ADDS, "creates the table wishes"),))
LOSES = Migration((Finding(9, Effect.LOSES, "drops the column email of wishes"),))
BREAKS = Migration(
    (Finding(7, Effect.BREAKS, "renames the table shops"),), (Finding(12, Effect.BREAKS, "renames the table stores"),)
)
READS = {f"m{number}": ADDS for number in range(1, 10)}
"""What migrations do where a test does not say it."""


def fleet(*hosts: Host, proposed: Proposed | None = None, **more: Any) -> Fleet:
    known = hosts or (host("app1"), host("app2"))
    return Fleet(environment(hosts=tuple(h.name for h in known), **more), known, proposed, READS)


def reading(on: Fleet, **reads: Migration) -> Fleet:
    """The same, where these migrations do something else."""
    return replace(on, reads={**on.reads, **reads})


EARLIER = (
    Earlier("d" * 32, 1_792_100_000, Differs(changed=("MAIL_HOST",)), "20261110_100000"),
    Earlier("e" * 32, 1_792_050_000, Differs(("OLD_KEY",), ("MAIL_HOST",)), "20261105_100000"),
)
"""Two environment files that a host can go back to."""


def changed_before(fleet: Fleet) -> Fleet:
    """The same, where the configuration was changed twice already."""
    return replace(fleet, hosts=tuple(replace(host, earlier=EARLIER) for host in fleet.hosts))


def proposed(fleet: Fleet, differs: Differs | None = None, **each: Differs) -> Fleet:
    """The same, with stored edits that do this on every host, or that on each."""
    does = differs or Differs(("MAIL_HOST",), ("DB_PASSWORD",), ("OLD_KEY",))
    known = {host.name: each.get(host.name, does) for host in fleet.hosts}
    return replace(fleet, proposed=Proposed("cfg-7f3kq2", "ops", "f" * 64, known))


def artifact(version: str = "v1.2", **more: Any) -> Artifact:
    built: dict[str, Any] = {"commit": "c" * 40, "sha256": "d" * 64, "size": 20_000_000, "migrations": ("m1", "m2")}
    return Artifact(**({"version": version} | built | more))


def request(action: str = "deploy", arguments: dict[str, Any] | None = None, **more: Any) -> Request:
    return Request(**({"action": action, "environment": "production", "at": AT, "arguments": arguments or {}} | more))


def deploy(**more: Any) -> Plan:
    return plan_deploy(request(), fleet(), artifact(**more))


def person(id_: str, name: str, *roles: Role) -> Person:
    return Person(id_, name, frozenset(roles), (Account("T1", f"U{id_.upper()}"),), (id_,))


DEV = person("dev", "Dora")
LENA, TOM = person("lena", "Lena", Role.TECH_LEAD), person("tom", "Tom", Role.TECH_LEAD)
OPS, CTO = person("ops", "Otto", Role.DEVOPS, Role.ON_CALL), person("cto", "Carla", Role.CTO)
TEAM = person("team", "Tina", Role.TEAM)
PEOPLE: People = {p.id: p for p in (DEV, LENA, TOM, OPS, CTO, TEAM)}

ONE = Requirement(1, "Category 1 because every change needs a Tech Lead.", (Need(Role.TECH_LEAD),))
TWO = Requirement(
    2, "Category 2 because of 3 migrations.", (Need(Role.TECH_LEAD), Need(Role.DEVOPS)), evidence=("staging",)
)
THREE = Requirement(
    3, "Category 3 because of the new major version.", (Need(Role.CTO), Need(Role.TEAM)), strategies=("canary",)
)


def change(requirement: Requirement = ONE, requester: str = "dev", **more: Any) -> Change:
    made: dict[str, Any] = {
        "id": "chg-7f3kq2",
        "requester": requester,
        "environment": "production",
        "text": "deploy v1.2",
        "reason": "",
        "at": AT,
        "plan": deploy(),
        "requirement": requirement,
        "rules": "e" * 64,
    }
    return Change(**(made | more))


def approval(who: Person | str, of: Change, minutes: float = 1, word: Word = Word.APPROVE, **more: Any) -> Approval:
    id_ = who if isinstance(who, str) else who.id
    said: dict[str, Any] = {"digest": of.digest, "at": of.at + timedelta(minutes=minutes)}
    return Approval(**({"person": id_, "word": word} | said | more))


def verdict(
    of: Change,
    *said: Approval,
    evidence: Iterable[Evidence] = (),
    people: People = PEOPLE,
    calendar: Calendar = OPEN,
    now: datetime = NOW,
) -> Verdict:
    return judge(of, said, evidence, people, calendar, now)


def only(*people: Person) -> People:
    return {p.id: p for p in people}
