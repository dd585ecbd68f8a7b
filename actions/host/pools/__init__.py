"""What a server needs for a canary: a second PHP-FPM master, nginx's routing by leases, and counters for Prometheus."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from actions.host.chom_host.settings import SITE as SITE_ADDRESS
from actions.host.chom_host.settings import Settings
from actions.host.managed import Managed

HTTP = "/etc/nginx/conf.d/chom-canary.conf"
SITE = "/etc/chom/canary-nginx.conf"
"""What the site's server block includes."""
PASS = "chom_$chom_pool"
"""What the site's fastcgi_pass names: the upstream of the client's pool."""
_ADDRESS = re.compile(r"[0-9a-fA-F.:/]{2,64}")
_POOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Pools:
    """What differs between servers. Raises ValueError with a sentence where it is wrong."""

    php: str = "8.2"
    pool: str = "www"
    """The pool of the site. The canary's is the same, on a socket of its own."""
    files: tuple[str, ...] = ()
    """The files below /etc/php/<php>/fpm/pool.d that say what it is; () for <pool>.conf alone."""
    prometheus: tuple[str, ...] = ()
    """Addresses that may read the canary's counters; the server itself may anyhow."""
    port: int = 9254
    """Where PHP-FPM's counters are read."""
    slow: float = 2.0
    """Seconds; what takes longer is slow. An edge of the counters lies exactly here."""
    host: str = "HOST"
    address: str = "ADDRESS"
    """The server's name and address, as Prometheus knows them."""
    site: str = ""
    """Where its nginx listens, for example "https://127.0.0.1:8443"; "" for the usual ports of 127.0.0.1."""

    def __post_init__(self) -> None:
        for address in self.prometheus:
            if not _ADDRESS.fullmatch(address):
                raise ValueError(f"{address!r} is no address of a Prometheus")
        for name in (self.pool, *self.files):
            if not _POOL.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a PHP-FPM pool, or of a file of one")
        if not SITE_ADDRESS.fullmatch(self.site):
            raise ValueError(f"{self.site!r} is no address of nginx, as “https://127.0.0.1:8443” is one")
        if not 0 < self.slow <= 60:
            raise ValueError(f"slow has to be above 0 and 60 seconds at most, not {self.slow:g}")

    @property
    def service(self) -> str:
        """The canary's unit."""
        return f"php{self.php}-fpm-canary"

    def settings(self, link: str) -> dict[str, object]:
        """The keys of host.json that say where the canary lies."""
        return {
            "canary": f"{link}_canary",
            "canary_service": self.service,
            "canary_socket": f"/run/php/{self.service}.sock",
            "canary_status": f"/run/php/{self.service}-status.sock",
            "site": self.site,
            "fpm_pool": self.pool,
            "fpm_files": [f"/etc/php/{self.php}/fpm/pool.d/{name}" for name in self.files or (f"{self.pool}.conf",)],
        }


def entries(pools: Pools, settings: Settings, user: str, group: str) -> tuple[Managed, ...]:
    """The files, in the order in which they are written."""
    words = _words(pools, settings, user, group)

    def file(path: str, name: str, mode: int = 0o644) -> Managed:
        return Managed(path, mode, "root", "root", _filled(name, words).encode())

    pins = b'"@SECRET@-canary" canary;\n"@SECRET@-stable" stable;\n'
    return (
        Managed(settings.leases, 0o755, user, group),
        file("/etc/tmpfiles.d/chom-canary.conf", "tmpfiles.conf"),
        file("/etc/chom/canary-fpm.conf", "fpm.conf"),
        file(f"/etc/systemd/system/{pools.service}.service", "fpm.service"),
        Managed(settings.pins, 0o640, "root", group, pins, secret=True),
        file(SITE, "nginx-site.conf"),
        Managed("/etc/chom/mtail", 0o755, "root", "root"),
        file("/etc/chom/mtail/chom.mtail", "chom.mtail"),
        file("/etc/chom/canary-prometheus.yml", "prometheus.yml"),
        file("/etc/chom/canary-rules.yml", "rules.yml"),
        file(HTTP, "nginx-http.conf"),
    )


def _words(pools: Pools, settings: Settings, user: str, group: str) -> Mapping[str, str]:
    socket = settings.fpm_socket
    return {
        "ADDRESS": pools.address,
        "ALLOW": "".join(f"    allow {address};\n" for address in pools.prometheus),
        "BEYOND": str(pools.slow * 2),
        "BUCKETS": "\n".join(f"    1% {bucket};" for bucket in range(1, 100)),
        "CANARY": settings.canary_socket,
        "CANARY_ROOT": f"{settings.www}/{settings.canary}/public",
        "GROUP": group,
        "HOST": pools.host,
        "LEASES": settings.leases,
        "LIMIT": str(float(pools.slow)),
        "NAME": pools.service,
        "PHP": pools.php,
        "PINS": settings.pins,
        "POOL": pools.pool,
        "POOL_FILES": "\n".join(f"include = {path}" for path in settings.fpm_files),
        "PORT": str(pools.port),
        "ROOT": f"{settings.www}/{settings.link}/public",
        "STABLE": f"unix:{socket}" if socket.startswith("/") else socket,
        "STATUS": settings.canary_status,
        "USER": user,
    }


def _filled(name: str, words: Mapping[str, str]) -> str:
    """The template with each @WORD@ filled in. Raises KeyError for a word that there is not."""
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return re.sub(r"@([A-Z_]+)@", lambda found: words[found[1]], text)
