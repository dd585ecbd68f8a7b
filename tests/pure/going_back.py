"""A rollback's plan in a line, for servers with another past."""

from __future__ import annotations

from typing import Any

from actions.engine.fleet import Fleet, Release
from actions.engine.plan import Plan
from actions.rollback import plan
from tests.pure.making import fleet, host, request


def back(on: Fleet | None = None, **arguments: Any) -> Plan:
    return plan(request("rollback", arguments), on or fleet(), None)


def went(*ids: str, dropped: tuple[str, ...] = (), current: str = "") -> Fleet:
    """A server that served these releases, one after the other."""
    kept = [id_ for id_ in dict.fromkeys(ids) if id_ not in dropped]
    times = {id_: tuple(at for at, one in enumerate(ids, 1_790_000_000) if one == id_) for id_ in kept}
    releases = tuple(Release(id_, f"v{id_}", "0" * 40, "", times[id_], ()) for id_ in kept)
    return fleet(host(releases=releases, current=current or ids[-1]))
