"""A change of the environment file, wherever the new one comes from: a release with it, and one switch to it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from actions.engine.fleet import CannotPlan, Differs, Fleet, Host, Release, Request
from actions.engine.plan import Arg, Back, Call, Do, Plan
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
)
from actions.engine.words import counted, joined

NAMED = 6
"""So many keys stand in a step's title; the card names all of them."""
_SECRET = re.compile(r"(?i)pass|secret|token|key|credential|dsn|salt|_url$")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where the new environment file of these hosts comes from."""

    hosts: tuple[Host, ...]
    differs: Mapping[str, Differs]
    """By the host's name."""
    title: str
    revision: str = ""
    """Stored edits; "" for earlier files."""
    by: str = ""
    """Who stored them."""
    sha256: str = ""
    to: tuple[str, ...] = ()
    """Ids of earlier files, each known to one host."""


def plan(action: str, request: Request, fleet: Fleet, wanted: Wanted) -> Plan:
    """Make ready, health, switch, write, restart, verify, smoke. Raises CannotPlan."""
    on = replace(fleet, hosts=wanted.hosts)
    version, environment = _version(on), fleet.environment
    green = f"{request.at:%Y%m%d_%H%M%S}"
    if taken := [host.name for host in on.hosts if host.release(green)]:
        raise CannotPlan(f"{joined(taken)} already has a release {green}; ask again in a second.")
    release = on.hosts[0].release(on.hosts[0].current)
    return Plan(
        action=action,
        title=wanted.title,
        environment=environment.name,
        version=version,
        commit=release.commit if release else "",
        sha256="",
        agent=agent(fleet),
        hosts=fleet.seen(),
        steps=(
            expect(fleet),
            *_stages(on, wanted, green, version),
            health(on, green, version),
            *(_called(switch) for switch in switches(on, green, version)),
            *_applies(on, green),
            restart(on),
            verify(environment, version),
            *_smoke(on, fleet, green, version),
        ),
        facts=_facts(fleet, wanted, green),
    )


def require(fleet: Fleet) -> None:
    """Raises CannotPlan where there is no configuration that could be changed."""
    require_hosts(fleet)
    name = fleet.environment.name
    if bare := [host.name for host in fleet.hosts if not host.current]:
        raise CannotPlan(f"{joined(bare)} serves nothing yet, and takes shared/.env as it is with the first deploy.")
    if blind := [host.name for host in fleet.hosts if not host.config]:
        raise CannotPlan(f"shared/.env of {joined(blind)} cannot be read; `chom-bot check` says more of {name}.")


def is_secret(key: str) -> bool:
    """Whether a key is called like one that holds a secret."""
    return _SECRET.search(key) is not None


def _version(on: Fleet) -> str:
    if len({served(host) for host in on.hosts}) > 1:
        serves = joined(f"{host.name} serves {served(host)}" for host in on.hosts)
        raise CannotPlan(f"The servers differ ({serves}); bring them to one version first.")
    return served(on.hosts[0])


def _smoke(on: Fleet, fleet: Fleet, green: str, version: str) -> tuple[Do, ...]:
    """Where the server that is asked after a deploy is not among those that change, one that is."""
    first = on.hosts[0].name
    asked = fleet.environment.migrate_on if fleet.environment.migrate_on in names(on.hosts) else first
    return smoke(replace(on, environment=replace(on.environment, migrate_on=asked)), green, version)


def _stages(on: Fleet, wanted: Wanted, green: str, version: str) -> tuple[Do, ...]:
    """One for the hosts that serve one release and change in one way."""
    groups: dict[tuple[str, Differs], list[Host]] = {}
    for host in on.hosts:
        groups.setdefault((host.current, wanted.differs[host.name]), []).append(host)
    return tuple(
        Do(
            name=f"stage-{number}" if number > 1 else "stage",
            title=f"Make {version} ready on {joined(names(hosts))} with {_told(differs)}",
            call=Call(
                "config_stage",
                {
                    "release": green,
                    "source": blue,
                    "revision": wanted.revision,
                    "edits": wanted.sha256,
                    "to": wanted.to,
                    "base": tuple(host.config for host in hosts),
                },
            ),
            hosts=names(hosts),
            undo=Back(Call("unstage", {"release": green}), f"Remove what was made ready on {joined(names(hosts))}"),
            timeout=600,
        )
        for number, ((blue, differs), hosts) in enumerate(groups.items(), 1)
    )


