"""Everything that chom-host needs on a server, as data: what `host install` writes and `host status` looks for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from actions.host import packed
from actions.host.chom_host.settings import Settings, read_settings
from actions.host.managed import Maker, Managed
from actions.host.pools import Pools
from actions.host.pools import entries as pool_entries

PROGRAM = "/usr/local/lib/chom/chom-host"
SETTINGS = "/etc/chom/host.json"
SUDOERS = "/etc/sudoers.d/chom"
HOME = "/var/lib/chom"
"""The login's home. It and all in it are root's, so that the login cannot let in another key."""
_LOGIN = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_KEY = re.compile(r"((?:ssh-|ecdsa-|sk-)[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,3})(?: .*)?")
_SOURCE = re.compile(r"[0-9a-fA-F.:*?/]{1,64}")


@dataclass(frozen=True, slots=True)
class HostSpec:
    """What differs between servers. `settings` are further keys of host.json (PROTOCOL.md), for example "php"."""

    keys: tuple[str, ...]
    """The bot's public keys, "ssh-ed25519 AAAA…": one a bot, or two while one is replaced."""
    user: str = "ops"
    group: str = "www-data"
    """PHP-FPM's and nginx's: they read releases by it, and write to shared/storage."""
    readers: str = "adm"
    """The group of the people who read /var/log/chom."""
    services: tuple[str, ...] = ("php8.2-fpm",)
    """What may be reloaded through sudo."""
    sources: tuple[str, ...] = ()
    """Addresses from which the bot may log in; () for any."""
    settings: Mapping[str, object] = field(default_factory=dict[str, object])
    pools: Pools | None = None
    """The canary's, None for a server without one."""


@dataclass(frozen=True, slots=True)
class Installation:
    """All that belongs on one server; `entries` in the order in which they are written, the key last."""

    user: str
    group: str
    entries: tuple[Managed, ...]
    own: tuple[str, ...] = ()
    """Directories that are ours alone: they go, with all in them, when the installation is taken back."""
    canary: str = ""
    """The unit of the canary's PHP-FPM, "" for none."""


def rendered(spec: HostSpec) -> Installation:
    """What belongs on a server of that kind; pure. Raises ValueError with a sentence where the spec is wrong."""
    for name, what in ((spec.user, "user"), (spec.group, "group"), (spec.readers, "readers")):
        if not _LOGIN.fullmatch(name):
            raise ValueError(f"{what} has to be a Unix name, not {name!r}")
    if spec.user == "root":
        raise ValueError("the bot's login cannot be root: chom-host needs an ordinary user")
    told = {**spec.settings, "services": list(spec.services)}
    if spec.pools:
        told |= spec.pools.settings(str(told.get("link", Settings().link)))
    settings = read_settings(told, SETTINGS)
    user, group = spec.user, spec.group
    root = [
        Managed("/usr/local/lib/chom", 0o755, "root", "root"),
        Managed(PROGRAM, 0o755, "root", "root", packed()),
        Managed("/etc/chom", 0o755, "root", "root"),
        Managed(SETTINGS, 0o644, "root", "root", json.dumps(told, indent=2, sort_keys=True).encode() + b"\n"),
    ]
    if spec.services or spec.pools:
        root.append(Managed(SUDOERS, 0o440, "root", "root", _sudoers(user, settings).encode()))
    pools = pool_entries(spec.pools, settings, user, group) if spec.pools else ()
    home = [
        Managed(HOME, 0o755, "root", "root"),
        Managed(f"{HOME}/.ssh", 0o755, "root", "root"),
        Managed(f"{HOME}/.ssh/authorized_keys", 0o644, "root", "root", _authorized_keys(spec).encode()),
    ]
    own = ("/usr/local/lib/chom", "/etc/chom", HOME, settings.state, *((settings.leases,) if pools else ()))
    canary = spec.pools.service if spec.pools else ""
    return Installation(user, group, (*root, *_places(spec, settings), *pools, *home), own, canary)


def _places(spec: HostSpec, settings: Settings) -> tuple[Managed, ...]:
    """Where chom-host works."""
    user, group = spec.user, spec.group
    login = Maker.LOGIN
    storage = [name for name in settings.shared if name == "storage"]
    return (
        Managed(settings.state, 0o700, user, group),
        Managed(settings.logs, 0o2750, user, spec.readers),
        Managed(settings.backups, 0o700, user, group),
        Managed(settings.www, 0o755, user, group),
        Managed(str(settings.releases), 0o755, user, group, maker=login),
        Managed(str(settings.shared_dir), 0o755, user, group, maker=login),
        *(Managed(f"{settings.shared_dir}/{name}", 0o2775, user, group, maker=login) for name in storage),
    )


def _sudoers(user: str, settings: Settings) -> str:
    """The exact lines, and no pattern among them: sudo's “*” would match more words."""
    lines = [f"{user} ALL=(root) NOPASSWD: {settings.systemctl} reload {service}" for service in settings.services]
    if settings.canary:
        unit = settings.canary_service
        lines += [f"{user} ALL=(root) NOPASSWD: {settings.systemctl} {what} {unit}" for what in ("start", "stop")]
    template = Path(__file__).with_name("chom.sudoers").read_text(encoding="utf-8")
    return template.replace("@USER@", user).replace("@LINES@", "\n".join(lines))


def _authorized_keys(spec: HostSpec) -> str:
    if not spec.keys:
        raise ValueError("the bot needs at least one public key")
    for source in spec.sources:
        if not _SOURCE.fullmatch(source):
            raise ValueError(f"{source!r} is no address from which the bot could come")
    options = [f'from="{",".join(spec.sources)}"'] if spec.sources else []
    options += ["restrict", f'command="{PROGRAM}"']
    lines: list[str] = []
    for key in spec.keys:
        found = _KEY.fullmatch(key.strip())
        if found is None:
            raise ValueError(f"{key[:40]!r} is no public key; it begins with “ssh-ed25519 AAAA”")
        lines.append(f"{','.join(options)} {found.group(1)} chom-bot\n")
    return "".join(lines)
