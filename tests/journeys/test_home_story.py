"""The Home as three people see it through `chom-bot sandbox`: real servers, a deploy, a killed bot, Slack down."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.rules import one_lead_in_the_sandbox
from tests.support.sandbox import Sandbox, running

Json = dict[str, Any]
V12 = "Deploy v1.2 to production"


def home(state: Json, who: str) -> str:
    """All the words of that person's Home."""
    for view in state["views"]:
        if (view["type"], view["user"]) == ("home", who):
            return json.dumps(view["blocks"], ensure_ascii=False)
    return ""


async def shows(sandbox: Sandbox, who: str, *words: str, seconds: float = 30) -> Json:
    """The person's Home, once it says all of these."""

    def holds(state: Json) -> Json | None:
        told = home(state, who)
        return next((v for v in state["views"] if v["user"] == who), None) if all(w in told for w in words) else None

    return await sandbox.until(holds, f"the Home of {who} says {words}", seconds)


@pytest.mark.timeout(180)
async def test_the_home(tmp_path: Path) -> None:
    async with running(tmp_path / "box", rules=one_lead_in_the_sandbox()) as sandbox:
        for who in ("dev", "lead", "guest"):
            begun = time.monotonic()
            await sandbox.post("home", user=who)
            await shows(sandbox, who, "All quiet" if who != "guest" else "not on the list", seconds=10)
            assert time.monotonic() - begun < 2
        await shows(sandbox, "dev", "production · v1.0", "staging · v1.0")
        await a_request_waits_for_who_can_decide_it(sandbox)
        await a_run_and_its_end_are_on_everybodys(sandbox)
        await what_a_killed_bot_left_is_made_true_by_the_next(sandbox)
        await slack_is_down_and_back(sandbox)
        assert "v1.2" not in home(await sandbox.get("state"), "guest")


async def a_request_waits_for_who_can_decide_it(sandbox: Sandbox) -> None:
    await sandbox.command("dev", 'deploy v1.2 reason="the new checkout"')
    card = await sandbox.card(V12)
    view = await shows(sandbox, "lead", "1 decision waits for you", "the new checkout", "Open card")
    links = [block["accessory"]["url"] for block in view["blocks"] if "accessory" in block]
    assert links == [f"{sandbox.address}/archives/C0DEPLOYS/p{card['ts'].replace('.', '')}"]
    await shows(sandbox, "dev", "Waits for others", "Waiting for a Tech Lead")


async def a_run_and_its_end_are_on_everybodys(sandbox: Sandbox) -> None:
    await sandbox.click("lead", await sandbox.card(V12), "chom_approve")
    for who in ("dev", "lead"):
        await shows(sandbox, who, f"{V12} is running", "Nothing waits for you.")
    for who in ("dev", "lead"):
        await shows(sandbox, who, "All quiet", "✓", "production · v1.2", "staging · v1.0", seconds=60)


async def what_a_killed_bot_left_is_made_true_by_the_next(sandbox: Sandbox) -> None:
    await sandbox.command("dev", "deploy v1.2 to staging")
    await shows(sandbox, "dev", "Deploy v1.2 to staging is running")
    await sandbox.fault(kill="bot")
    for who in ("dev", "lead"):
        await shows(sandbox, who, "All quiet", "staging · v1.2", seconds=60)


async def slack_is_down_and_back(sandbox: Sandbox) -> None:
    await sandbox.command("dev", "rollback")
    await shows(sandbox, "lead", "1 decision waits for you")
    change = (await sandbox.card("Roll back production"))["metadata"]["event_payload"]["change"]
    await sandbox.fault(slack="down", seconds=60)
    withdrawn = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", f'cd "{sandbox.directory}" && . ./env && chom-bot stop {change}', stdout=-1, stderr=-2
    )
    said, _ = await withdrawn.communicate()
    assert withdrawn.returncode == 0, said
    assert "1 decision waits for you" in home(await sandbox.get("state"), "lead")
    await sandbox.fault(slack="up")
    for who in ("dev", "lead"):
        await shows(sandbox, who, "All quiet")
