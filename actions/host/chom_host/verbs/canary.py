"""The canary beside what users have: its PHP-FPM master with its own release, and which share of clients it gets."""

from __future__ import annotations

import time
from importlib import import_module
from pathlib import Path

from ..arguments import RELEASE
from ..base import Failed
from ..files import locked, sync_dir
from ..leases import lease, leased
from ..pools import canary_link, in_canary, runs
from ..server import version_of, whole_release
from ..work import Command, Verb, Work
from .health import PATH, answered
from .maintenance import bypass

_STARTS = 10.0
"""Seconds in which the master has to take requests once systemd says that it runs."""
_ARRIVES = 0.5
"""Seconds in which a request that was sent there just before has reached it."""


def canary_start(work: Work, release: str) -> str:
    settings, link = work.settings, canary_link(work.settings)
    whole_release(work, release)
    _has_pools(work)
    if leased(settings, time.time()) and in_canary(settings) != release:
        raise Failed("clients are on the canary, and it serves another release; take them off it first")
    fresh = link.with_name(f".{link.name}.next")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(f"releases/{release}")
    fresh.replace(link)
    sync_dir(link.parent)
    _systemctl(work, "start")
    deadline = time.monotonic() + _STARTS
    while not runs(settings):
        if time.monotonic() > deadline:
            raise Failed(f"{settings.canary_service} runs, and does not answer at {settings.canary_socket}")
        time.sleep(0.05)
    return f"{version_of(settings, release)} is ready in the canary pool, and no client has it yet"


def canary_health(work: Work, release: str, path: str) -> str:
    """Asked of the canary's own PHP-FPM by the link that nginx follows to it, and then of nginx, as a user would."""
    _has_pools(work)
    if (there := in_canary(work.settings)) != release:
        raise Failed(f"the canary pool serves {version_of(work.settings, there) if there else 'nothing'}")
    said = answered(work, release, path, work.settings.canary_socket, canary_link(work.settings))
    status = import_module("..pinned", __package__).pinned(work.settings, path, bypass(work.settings))
    if not 200 <= status < 300:
        raise Failed(
            f"{said} in the canary pool and HTTP {status} through nginx; look at what its site does with {path}"
        )
    return f"{said} in the canary pool, also through nginx"


def canary_stop(work: Work) -> str:
    """First no client has it; then it is stopped, which answers what has come until then."""
    _has_pools(work)
    with locked(work.settings):
        lease(work.settings, 0)
    if runs(work.settings):
        time.sleep(_ARRIVES)
    _systemctl(work, "stop")
    canary_link(work.settings).unlink(missing_ok=True)
    return "the canary pool is stopped, and every client has the stable one"


def _has_pools(work: Work) -> None:
    if not work.settings.canary:
        raise Failed("this server has no canary pool; give it one: [hosts.NAME.canary] in chom.toml, then host install")


def _systemctl(work: Work, what: str) -> None:
    settings = work.settings
    argv = [settings.sudo, "-n", settings.systemctl, what, settings.canary_service]
    work.run(Command(f"systemctl {what} {settings.canary_service}", argv, Path("/")))


VERBS = {
    "canary_start": Verb({"release": RELEASE}, canary_start),
    "canary_health": Verb({"release": RELEASE, "path": PATH}, canary_health),
    "canary_stop": Verb({}, canary_stop),
}
