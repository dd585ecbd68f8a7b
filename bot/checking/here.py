"""What is looked at on the bot's own machine: its files, the people, and the examples that nobody replaced."""

from __future__ import annotations

import errno
import socket
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from actions.engine.plan import Arg, Plan
from actions.engine.words import counted, joined
from bot.checking.found import Found
from bot.config import Settings
from bot.serving.boot_checks import machine_faults
from bot.starting import SECRETS, template
from policies.change import Need, Person
from policies.rules import BrokenRules, load
from policies.sentences import role

_STEPS = ("patch", "minor", "major")
"""A deploy of each has a category of its own in the shipped rules."""
_OURS = (("slack", "team"), ("slack", "channel"))
"""Of what `chom-bot init` writes, the values that fit nobody; those of servers and people are found by name."""


def file(path: Path, settings: Settings) -> Found:
    """chom.toml: right in itself, and no longer the example."""
    kept = tuple(_examples(tomllib.loads(path.read_text(encoding="utf-8-sig"))))
    has = (
        f"{counted(len(settings.environments), 'environment')}, {counted(len(settings.hosts), 'server')}, "
        f"{len(settings.people)} {'person' if len(settings.people) == 1 else 'people'}"
    )
    return Found(str(path), has, kept)


def secrets(path: Path, missing: Collection[str]) -> Found:
    """`missing` are sentences about those that the environment lacks; their file is for its owner alone."""
    lies = path.resolve().with_name(SECRETS)
    note = f"Secrets are read from the environment; those in {lies} are in it after: set -a; . {lies}; set +a"
    shown = [f"Others on this machine can read {lies}. Keep it to its owner: chmod 600 {lies}"]
    faults = (*missing, *(shown if lies.exists() and lies.stat().st_mode & 0o007 else ()))
    return Found("secrets", faults=faults, notes=(note,) if lies.exists() and missing else ())


def machine(settings: Settings) -> Found:
    """Key, directories."""
    return Found("this machine", f"the key {settings.ssh_key} and {settings.state_dir}", machine_faults(settings))


def address(settings: Settings) -> Found:
    """Where the bot listens: free, or its own already. Opened for a moment, and nothing is answered there."""
    host, _, port = settings.listen.rpartition(":")
    try:
        family, kind, number, _, where = socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, number) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(where)
    except OSError as fault:
        if fault.errno == errno.EADDRINUSE:
            taken = f"{settings.listen} is in use: by the bot where it serves, else stop what has it, or change listen."
            return Found("listen", notes=(taken,))
        why = f"The bot cannot listen on {settings.listen} ({fault.strerror or fault}); change listen under [bot]."
        return Found("listen", faults=(why,))
    return Found("listen", f"{settings.listen} is free")


def people(settings: Settings) -> Found:
    """Whether there is somebody for everything that needs a yes."""
    try:
        rules = load(settings.rules or None)
    except BrokenRules as broken:
        return Found("rules", faults=broken.faults)
    faults: list[str] = []
    notes: list[str] = []
    for environment in settings.environments:
        asked = [rules.classify(_a_deploy(environment, step), environment) for step in _STEPS]
        for need in dict.fromkeys(need for one in asked for need in one.needs):
            _who(environment, need, [p for p in settings.people.values() if need.role in p.roles], faults, notes)
    return Found("people", "somebody can approve what needs it", tuple(faults), tuple(notes))


def _who(environment: str, need: Need, have: list[Person], faults: list[str], notes: list[str]) -> None:
    if len(have) < need.count:
        faults.append(
            f"A deploy to {environment} needs {role(need)}, and chom.toml has {len(have) or 'nobody'}: "
            f'give more people roles = ["{need.role}"].'
        )
    elif len(have) == need.count:
        names = joined(person.name for person in have)
        notes.append(f"Only {names} can approve for {environment}, and so nobody what {names} asks for.")


def _a_deploy(environment: str, step: str) -> Plan:
    """A deploy of that kind which changes nothing else, to ask the rules about."""
    facts: dict[str, Arg] = {"strategy": "canary", "version_step": step, "unknown": ""}
    return Plan("deploy", "", environment, "v1.0.1", "", "0" * 64, "", (), (), facts)


def _examples(data: Mapping[str, Any]) -> Iterator[str]:
    """Values that are still those of the file that `chom-bot init` wrote, and fit nobody."""
    example = tomllib.loads(template())
    for table, name in _OURS:
        if _at(data, table, name) is not None and _at(data, table, name) == _at(example, table, name):
            yield f"{table}.{name} is still the example's, {_at(example, table, name)!r}; put in your own."
    key = _at(example, "hosts", "app1", "host_key")
    for name, host in _tables(data.get("hosts")):
        if host.get("host_key") == key:
            scan = f"ssh-keyscan -t ed25519 {host.get('address', name)}"
            yield f"hosts.{name}.host_key is still the example's; put in what {scan} prints after the address."
    accounts = {account for _, person in _tables(example.get("people")) for account in person.get("slack", [])}
    for name, person in _tables(data.get("people")):
        if accounts & set(person.get("slack", [])):
            yield f"people.{name} is still the example's; put in your own people and their member IDs."


def _at(data: Any, *names: str) -> Any:
    for name in names:
        data = data.get(name) if isinstance(data, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return data  # pyright: ignore[reportUnknownVariableType]


def _tables(data: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from data.items() if isinstance(data, dict) else ()  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType, reportUnknownVariableType]
