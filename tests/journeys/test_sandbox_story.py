"""The story that the README tells, from a Slack command to a served release, through `chom-bot sandbox` alone."""

import asyncio
import os
import re
import signal
import sqlite3
from pathlib import Path

import pytest

from tests.support.sandbox import (
    Json,
    Sandbox,
    buttons,
    is_gone,
    newest_card,
    replies,
    running,
    server,
    thread,
    until,
)

V12 = "Deploy v1.2 to production"
V13 = "Deploy v1.3 to staging"


def migrations(sandbox: Sandbox, name: str = "production") -> list[str]:
    """What ran on that server, in the order of their running."""
    database = sqlite3.connect(sandbox.directory / name / "www/shared/database.sqlite")
    with database:
        return [row[0] for row in database.execute("select migration from migrations order by rowid")]


@pytest.mark.timeout(180)
async def test_the_story(tmp_path: Path) -> None:
    async with running(tmp_path / "box", killed=True) as sandbox:
        await nobody_approves_their_own_change_and_two_others_do(sandbox)
        await a_broken_version_reaches_nobody(sandbox)
        await a_rollback_brings_the_last_version_back(sandbox)
        await a_shell_that_sources_the_file_finds_the_command(sandbox)
        await killed_in_the_middle_it_ends_as_if_nothing_had_happened(sandbox)
        await killed_itself_the_sandbox_leaves_no_process(sandbox)
    async with running(tmp_path / "box") as sandbox:
        await it_starts_again_where_it_was(sandbox)


async def nobody_approves_their_own_change_and_two_others_do(sandbox: Sandbox) -> None:
    await sandbox.command("dev", "deploy v1.2 to staging")
    await sandbox.command("dev", "deploy v1.2")
    card = await sandbox.card(V12)
    assert server(await sandbox.get("state"))["version"] == "v1.0"
    await sandbox.click("dev", card, "chom_approve")
    await sandbox.whisper("dev", "You asked for this yourself")
    await sandbox.click("cto", card, "chom_approve")
    await sandbox.whisper("cto", "Waiting for a Tech Lead (Lea Martin) and a DevOps engineer (Omar Haddad).")
    await sandbox.click("lead", card, "chom_approve")
    await sandbox.card_says(V12, "Approval needed from a DevOps engineer")
    assert server(await sandbox.get("state"))["version"] == "v1.0"
    await sandbox.click("devops", await sandbox.card(V12), "chom_approve")
    await sandbox.card_says(V12, "It is running", 60)
    await sandbox.command("dev", "deploy v1.1")
    await sandbox.whisper("dev", "has been running since")
    done = await sandbox.card_says(V12, "Done.", 60)
    assert "chom_approve" not in buttons(done)
    state = await sandbox.get("state")
    assert (server(state)["version"], server(state, "staging")["version"]) == ("v1.2", "v1.2")
    assert server(state)["traffic"]["failed"] == 0
    assert thread(state, done)
    assert len(migrations(sandbox)) == 5


async def a_broken_version_reaches_nobody(sandbox: Sandbox) -> None:
    await sandbox.command("dev", "deploy v1.3 to staging")
    card = await sandbox.card_says(V13, "Turned back.", 60)
    assert "500" in card["text"]
    served = server(await sandbox.get("state"), "staging")
    assert served["version"] == "v1.2"
    assert (served["traffic"]["failed"], "v1.3" in served["traffic"]["versions"]) == (0, False)
    await sandbox.command("dev", "deploy v1.3")
    await sandbox.card_says("Deploy v1.3 to production", "v1.3 is not in staging: staging serves v1.2.")
    await sandbox.command("dev", "stop")
    await the_channel_hears_of_it_and_the_thread_has_the_whole_log(sandbox, card)


async def the_channel_hears_of_it_and_the_thread_has_the_whole_log(sandbox: Sandbox, card: Json) -> None:
    def shared(state: Json) -> list[Json]:
        return [file for reply in replies(state, card) for file in reply.get("files", [])]

    (file,) = await sandbox.until(shared, "the log of v1.3 in its thread")
    assert re.fullmatch(r"deployment_\d{8}_\d{6}\.log", file["name"])
    said = await sandbox.text(file["url_private"])
    assert "-- failed" in said and "HTTP 500" in said
    state = await sandbox.get("state")
    heard = [reply["text"] for reply in replies(state, card) if reply.get("subtype") == "thread_broadcast"]
    assert len(heard) == 2 and "500" in heard[0] and "Turned back" in heard[1]
    done = newest_card(state, V12)
    assert done and not any(reply.get("subtype") == "thread_broadcast" for reply in replies(state, done))


async def a_rollback_brings_the_last_version_back(sandbox: Sandbox) -> None:
    title = "Roll back production"
    await sandbox.command("devops", "rollback")
    await sandbox.click("lead", await sandbox.card(title), "chom_approve")
    await sandbox.card_says(title, "Done.", 60)
    state = await sandbox.get("state")
    assert server(state)["version"] == "v1.0"
    assert server(state)["traffic"]["failed"] == 0
    assert len(migrations(sandbox)) == 5


async def a_shell_that_sources_the_file_finds_the_command(sandbox: Sandbox) -> None:
    bare = {"PATH": "/usr/bin:/bin", "HOME": str(sandbox.directory), "file": str(sandbox.directory / "env")}
    typed = 'cd "$HOME" && . "$file" && chom-bot status'
    shell = await asyncio.create_subprocess_exec("/bin/sh", "-c", typed, env=bare, stdout=-1, stderr=-2)
    said, _ = await asyncio.wait_for(shell.communicate(), 60)
    assert shell.returncode == 0, said.decode()
    (line,) = [line for line in said.decode().splitlines() if line.startswith("production")]
    assert "v1.0" in line


async def killed_in_the_middle_it_ends_as_if_nothing_had_happened(sandbox: Sandbox) -> None:
    title = "Deploy v2.0 to staging"
    logs = sandbox.directory / "staging/logs"
    before = set(logs.glob("*.log"))
    await sandbox.command("dev", "deploy v2.0 to staging")

    def migrating(_: object) -> bool:
        return any("Migrating" in file.read_text() for file in set(logs.glob("*.log")) - before)

    await sandbox.until(migrating, "a migration runs")
    killed = await sandbox.fault(kill="bot")
    assert killed["killed"] != killed["started"]
    await sandbox.card_says(title, "Done.", 60)
    state = await sandbox.get("state")
    assert server(state, "staging")["version"] == "v2.0"
    assert server(state, "staging")["traffic"]["failed"] == 0
    done = newest_card(state, title)
    assert done is not None
    said = thread(state, done)
    assert len(said) == len(set(said)), "nothing is said twice"
    ran = migrations(sandbox, "staging")
    assert len(ran) == len(set(ran)) == 6


async def killed_itself_the_sandbox_leaves_no_process(sandbox: Sandbox) -> None:
    left = sandbox.children()
    assert len(left) == 4, "Redis, two sshds and the bot"
    os.kill(sandbox.pid, signal.SIGKILL)
    await until(lambda: all(is_gone(pid) for pid in left))


async def it_starts_again_where_it_was(sandbox: Sandbox) -> None:
    state = await sandbox.get("state")
    assert (server(state)["version"], server(state, "staging")["version"]) == ("v1.0", "v2.0")
    await sandbox.command("dev", "history")
    await sandbox.whisper("dev", "Roll back production")
