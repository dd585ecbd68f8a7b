"""Blue-green: the new release (GREEN) is made ready beside the served one (BLUE), and one switch sends users there."""

from __future__ import annotations

from datetime import UTC, datetime

from actions.engine.across import left_behind, way_back
from actions.engine.fleet import Artifact, CannotPlan, Environment, Fleet, Host, Request
from actions.engine.plan import Again, Back, Call, Do, Harmless, Irreversible, Plan, Step
from actions.engine.registry import Action
from actions.engine.steps import (
    agent,
    expect,
    health,
    names,
    newer_live,
    replaced,
    require_hosts,
    restart,
    retain,
    smoke,
    switches,
    verify,
    version_step,
)
from actions.engine.words import FEW, counted, instant, joined, megabytes, named, servers

ROOM = 3
"""A release needs about this many times its artifact's size: the tar.gz, its content, and the caches."""


def plan(request: Request, fleet: Fleet, artifact: Artifact | None) -> Plan:
    """Stage, back up, migrate, health, switch, restart, verify, smoke, retain. Raises CannotPlan."""
    if artifact is None:
        raise CannotPlan("There is no version to deploy.")
    green = f"{request.at:%Y%m%d_%H%M%S}"
    _refuse(fleet, artifact, green)
    pending = _pending(fleet, artifact)
    environment = fleet.environment
    steps: list[Step] = [expect(fleet), *_stage(fleet, artifact, green), *_back_up(environment, green)]
    if pending:
        steps.append(_migrate(environment, green, pending))
    steps += [
        health(fleet, green, artifact.version),
        *switches(fleet, green, artifact.version),
        restart(fleet),
        verify(environment, artifact.version),
        *smoke(fleet, green, artifact.version),
        retain(fleet, green),
    ]
    return Plan(
        action=ACTION.name,
        title=f"Deploy {artifact.version} to {environment.name}",
        environment=environment.name,
        version=artifact.version,
        commit=artifact.commit,
        sha256=artifact.sha256,
        agent=agent(fleet),
        hosts=fleet.seen({environment.migrate_on: pending}),
        steps=tuple(steps),
        facts={
            "replaces": replaced(fleet.hosts),
            "migrations": pending,
            "version_step": version_step(replaced(fleet.hosts), artifact.version),
            "hosts": names(fleet.hosts),
            "strategy": "blue-green",
            "release": green,
            "log": ACTION.log,
            **_older(fleet, artifact),
        },
    )


def _older(fleet: Fleet, artifact: Artifact) -> dict[str, str | tuple[str, ...]]:
    """Facts of a deploy that goes back: what is newer and live, and which of its migrations stay in the database."""
    newer = newer_live(fleet.hosts, artifact.version)
    left = left_behind(fleet, artifact.migrations)
    way = way_back(fleet, left)
    return {"older_than": newer, "migrations_left": left, "way_back": way.value if way else ""} if newer else {}


def _refuse(fleet: Fleet, artifact: Artifact, green: str) -> None:
    """Raises CannotPlan for what would make no sense or could not end well."""
    require_hosts(fleet)
    if all(_serves(host, artifact) for host in fleet.hosts):
        since = [r.activated[-1] for h in fleet.hosts if (r := h.release(h.current)) and r.activated]
        when = f" since {instant(datetime.fromtimestamp(max(since), UTC))}" if since else ""
        raise CannotPlan(f"{artifact.version} is already live on {fleet.environment.name}{when}; nothing to do.")
    if taken := [host.name for host in fleet.hosts if host.release(green)]:
        raise CannotPlan(f"{named(taken)} already has a release {green}; ask again in a second.")
    need = ROOM * artifact.size
    if short := sorted((host for host in fleet.hosts if host.disk_free < need), key=lambda host: host.disk_free):
        least = [f"{host.name} has {megabytes(host.disk_free)} free" for host in short[:FEW]]
        has = joined([*least, f"{len(short) - FEW} more have too little"] if len(short) > FEW else least)
        raise CannotPlan(
            f"Not enough disk for {artifact.version}: {has}, and it needs about {megabytes(need)} "
            f"({ROOM} times its {megabytes(artifact.size)}). Make room and ask again."
        )


def _serves(host: Host, artifact: Artifact) -> bool:
    """Whether the host serves this very build; an adopted release may not know its sha256."""
    release = host.release(host.current)
    return bool(release and release.version == artifact.version and release.sha256 in ("", artifact.sha256))


def _pending(fleet: Fleet, artifact: Artifact) -> tuple[str, ...]:
    """Migrations the database lacks; it is shared, so what any host knows to be applied is applied."""
    applied = {name for host in fleet.hosts for name in host.migrations}
    return tuple(name for name in artifact.migrations if name not in applied)


def _stage(fleet: Fleet, artifact: Artifact, green: str) -> tuple[Do, ...]:
    """Unpack GREEN everywhere. Where nothing was served before, a switch cannot be undone, and so GREEN stays."""
    call = Call(
        "stage",
        {"release": green, "version": artifact.version, "commit": artifact.commit, "sha256": artifact.sha256},
    )
    staged: list[Do] = []
    for hosts in ([h for h in fleet.hosts if h.current], [h for h in fleet.hosts if not h.current]):
        if not hosts:
            continue
        where, old = servers(names(hosts)), replaced(hosts)
        undo = (
            Back(Call("unstage", {"release": green}), f"Remove {artifact.version} from {where} again")
            if hosts[0].current
            else Harmless(f"It is the first release on {where}; its directory stays and serves nobody by itself.")
        )
        staged.append(
            Do(
                name="stage-2" if staged else "stage",
                title=f"Copy {artifact.version} to {where}{f', beside {old}' if old else ''}",
                call=call,
                hosts=names(hosts),
                undo=undo,
                timeout=900,
                artifact=artifact.sha256,
                beside=bool(staged),
            )
        )
    return tuple(staged)


def _back_up(environment: Environment, green: str) -> tuple[Do, ...]:
    """The database as it is before anything of the deploy reaches it; a deploy without it goes no further.

    It is made while the release is copied, which touches no database.
    """
    days = environment.backup_days
    if not days:
        return ()
    return (
        Do(
            name="backup",
            title=f"Back up the database, kept for {counted(days, 'day')}",
            call=Call("backup", {"name": green, "days": days}),
            hosts=(environment.migrate_on,),
            undo=Harmless(f"A backup changes nothing; it is removed after {counted(days, 'day')}."),
            timeout=3600,
            beside=True,
        ),
    )


def _migrate(environment: Environment, green: str, pending: tuple[str, ...]) -> Do:
    return Do(
        name="migrate",
        title=f"Run {counted(len(pending), 'migration')}",
        call=Call("migrate", {"release": green}),
        hosts=(environment.migrate_on,),
        undo=Irreversible(f"The database keeps {joined(pending)}."),
        again=Again.ASK,
        timeout=1800,
    )


ACTION = Action(
    name="deploy",
    usage="deploy <version> [blue-green] [to|on <environment>]",
    summary="Makes a version ready beside the one that is served, checks it, and sends users there in one switch.",
    plan=plan,
    brings_artifact=True,
    log="deployment",
    examples=("deploy v1.2", 'deploy v1.2 to staging reason="try the new checkout"'),
)