def _told(differs: Differs) -> str:
    """ "MAIL_HOST added, DB_PASSWORD (a secret) changed and 9 keys removed"."""
    kinds = ((differs.added, "added"), (differs.changed, "changed"), (differs.removed, "removed"))
    return joined(f"{_keys(keys)} {kind}" for keys, kind in kinds if keys) or "no key changed"


def _keys(keys: Sequence[str]) -> str:
    if len(keys) > NAMED:
        secrets = sum(map(is_secret, keys))
        said = f" ({counted(secrets, 'secret')})" if secrets else ""
        return f"{counted(len(keys), 'key')}{said}"
    return joined(f"{key} (a secret)" if is_secret(key) else key for key in keys)


def _called(switch: Do) -> Do:
    where = joined(switch.hosts)
    undo = switch.undo
    if isinstance(undo, Back):
        undo = replace(undo, title=f"Switch {where} back to the old configuration and restart the queue workers")
    return replace(switch, title=f"Switch {where} to the new configuration", undo=undo)


def _applies(on: Fleet, green: str) -> tuple[Do, ...]:
    """From now on a deploy and a cron job find it too; the queue workers are told where they look until then."""
    steps: list[Do] = []
    for blue in dict.fromkeys(host.current for host in on.hosts):
        hosts = [host for host in on.hosts if host.current == blue]
        base, where = tuple(host.config for host in hosts), joined(names(hosts))
        steps.append(
            Do(
                name=f"apply-{len(steps) + 1}" if steps else "apply",
                title=f"Write it to shared/.env on {where}, and keep the file before it",
                call=Call("config_apply", {"release": green, "source": blue, "base": base}),
                hosts=names(hosts),
                undo=Back(Call("config_restore", {"to": base}), f"Put the old shared/.env back on {where}"),
                timeout=120,
            )
        )
    return tuple(steps)


def _facts(fleet: Fleet, wanted: Wanted, green: str) -> dict[str, Arg]:
    known = [wanted.differs[host.name] for host in wanted.hosts]

    def union(*each: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted({name for names in each for name in names}))

    keys = union(*(differs.keys for differs in known))
    return {
        "config_keys": keys,
        "config_secrets": tuple(filter(is_secret, keys)),
        "config_added": union(*(differs.added for differs in known)),
        "config_changed": union(*(differs.changed for differs in known)),
        "config_removed": union(*(differs.removed for differs in known)),
        "config_base": tuple(f"{host.name} {host.config}" for host in fleet.hosts),
        "config_revision": wanted.revision,
        "config_by": wanted.by,
        "replaces": "",
        "serves": replaced(fleet.hosts),
        "migrations": (),
        "version_step": "none",
        "hosts": names(wanted.hosts),
        "strategy": "configuration",
        "release": green,
        "log": "config",
    }


def proposed(fleet: Fleet) -> Wanted:
    """The stored edits, on the hosts where they change something. Raises CannotPlan."""
    require(fleet)
    edits, name = fleet.proposed, fleet.environment.name
    if edits is None:
        raise CannotPlan(f"There is no change of the configuration of {name} to apply.")
    hosts = tuple(host for host in fleet.hosts if edits.differs[host.name].keys)
    if not hosts:
        raise CannotPlan(f"{name} has all of {edits.revision} already; nothing to do.")
    title = f"Update the configuration of {name} ({edits.revision})"
    return Wanted(hosts, edits.differs, title, edits.revision, edits.by, edits.sha256)


def renewed(fleet: Fleet, target: Release, green: str) -> tuple[Do, ...]:
    """Of a release that is gone back to, one with the configuration that is in force; () where it has that.

    A release keeps the configuration that its caches were built from, and a rollback is no way to bring that back.
    """
    old = [host for host in fleet.hosts if _is_stale(host, host.release(target.id))]
    if not old:
        return ()
    where, bases = joined(names(fleet.hosts)), tuple(host.config for host in fleet.hosts)
    args = {"release": green, "source": target.id, "revision": "", "edits": "", "to": bases, "base": bases}
    return (
        Do(
            name="stage",
            title=f"Make {target.version} ready on {where} with the configuration that is in force",
            call=Call("config_stage", args),
            hosts=names(fleet.hosts),
            undo=Back(Call("unstage", {"release": green}), f"Remove what was made ready on {where}"),
            timeout=600,
        ),
    )


def _is_stale(host: Host, release: Release | None) -> bool:
    """Also of a release that does not say what it was made from, once the configuration was changed."""
    if release is None or not host.config:
        return False
    return release.config != host.config if release.config else bool(host.earlier)
