"""The directory tree of a sandbox's server, as a real one has it, and the host.json that says where things lie."""

from __future__ import annotations

import json
import secrets
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from actions.host import packed
from bot.sandbox import php
from bot.sandbox.routing import CANARY, STABLE

CANARY_UNIT = "php8.2-fpm-canary"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things lie below `root`; `fpm` and `canary_fpm` are the sockets of the two PHP-FPM masters.

    `site` is the address of its nginx.
    """

    root: Path
    fpm: Path
    canary_fpm: Path
    site: str

    @property
    def served(self) -> Path:
        """The link to the release that is served."""
        return self.root / "www/chom"

    @property
    def canary(self) -> Path:
        """The link to the canary's."""
        return self.root / "www/chom_canary"

    @property
    def leases(self) -> Path:
        """Where weights are leased; on a real server in memory."""
        return self.root / "run"

    @property
    def pins(self) -> Path:
        """The secrets with which a pool is named."""
        return self.root / "pins.conf"

    @property
    def canary_runs(self) -> Path:
        """There while systemd would have the canary's unit run."""
        return self.root / f"{CANARY_UNIT}.runs"

    def make(self, environment: str) -> None:
        """The tree, and host.json; what is there already stays."""
        for directory in ("bin", "www/releases", "www/shared/storage/framework", "state", "logs", "run"):
            (self.root / directory).mkdir(parents=True, exist_ok=True)
        database = self.root / "www/shared/database.sqlite"
        env = self.root / "www/shared/.env"
        if not env.exists():
            told = f"APP_ENV={environment}\nDB_CONNECTION=sqlite\nDB_DATABASE={database}\n"
            env.write_text(told, encoding="utf-8")
        (self.root / "bin/chom-host").write_bytes(packed())
        if not self.served.is_symlink():
            self.served.symlink_to("chom_current")
        if not self.pins.exists():
            self.pins.touch(mode=0o600)
            pins = "".join(f'"{secrets.token_hex(16)}-{pool}" {pool};\n' for pool in (CANARY, STABLE))
            self.pins.write_text(pins, encoding="ascii")
        (self.root / "host.json").write_text(json.dumps(self._told(), indent=2) + "\n", encoding="utf-8")

    def _told(self) -> Mapping[str, object]:
        run = shlex.join([sys.executable, "-I", "-S", str(Path(php.__file__).absolute())])
        return {
            "www": str(self.root / "www"),
            "link": "chom",
            "current": "chom_current",
            "state": str(self.root / "state"),
            "logs": str(self.root / "logs"),
            "backups": str(self.root / "backups"),
            "php": self._script("php", f'exec {run} "$@"'),
            "fpm_socket": str(self.fpm),
            "fpm_pool": "sandbox",
            "fpm_files": [],
            "canary": self.canary.name,
            "canary_service": CANARY_UNIT,
            "canary_socket": str(self.canary_fpm),
            "canary_status": str(self.canary_fpm),
            "site": self.site,
            "leases": str(self.leases),
            "pins": str(self.pins),
            "services": ["php8.2-fpm"],
            "sudo": self._script("sudo", '[ "$1" = -n ] && shift\n[ "$1" = -l ] && exit 0\nexec "$@"'),
            "systemctl": self._script("systemctl", self._systemctl()),
        }

    def _systemctl(self) -> str:
        log, runs = shlex.quote(str(self.root / "services.log")), shlex.quote(str(self.canary_runs))
        return (
            f'echo "$@" >> {log}\ncase "$*" in\n"start {CANARY_UNIT}") : > {runs} ;;\n'
            f'"stop {CANARY_UNIT}") rm -f {runs} ;;\nesac'
        )

    def _script(self, name: str, text: str) -> str:
        path = self.root / "bin" / name
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o755)
        return str(path)
