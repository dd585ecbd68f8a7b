"""Another configuration on its way to a server and into force, each step in a line."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tests.host.server import Server

BLUE, GREEN, LATER = "20261121_100000", "20261122_100000", "20261123_100000"
MARKER = "Tr0ub4dor-and-3"
BASE = """# who we are
APP_NAME=chom
APP_KEY=base64:c2VjcmV0

export MAIL_HOST = "mail.example.com"   # the old one
DB_PASSWORD='correct horse'
CERT="-----BEGIN
MIIB
-----END"
"""
KEEPS_ENV = "p = release / 'bootstrap/cache/config.php'; p.write_text((release / '.env').read_text())"


def edits(unset: tuple[str, ...] = (), **sets: str) -> bytes:
    return json.dumps({"salt": "0" * 64, "set": sets, "unset": list(unset)}).encode()


def put(server: Server, data: bytes) -> str:
    sha256 = hashlib.sha256(data).hexdigest()
    status, answer = server.enter(f"config put {sha256} {len(data)}", data)
    assert status == 0, answer
    return sha256


def config_of(server: Server) -> str:
    return server.channel().ask("survey")["config"]


def stage(server: Server, data: bytes, release: str = GREEN, source: str = BLUE, **more: Any) -> dict[str, Any]:
    args = {
        "release": release,
        "source": source,
        "revision": "",
        "edits": put(server, data),
        "to": [],
        "base": [config_of(server)],
    }
    return server.channel().run(f"run/{release}/forward", "config_stage", {**args, **more})


def apply(server: Server, base: str, release: str = GREEN, source: str = BLUE, job: str = "apply") -> dict[str, Any]:
    args = {"release": release, "source": source, "base": [base]}
    return server.channel().run(f"run/{job}{release}/forward", "config_apply", args)


def switched(server: Server, release: str) -> None:
    assert server.channel().run(f"run/s{release}/forward", "switch", {"release": release, "workers": False})["ok"]
