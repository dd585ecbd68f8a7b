"""Category 2 from request to end in the sandbox: staging, GitHub, two people, a start by itself, and a watch."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.toml import rules_text
from tests.support.sandbox import Sandbox, buttons, running, server, thread

BIG = '\n[[rules]]\ncategory = 2\nbecause = "It has migrations."\nwhen = { environments = ["production"] }\n'
TITLE = "Deploy v1.2 to production"


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with running(tmp_path / "sandbox", rules=rules_text() + BIG) as one:
        yield one


@pytest.mark.timeout(240)
async def test_category_2_from_request_to_end(sandbox: Sandbox) -> None:
    await sandbox.fault(github="red")
    await sandbox.command("dev", "deploy v1.2")
    card = await sandbox.card_says(TITLE, "v1.2 is not in staging")
    assert "tests failed for commit" in card["text"]
    for who in ("lead", "devops"):
        await sandbox.click(who, await sandbox.card(TITLE), "chom_approve")
    await sandbox.card_says(TITLE, "Approved; it waits for evidence.")

    await sandbox.command("dev", "deploy v1.2 to staging")
    await sandbox.card_says("Deploy v1.2 to staging", "Done.", 60)
    await sandbox.until(lambda s: "healthy in staging" in str(s["channels"]), "staging is green", 30)
    assert server(await sandbox.get("state"))["version"] == "v1.0"

    await sandbox.fault(kill="bot")
    await sandbox.fault(github="up")
    await sandbox.card_says(TITLE, "Done.", 90)
    assert server(await sandbox.get("state"))["version"] == "v1.2"
    await sandbox.card_says(TITLE, "Watching production", 30)
    card = await sandbox.card_says(TITLE, "was watched on production for 10 seconds", 60)
    limits = "errors and latency are within their limits"
    await sandbox.until(lambda s: any(limits in said for said in thread(s, card)), "the thread tells it")
    told = " ".join(thread(await sandbox.get("state"), card))
    assert told.count("was watched on production") == 1 and "chom_rollback" in buttons(card)
