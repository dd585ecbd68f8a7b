"""A change of the environment file, from an editor's file to the servers and back, and not one value on the way."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.sandbox import Sandbox, newest_card, running, server

MARKER = "Tr0ub4dor-and-3"
"""A value; nothing but the environment files themselves may hold it."""
UPDATE, UNDO = "Update the configuration of production", "Undo 1 change of the configuration of production"


def shell(sandbox: Sandbox, *words: str, status: int = 0, without: str = "") -> str:
    """What chom-bot says in a shell that has sourced the sandbox's file, and of that `without` one variable."""
    told = dict(word.split("=", 1) for word in _exported(sandbox) if not word.startswith(f"{without or '?'}="))
    done = subprocess.run(
        [sys.executable, "-m", "bot", *words],
        env={**os.environ, **told},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert MARKER not in done.stdout + done.stderr
    return done.stdout + done.stderr


def _exported(sandbox: Sandbox) -> list[str]:
    said = subprocess.run(
        ["/bin/sh", "-c", f". {sandbox.directory}/env; env"], capture_output=True, text=True, check=True
    )
    return [line for line in said.stdout.splitlines() if line.startswith(("CHOM_", "SLACK_"))]


def env(sandbox: Sandbox) -> str:
    return (sandbox.directory / "production/www/shared/.env").read_text()


@pytest.mark.timeout(300)
async def test_the_story(tmp_path: Path) -> None:
    async with running(tmp_path / "box") as sandbox:
        before = env(sandbox)
        change = tmp_path / "change.env"
        change.write_text(f"# mail\nMAIL_HOST={MARKER}\nMAIL_PASSWORD='{MARKER}'\nunset APP_ENV\n")
        assert "Stored as cfg-" in shell(sandbox, "config", "put", str(change), "to", "production")
        await nothing_is_asked_for_with_a_value(sandbox)
        await what_it_would_do_is_said_by_names(sandbox)
        await it_is_approved_and_in_force(sandbox)
        await no_value_is_anywhere_else(sandbox)
        await it_is_forgotten_also_where_the_key_is_lost(sandbox)
        await it_goes_back(sandbox, before)
        await no_value_is_anywhere_else(sandbox)


async def nothing_is_asked_for_with_a_value(sandbox: Sandbox) -> None:
    await sandbox.command("dev", "config put MAIL_HOST=x")
    await sandbox.whisper("dev", "Values never go through Slack")
    assert "history" in shell(sandbox, "config", "put", "MAIL_HOST=x", status=2)


async def what_it_would_do_is_said_by_names(sandbox: Sandbox) -> None:
    await sandbox.command("dev", "config diff")
    said = await sandbox.whisper("dev", "Only a plan")
    assert "MAIL_HOST" in said and "`MAIL_PASSWORD` (a secret)" in said and "*Removes* `APP_ENV`" in said
    assert newest_card(await sandbox.get("state"), UPDATE) is None, "it is shown, and nothing waits"


async def it_is_approved_and_in_force(sandbox: Sandbox) -> None:
    served = server(await sandbox.get("state"))["version"]
    await sandbox.command("dev", "config apply reason='the new mail server'")
    for who in ("lead", "devops"):
        await sandbox.click(who, await sandbox.card(UPDATE), "chom_approve")
    card = await sandbox.card_says(UPDATE, "The new configuration is live on production", 60)
    assert "config undo on production" in json.dumps(card)
    assert f"MAIL_HOST={MARKER}\nMAIL_PASSWORD='{MARKER}'\n" in env(sandbox) and "APP_ENV" not in env(sandbox)
    assert server(await sandbox.get("state"))["version"] == served
    await sandbox.command("dev", "config apply")
    await sandbox.whisper("dev", "already; nothing to do")


async def it_is_forgotten_also_where_the_key_is_lost(sandbox: Sandbox) -> None:
    (stored,) = re.findall(r"^cfg-\w{6}", shell(sandbox, "config", "list"), re.M)
    assert "is forgotten" in shell(sandbox, "config", "drop", stored, without="CHOM_CONFIG_KEY")
    assert f"There is no {stored}" in shell(sandbox, "config", "drop", stored, status=2)


async def it_goes_back(sandbox: Sandbox, before: str) -> None:
    await sandbox.command("dev", "config undo")
    for who in ("lead", "devops"):
        await sandbox.click(who, await sandbox.card(UNDO), "chom_approve")
    await sandbox.card_says(UNDO, "The new configuration is live on production", 60)
    assert env(sandbox) == before
    await sandbox.command("dev", "config undo")
    await sandbox.whisper("dev", "keep no earlier configuration")


async def no_value_is_anywhere_else(sandbox: Sandbox) -> None:
    """Slack, Redis with its file, logs, journals, jobs and their claims, and every command line there is."""
    assert MARKER not in json.dumps(await sandbox.get("state"))
    holds = {path.relative_to(sandbox.directory) for path in sandbox.directory.rglob("*") if _holds(path)}
    allowed = ("www/shared/.env", "state/config/kept/", "bootstrap/cache/config.php")
    assert [path for path in holds if not any(part in str(path) for part in allowed)] == []
    assert not [process for process in psutil.process_iter(["cmdline"]) if MARKER in str(process.info["cmdline"])]


def _holds(path: Path) -> bool:
    try:
        return path.is_file() and not path.is_symlink() and MARKER.encode() in path.read_bytes()
    except OSError:
        return False
