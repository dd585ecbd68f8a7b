"""What chom.toml says of one server: the way to it, how it is laid out, and its canary pool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.config.toml import HostTable


@dataclass(frozen=True, slots=True)
class CanarySettings:
    """A server's second PHP-FPM pool, for canary deploys."""

    pool: str = "www"
    """The site's pool, which the canary's is like."""
    files: tuple[str, ...] = ()
    """The files of PHP-FPM's pool.d that say what it is; () for the one that has its name."""
    prometheus: tuple[str, ...] = ()
    """Addresses that may read its counters."""
    port: int = 9254
    """Where its PHP-FPM is read."""
    slow: float = 2.0
    """Seconds; a request that takes longer counts as slow."""
    site: str = ""
    """Where its nginx listens, for example "https://127.0.0.1:8443"; "" for the usual ports of 127.0.0.1."""


@dataclass(frozen=True, slots=True)
class HostSettings:
    """How to reach one server."""

    name: str
    address: str
    host_key: str
    """The pinned public key, "ssh-ed25519 AAAA…"."""
    port: int = 22
    user: str = "ops"
    group: str = "www-data"
    """PHP-FPM's and nginx's on that server."""
    php: str = "8.2"
    """The version whose command line and FPM serve CHOM there."""
    layout: Mapping[str, object] = field(default_factory=dict[str, object])
    """Further keys of its host.json (actions/host/PROTOCOL.md), where it is not laid out as the seed has it."""
    canary: CanarySettings | None = None
    """Its canary pool, None where it has none."""


def host_settings(name: str, t: HostTable) -> HostSettings:
    """One table of the file."""
    c = t.canary
    canary = CanarySettings(c.pool, tuple(c.files), tuple(c.prometheus), c.port, c.slow, c.site) if c else None
    return HostSettings(name, t.address, t.host_key, t.port, t.user, t.group, t.php, dict(t.layout), canary)
