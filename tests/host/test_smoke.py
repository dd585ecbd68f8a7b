"""What the smoke test asks of PHP, and how it says what is wrong. The lab runs it in a real Laravel."""

from __future__ import annotations

from typing import Any

import pytest

from tests.host.server import Channel, Refusal, Server

R1 = "20261121_100000"
PHP = """#!/usr/bin/env python3
import pathlib, sys
here = pathlib.Path(__file__).parent
script, release, check, token, seconds = sys.argv[1:]
assert pathlib.Path(script).read_text().startswith("<?php"), script
with open(here / "asked", "a") as asked:
    asked.write(f"{pathlib.Path(release).name} {check} {len(token)} {seconds}\\n")
exec((here / "smoke.py").read_text())
"""


@pytest.fixture
def staged(server: Server, channel: Channel) -> Channel:
    assert channel.run("run/stage/forward", "stage", server.stage_args(R1, "v1.0"))["ok"]
    server.program("php", PHP)
    return channel


def smoke(server: Server, channel: Channel, script: str, checks: list[str]) -> dict[str, Any]:
    (server.bin / "smoke.py").write_text(script)
    return channel.run("run/smoke/forward", "smoke", {"release": R1, "checks": checks, "seconds": 20})


def test_each_check_is_asked_of_the_release(server: Server, staged: Channel) -> None:
    state = smoke(server, staged, "print('well')", ["database", "queue"])
    assert state["ok"] and state["summary"] == "the database answers, a queue worker does its work"
    assert (server.bin / "asked").read_text() == f"{R1} database 32 20\n{R1} queue 32 20\n"


def test_what_is_wrong_is_said_with_its_reason(server: Server, staged: Channel) -> None:
    state = smoke(server, staged, "print('no worker did it within 20 s'); sys.exit(1)", ["queue", "database"])
    assert (state["ok"], state["summary"]) == (False, "no worker did it within 20 s (v1.0)")
    assert (server.bin / "asked").read_text().count("\n") == 1, "the first that is wrong ends it"


def test_a_check_that_dies_without_a_word(server: Server, staged: Channel) -> None:
    state = smoke(server, staged, "sys.exit(9)", ["queue"])
    assert state["summary"] == "the queue check failed with exit status 9 (v1.0)"


def test_a_check_that_is_none_is_refused(server: Server, staged: Channel) -> None:
    with pytest.raises(Refusal, match="“database” or “queue”"):
        smoke(server, staged, "", ["disk"])
