"""Deploys through chom-host in a line, each verb as two jobs."""

from __future__ import annotations

from typing import Any

from tests.host.server import Channel, Server

R1, R2, R3, R4, R5 = (f"2026112{n}_100000" for n in range(1, 6))


def twice(channel: Channel, verb: str, args: dict[str, Any]) -> dict[str, Any]:
    """The job as two jobs with the same arguments; both have to end well."""
    twice.number = getattr(twice, "number", 0) + 1  # type: ignore[attr-defined]
    first = channel.run(f"run{twice.number}/{verb}/one", verb, args)
    second = channel.run(f"run{twice.number}/{verb}/two", verb, args)
    assert first["ok"] and second["ok"], (first, second)
    return first


def deploy(server: Server, channel: Channel, release: str, version: str) -> None:
    twice(channel, "stage", server.stage_args(release, version))
    twice(channel, "switch", {"release": release, "workers": False})
