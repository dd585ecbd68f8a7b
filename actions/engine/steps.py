"""The steps that every action with a switch has in common, and what it says of the servers as they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from actions.engine.fleet import CannotPlan, Environment, Fleet, Host, Release
from actions.engine.plan import Back, Call, Do, Expect, Harmless, Irreversible, Watch
from actions.engine.words import joined, named, servers

VERIFY_S = 60
"""Seconds within which the probes from outside have to pass."""


def require_hosts(fleet: Fleet) -> None:
    """Raises CannotPlan where there is nothing to act on or no way to see the result."""
    name = fleet.environment.name
    if not fleet.hosts:
        raise CannotPlan(f"{name} has no servers in chom.toml; list them under [environments.{name}].")
    if not fleet.environment.probes:
        raise CannotPlan(
            f"{name} has no probe in chom.toml, so nobody would notice a broken release; "
            f"add one under [[environments.{name}.probes]]."
        )


def agent(fleet: Fleet) -> str:
    """sha256 of the chom-host that all hosts run. Raises CannotPlan where they differ."""
    agents = dict[str, list[str]]()
    for host in fleet.hosts:
        agents.setdefault(host.agent, []).append(host.name)
    if len(agents) > 1:
        runs = joined(f"{named(hosts)} {'runs' if len(hosts) == 1 else 'run'} {a[:8]}" for a, hosts in agents.items())
        raise CannotPlan(
            f"The servers run different versions of chom-host ({runs}). "
            "Bring them together with `chom-bot host install`."
        )
    return next(iter(agents))


def names(hosts: Sequence[Host]) -> tuple[str, ...]:
    """The hosts' names, in configuration order."""
    return tuple(host.name for host in hosts)


def served(host: Host) -> str:
    """The version a host serves as a person calls it: the release id where none is known, "" for none."""
    release = host.release(host.current)
    return release.version if release and release.version else host.current


def replaced(hosts: Sequence[Host]) -> str:
    """What these hosts serve now: "v1.1", "v1.0 and v1.1" where they differ, "" for nothing."""
    return joined(dict.fromkeys(version for host in hosts if (version := served(host))))


def version_step(old: str, new: str) -> str:
    """ "major", "minor" or "patch": the first number in which the versions differ; else "unknown"."""
    before, after = _numbers(old), _numbers(new)
    if before is None or after is None:
        return "unknown"
    differing = (kind for kind, a, b in zip(("major", "minor", "patch"), before, after, strict=True) if a != b)
    return next(differing, "unknown")


def newer_live(hosts: Sequence[Host], version: str) -> str:
    """The newer versions that these hosts serve, "" where there is none or the versions have no order."""
    new = _numbers(version)
    ordered = [(number, old) for host in hosts if (number := _numbers(old := served(host)))]
    return joined(dict.fromkeys(old for number, old in ordered if new and number > new))


def _numbers(version: str) -> tuple[int, int, int] | None:
    match = re.fullmatch(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:[-+].*)?", version)
    return (int(match[1]), int(match[2] or 0), int(match[3] or 0)) if match else None


def expect(fleet: Fleet) -> Expect:
    """Refuse to begin where the servers moved since the plan was made."""
    serves = replaced(fleet.hosts)
    what = f"still serves {serves}" if serves else "serves nothing yet"
    return Expect(
        "expect", f"Check that {fleet.environment.name} {what}", {host.name: host.current for host in fleet.hosts}
    )


def health(fleet: Fleet, release: str, version: str) -> Do:
    """Ask the release for its health page on every host, before anybody is sent there."""
    path = fleet.environment.health
    return Do(
        name="health",
        title=f"Check {path} of {version} on {servers(names(fleet.hosts))}",
        call=Call("health", {"release": release, "path": path}),
        hosts=names(fleet.hosts),
        undo=Harmless("No user is sent there yet, so there is nothing to undo."),
        timeout=60,
    )


def switches(fleet: Fleet, release: str, version: str) -> tuple[Do, ...]:
    """Send users to the release: one step for each release that is served now, so that each goes back to its own.

    All at once, so that users get two versions for no longer than need be.
    """
    blues = dict.fromkeys(host.current for host in fleet.hosts)
    groups = [[host for host in fleet.hosts if host.current == blue] for blue in blues]
    return tuple(_switch(hosts, release, version, _numbered("switch", n)) for n, hosts in enumerate(groups))


