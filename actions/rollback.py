"""Rollback: users are sent to a release that is still kept; the database stays as it is, and the plan says so."""

from __future__ import annotations

from datetime import UTC, datetime

from actions.engine.across import left_behind, require_way_back, sources
from actions.engine.configuring import renewed
from actions.engine.fleet import Artifact, CannotPlan, Fleet, Release, Request
from actions.engine.plan import Plan
from actions.engine.registry import Action
from actions.engine.steps import (
    agent,
    expect,
    health,
    names,
    replaced,
    require_hosts,
    restart,
    served,
    smoke,
    switches,
    verify,
    version_step,
)
from actions.engine.words import counted, joined, moment, named, servers


def plan(request: Request, fleet: Fleet, artifact: Artifact | None) -> Plan:
    """Health check, switch, restart, verify. Raises CannotPlan."""
    require_hosts(fleet)
    target = _target(request, fleet)
    environment, old = fleet.environment, replaced(fleet.hosts)
    left, ready = _left(fleet, target), renewed(fleet, target, f"{request.at:%Y%m%d_%H%M%S}")
    way = None if left is None else require_way_back(fleet, left, target.version)
    release = str(ready[0].call.args["release"]) if ready else target.id
    return Plan(
        action=ACTION.name,
        title=f"Roll back {environment.name}: {old} → {_called(fleet, target)}",
        environment=environment.name,
        version=target.version,
        commit=target.commit,
        sha256="",
        agent=agent(fleet),
        hosts=fleet.seen(),
        steps=(
            expect(fleet),
            *ready,
            health(fleet, release, target.version),
            *switches(fleet, release, target.version),
            restart(fleet),
            verify(environment, target.version),
            *smoke(fleet, release, target.version),
        ),
        facts={
            "replaces": old,
            "migrations": (),
            "migrations_left": left or (),
            "migrations_left_known": left is not None,
            "way_back": way.value if way else "",
            "version_step": version_step(old, target.version),
            "hosts": names(fleet.hosts),
            "strategy": "rollback",
            "release": release,
            "log": ACTION.log,
        },
    )


def _target(request: Request, fleet: Fleet) -> Release:
    version, steps = request.arguments.get("version", ""), request.arguments.get("steps", 1)
    target = _by_version(fleet, str(version)) if version else _by_steps(fleet, int(str(steps)))
    if lacking := [host.name for host in fleet.hosts if not host.release(target.id)]:
        keeps = "does not keep" if len(lacking) == 1 else "do not keep"
        raise CannotPlan(f"{named(lacking)} {keeps} {target.version}. {_possible(fleet)}")
    return target


def _by_steps(fleet: Fleet, steps: int) -> Release:
    """So many releases back on the way that led here, on servers that all serve the same."""
    if len({host.current for host in fleet.hosts}) > 1:
        raise CannotPlan(f"The servers differ ({_serving(fleet)}), so say which version you want. {_possible(fleet)}")
    way = fleet.hosts[0].way_back()
    if len(way) < steps:
        raise CannotPlan(_too_far(fleet, len(way), steps))
    return way[steps - 1]


def _serving(fleet: Fleet) -> str:
    """ "app1 serves v1.1 and app2 serves v1.0"."""
    versions = dict[str, list[str]]()
    for host in fleet.hosts:
        versions.setdefault(served(host) or "nothing", []).append(host.name)
    return joined(f"{named(on)} {'serves' if len(on) == 1 else 'serve'} {version}" for version, on in versions.items())


def _too_far(fleet: Fleet, there: int, steps: int) -> str:
    """Why it cannot go back so many steps, and what can be asked for instead."""
    name, now = fleet.environment.name, replaced(fleet.hosts)
    if there:
        return (
            f"{name} keeps {counted(there, 'release')} before {now}, so it cannot go back {steps}. {_possible(fleet)}"
        )
    left = [release for release in fleet.hosts[0].history() if release.id != fleet.hosts[0].current]
    if not left:
        keeps = f"keeps only {now}" if now else "keeps no release"
        return f"{name} {keeps}, so there is nothing to roll back to."
    versions = list(dict.fromkeys(release.version for release in left))
    return (
        f"{now} is live because {joined(versions)} {'was' if len(versions) == 1 else 'were'} rolled back, "
        f"and no older release is kept. To go to {versions[0]} again: `rollback to {versions[0]} on {name}`."
    )


def _by_version(fleet: Fleet, version: str) -> Release:
    """The newest activation of that version, one that every host keeps where there is one."""
    current = {host.name: host.release(host.current) for host in fleet.hosts}
    if all(release and release.version == version for release in current.values()):
        raise CannotPlan(f"{fleet.environment.name} serves {version} now; nothing to do.")
    kept = [release for host in fleet.hosts for release in host.history() if release.version == version]
    if not kept:
        raise CannotPlan(f"{version} is not kept on {servers(names(fleet.hosts))}. {_possible(fleet)}")
    everywhere = [release for release in kept if all(host.release(release.id) for host in fleet.hosts)]
    return max(everywhere or kept, key=lambda release: (release.activated[-1], release.id))


def _possible(fleet: Fleet) -> str:
    """What can be rolled back to, as a sentence."""
    first, *others = fleet.hosts
    common = [r for r in first.history() if all(host.release(r.id) for host in others)]
    current = {host.current for host in fleet.hosts}
    versions = dict.fromkeys(release.version for release in common if current != {release.id})
    return f"You can roll back to {joined(versions, 'or')}." if versions else "There is nothing to roll back to."


def _left(fleet: Fleet, target: Release) -> tuple[str, ...] | None:
    """Migrations in the database that the target does not know; None where its host does not list them."""
    return None if target.migrations is None else left_behind(fleet, target.migrations)


def reads(request: Request, fleet: Fleet) -> tuple[str, ...]:
    """The artifacts of kept releases that have what the target lacks."""
    return sources(fleet, _left(fleet, _target(request, fleet)) or ()) if fleet.hosts else ()


def _called(fleet: Fleet, target: Release) -> str:
    """The target's version, and since when it is there where the version alone does not tell it from the served one."""
    if target.version != replaced(fleet.hosts):
        return target.version
    return f"the {target.version} of {moment(datetime.fromtimestamp(target.activated[0], UTC))}"


ACTION = Action(
    name="rollback",
    usage="rollback [steps=N | to <version>] [on <environment>]",
    summary="Sends users back to a release that is kept: the one that the served one replaced, or the one you name.",
    plan=plan,
    brings_artifact=False,
    reads=reads,
    log="rollback",
    examples=("rollback", "rollback steps=2", "rollback to v1.0 on staging"),
)
