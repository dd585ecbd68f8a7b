"""What one table of chom.toml says against another, on unchecked data, so that it is said together with the rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from actions.engine.located_toml import Located
from actions.engine.registry.advice import nearest
from actions.host.chom_host.settings import Settings as Places
from actions.host.chom_host.settings import read_settings
from bot.config.canary import canary_faults
from bot.config.faults import Fault
from bot.config.toml import ACCOUNT


def table_at(data: object, *names: str) -> dict[str, Any]:
    """The table at that path of unchecked data, {} where there is none."""
    for name in names:
        data = data.get(name) if isinstance(data, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return data if isinstance(data, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def cross_faults(located: Located) -> Iterator[Fault]:
    """All of them."""
    hosts, environments = table_at(located.data, "hosts"), table_at(located.data, "environments")
    used: dict[str, str] = {}
    for name in environments:
        table = table_at(environments, name)
        members = table.get("hosts")
        for host in members if isinstance(members, list) else []:  # pyright: ignore[reportUnknownVariableType]
            line = located.line(("environments", name, "hosts"))
            if host not in hosts:
                yield line, f"environments.{name} names the host {host!r}, and there is no [hosts.{host}]."
            elif used.setdefault(str(host), name) != name:  # pyright: ignore[reportUnknownArgumentType]
                yield line, f"the host {host!r} is in two environments, {used[host]} and {name}; it can be in one."
        given = _texts(table.get("hosts"))
        for host in sorted({host for host in given if given.count(host) > 1}):
            yield located.line(("environments", name, "hosts")), f"environments.{name} names the host {host!r} twice."
        migrate_on = table.get("migrate_on")
        if migrate_on and isinstance(members, list) and migrate_on not in members:
            yield located.line(("environments", name, "migrate_on")), f"migrate_on is not one of {name}'s hosts."
        watches = [key for key in ("errors", "latency") if key in table]
        if watches and "prometheus" not in located.data:
            line = located.line(("environments", name, watches[0]))
            yield line, f"environments.{name} watches {watches[0]}, and there is no [prometheus] to ask."
        named = [host for host in given if "canary" in table_at(hosts, host)]
        pools = {host: table_at(hosts, host, "canary") for host in named}
        yield from canary_faults(located, name, table_at(table, "canary"), pools)
    yield from _twin_faults(located, hosts)
    yield from _layout_faults(located, hosts)
    yield from _default_faults(located, environments)
    yield from _people_faults(located)
    yield from _workspace_faults(located)


def _twin_faults(located: Located, hosts: dict[str, Any]) -> Iterator[Fault]:
    """Two names for one server would each refuse the other's fence, without end."""
    seen: dict[tuple[object, object], str] = {}
    for name in hosts:
        table = table_at(hosts, name)
        place = (table.get("address"), table.get("port", 22))
        if place[0] and seen.setdefault(place, name) != name:
            yield located.line(("hosts", name)), f"the host {name!r} is the same server as {seen[place]!r}."


def _layout_faults(located: Located, hosts: dict[str, Any]) -> Iterator[Fault]:
    """What chom-host would refuse in its host.json, in its own words."""
    for name in hosts:
        for key, value in table_at(hosts, name, "layout").items():
            try:
                read_settings({key: value}, f"hosts.{name}.layout")
            except ValueError as wrong:
                meant = "" if key in Places._fields else nearest(key, Places._fields)
                hint = f" Did you mean {meant}?" if meant else ""
                yield located.line(("hosts", name, "layout", key)), f"{wrong}.{hint}"


def _default_faults(located: Located, environments: dict[str, Any]) -> Iterator[Fault]:
    marked = [name for name in environments if table_at(environments, name).get("default") is True]
    asked = table_at(located.data, "bot").get("default_environment")
    if asked and asked not in environments:
        yield located.line(("bot", "default_environment")), f"there is no [environments.{asked}]."
    if len(marked) > 1:
        yield located.line(("environments", marked[1])), "only one environment can be the default."


def _people_faults(located: Located) -> Iterator[Fault]:
    people = table_at(located.data, "people")
    for kind, what in (("slack", "account"), ("unix", "login")):
        owner: dict[str, str] = {}
        for person in people:
            values = table_at(people, person).get(kind)
            for value in values if isinstance(values, list) else []:  # pyright: ignore[reportUnknownVariableType]
                if owner.setdefault(str(value), person) != person:  # pyright: ignore[reportUnknownArgumentType]
                    line = located.line(("people", person, kind))
                    yield line, f"the {what} {value!r} belongs to both {owner[str(value)]} and {person}."  # pyright: ignore[reportUnknownArgumentType]


def _workspace_faults(located: Located) -> Iterator[Fault]:
    """People who could never act: of another workspace, or with a role that needs an account they do not have."""
    people, team = table_at(located.data, "people"), table_at(located.data, "slack").get("team")
    groups = table_at(located.data, "slack", "groups")
    for person in people:
        accounts, roles = (_texts(table_at(people, person).get(kind)) for kind in ("slack", "roles"))
        for account in accounts:
            if isinstance(team, str) and ACCOUNT.match(account) and not account.startswith(f"{team}:"):
                line = located.line(("people", person, "slack"))
                yield line, f"the account {account!r} is of another workspace than slack.team ({team}), so of no use."
        for role in roles if not accounts else ():
            if role in groups:
                line = located.line(("people", person, "roles"))
                yield line, f"{person} is never a {role}: slack.groups wants a Slack account for it, and there is none."


def _texts(value: object) -> list[str]:
    """The texts of unchecked data that should be a list of them."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]