def _switch(hosts: Sequence[Host], release: str, version: str, name: str) -> Do:
    where, blue, old = servers(names(hosts)), hosts[0].current, served(hosts[0])
    undo = (
        Back(
            Call("switch", {"release": blue, "workers": True}),
            f"Switch {where} back to {old} and restart the queue workers",
        )
        if blue
        else Irreversible(f"{where} served nothing before, so there is nothing to go back to: {version} stays there.")
    )
    return Do(
        name=name,
        title=f"Switch {where} {f'from {old} ' if blue else ''}to {version}",
        call=Call("switch", {"release": release, "workers": False}),
        hosts=names(hosts),
        undo=undo,
        timeout=60,
        beside=name != "switch",
    )


def restart(fleet: Fleet) -> Do:
    """Let the queue workers begin anew with the release; reload services only where configuration names them."""
    services = fleet.environment.reload
    more = f" and reload {joined(services)}" if services else ""
    return Do(
        name="restart",
        title=f"Restart the queue workers{more}",
        call=Call("restart", {"services": services}),
        hosts=names(fleet.hosts),
        undo=Harmless("Switching back restarts them too."),
        timeout=120,
    )


SMOKE_S = 30
"""Seconds within which a queue worker has to do a job: it may have to begin anew first."""
_SMOKES = {"database": "the database", "queue": "the queue workers"}


def smoke(fleet: Fleet, release: str, version: str) -> tuple[Do, ...]:
    """Ask the release that is served now for what nobody sees from outside; () where configuration asks for nothing.

    Database and queue are shared, so one server is asked; while the probes ask from outside.
    """
    environment = fleet.environment
    if not environment.smoke:
        return ()
    what = joined(_SMOKES[check] for check in environment.smoke)
    return (
        Do(
            name="smoke",
            title=f"Check {what} of {version}",
            call=Call("smoke", {"release": release, "checks": environment.smoke, "seconds": SMOKE_S}),
            hosts=(environment.migrate_on,),
            undo=Harmless("It only asks, and puts a job in the queue that does nothing."),
            timeout=SMOKE_S * len(environment.smoke) + 30,
            beside=True,
        ),
    )


def verify(environment: Environment, version: str) -> Watch:
    """Ask from outside, as a user would, until every probe has passed three times in a row.

    While the queue workers restart, which no page comes from; after the restart where it reloads services.
    """
    probes = tuple(
        replace(probe, contains=probe.contains.replace("{version}", version)) for probe in environment.probes
    )
    title = f"Check from outside that {environment.name} serves {version}"
    return Watch("verify", title, probes, seconds=VERIFY_S, beside=not environment.reload)


def retain(fleet: Fleet, green: str) -> Do:
    """Remove releases beyond those that are kept; of those that differ by their configuration alone, the newest stays.

    A failure is said, and the run goes on.
    """
    keep = fleet.environment.keep
    blues = tuple(dict.fromkeys(host.current for host in fleet.hosts if host.current))
    removed = {r.id: r for host in fleet.hosts for r in _removed(host, keep, (green, *blues))}
    old = tuple(dict.fromkeys(removed[id_].version or id_ for id_ in sorted(removed)))
    title = f"Remove {joined(old)}"
    undo = Irreversible(
        f"{joined(old)} {'is' if len(old) == 1 else 'are'} removed and cannot be rolled back to any more."
    )
    return Do(
        name="retain",
        title=title if old else f"Keep the newest {keep} releases",
        call=Call("prune", {"keep": keep, "protect": (green, *blues)}),
        hosts=names(fleet.hosts),
        undo=undo if old else Harmless("No release is old enough to be removed."),
        timeout=300,
        must=False,
    )


def _removed(host: Host, keep: int, protected: tuple[str, ...]) -> tuple[Release, ...]:
    """Builds that are gone from the host once its prune has run with the new release the newest: see chom-host."""
    newest_first = sorted(host.releases, key=lambda r: (max(r.activated, default=-1), r.id), reverse=True)
    roots = list(dict.fromkeys(release.root for release in newest_first))
    stay = {*roots[: keep - 1], *(release.root for release in newest_first if release.id in protected)}
    return tuple(release for release in newest_first if release.root not in stay)


def _numbered(name: str, index: int) -> str:
    return name if index == 0 else f"{name}-{index + 1}"
