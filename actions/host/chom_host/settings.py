"""/etc/chom/host.json: where things lie on this server. What is no key, or of the wrong kind, is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple, cast

from .base import Json


class Settings(NamedTuple):
    """/etc/chom/host.json; the defaults are the seed's layout.

    No dataclass: importing that module takes an upload's session 5 ms, a tenth of its start.
    """

    www: str = "/var/www"
    link: str = "chom"
    current: str = "chom_current"
    state: str = "/var/lib/chom-host"
    logs: str = "/var/log/chom"
    backups: str = "/var/backups/chom"
    php: str = "/usr/bin/php"
    dump: str = "/usr/bin/mariadb-dump"
    fpm_socket: str = "/run/php/php8.2-fpm.sock"
    """A Unix socket's path, or host:port."""
    health_host: str = "localhost"
    """The Host header of a health check."""
    fpm_pool: str = "www"
    """The site's pool."""
    fpm_files: tuple[str, ...] = ("/etc/php/8.2/fpm/pool.d/www.conf",)
    """The files that say what this pool is, in the order in which PHP-FPM reads them."""
    canary: str = ""
    """The link to the release that the canary pool serves; "" for a server that has no such pool."""
    canary_service: str = "php8.2-fpm-canary"
    canary_socket: str = "/run/php/php8.2-fpm-canary.sock"
    canary_status: str = "/run/php/php8.2-fpm-canary-status.sock"
    """Where its status page is."""
    site: str = ""
    """Where nginx listens on this server; "" for https, or else http, on 127.0.0.1."""
    leases: str = "/run/chom"
    """Where weights are leased, in memory."""
    pins: str = "/etc/chom/pins.conf"
    services: tuple[str, ...] = ("php8.2-fpm",)
    sudo: str = "/usr/bin/sudo"
    systemctl: str = "/usr/bin/systemctl"
    shared: tuple[str, ...] = (".env", "storage")
    caches: tuple[str, ...] = ("config:cache", "route:cache", "view:cache")
    max_artifact: int = 2 << 30
    """Bytes of the largest upload."""
    max_unpacked: int = 4 << 30
    """Bytes of the largest release."""

    @property
    def releases(self) -> Path:
        return Path(self.www, "releases")

    @property
    def shared_dir(self) -> Path:
        return Path(self.www, "shared")

    @property
    def current_link(self) -> Path:
        return Path(self.www, self.current)

    @property
    def jobs(self) -> Path:
        return Path(self.state, "jobs")

    @property
    def incoming(self) -> Path:
        return Path(self.state, "incoming")

    @property
    def config(self) -> Path:
        return Path(self.state, "config")

    def release(self, id_: str) -> Path:
        return self.releases / id_

    def artifact(self, sha256: str) -> Path:
        return self.incoming / f"{sha256}.tar.gz"


_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
SITE = re.compile(r"(https?://([A-Za-z0-9.-]{1,253}|\[[0-9a-fA-F:]{2,39}\])(:[0-9]{1,5})?)?")
SERVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9@_.-]{0,63}")
_SHARED = re.compile(r"(?!.*\.\.)[A-Za-z0-9_.][A-Za-z0-9_./-]{0,127}")
_CACHE = re.compile(r"[a-z][a-z0-9-]{0,31}(:[a-z][a-z0-9-]{0,31})?")
_ABSOLUTE = re.compile(r"/[^\x00-\x1f]{0,1023}")
_SETTING = {
    "link": _NAME,
    "current": _NAME,
    "canary": re.compile(f"({_NAME.pattern})?"),
    "canary_service": SERVICE,
    "fpm_pool": _NAME,
    "health_host": re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]{0,253}"),
    "site": SITE,
}
_SETTINGS = {"services": SERVICE, "shared": _SHARED, "caches": _CACHE, "fpm_files": _ABSOLUTE}


def load_settings(path: Path) -> Settings:
    """The settings file, checked. Raises ValueError with a sentence; a missing file is the defaults."""
    try:
        told: object = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (ValueError, RecursionError) as fault:
        raise ValueError(f"{path} is not JSON: {fault}") from None
    return read_settings(told, str(path))


def read_settings(told: object, path: str) -> Settings:
    """The settings in what a file of that name says. Raises ValueError with a sentence."""
    if not isinstance(told, dict):
        raise ValueError(f"{path} has to hold one JSON object")
    known = Settings._fields
    values: Json = {}
    for key, value in cast(Json, told).items():
        if key not in known:
            raise ValueError(f"{path}: {key!r} is no setting; there are {', '.join(sorted(known))}")
        values[key] = _setting(path, key, value)
    return Settings(**values)


def _setting(path: str, key: str, value: object) -> object:
    if key in ("max_artifact", "max_unpacked"):
        if type(value) is not int or value <= 0:
            raise ValueError(f"{path}: {key} has to be a number of bytes above 0")
        return value
    if key in _SETTINGS:
        words = cast("list[object]", value) if isinstance(value, list) else [None]
        if not all(isinstance(word, str) and _SETTINGS[key].fullmatch(word) for word in words):
            raise ValueError(f"{path}: {key} has to be a list of names")
        return tuple(cast("list[str]", words))
    pattern = _SETTING.get(key, _ABSOLUTE)
    by_port = key == "fpm_socket" and isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9.-]+:[0-9]{1,5}", value)
    if not isinstance(value, str) or not (pattern.fullmatch(value) or by_port):
        what = "an absolute path" if pattern is _ABSOLUTE else "a plain name"
        what = 'an address as "https://127.0.0.1:8443"' if pattern is SITE else what
        raise ValueError(f"{path}: {key} has to be {what}, not {value!r}")
    return value
