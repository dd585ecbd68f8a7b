"""A canary as a newcomer sees it in the sandbox: a bad version comes back by itself, a good one reaches everybody."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.rules import one_lead_in_the_sandbox
from tests.support.sandbox import Json, Sandbox, buttons, newest_card, running, server, thread

STAGES = [10, 25, 50, 75, 100]


@pytest.mark.timeout(240)
async def test_a_bad_version_comes_back_and_a_good_one_reaches_everybody(tmp_path: Path) -> None:
    options, rules = ("--stage", "3s", "--visits", "200"), one_lead_in_the_sandbox()
    async with running(tmp_path / "box", options=options, rules=rules) as sandbox:
        await one_that_fails_one_visit_in_five_comes_back(sandbox)
        await one_that_is_good_reaches_everybody_stage_by_stage(sandbox)
        await one_that_goes_bad_while_it_is_held_comes_back(sandbox)


async def begun(sandbox: Sandbox, text: str) -> Json:
    """The card of what was asked for, once it was approved by everybody whom it names."""
    await sandbox.command("dev", text)
    title = f"Deploy {text.split()[1]} to production"
    card = await sandbox.card(title)
    assert "canary" in card["text"]
    await sandbox.click("lead", card, "chom_approve")
    return await sandbox.card_says(title, "% of users have", 60)


async def one_that_fails_one_visit_in_five_comes_back(sandbox: Sandbox) -> None:
    card = await begun(sandbox, "deploy v1.4 canary every=5m")
    ended = await sandbox.card_says("Deploy v1.4", "Turned back.", 60)
    assert "chom_answer" not in buttons(ended)
    state = await sandbox.get("state")
    seen, traffic = server(state), server(state)["traffic"]
    assert (seen["version"], seen["canary"], seen["weights"]) == ("v1.0", None, {"stable": 100, "canary": 0})
    assert traffic["last_failure"] == "HTTP 500 from v1.4"
    assert 3 <= traffic["failed"] < traffic["versions"]["v1.4"] < traffic["versions"]["v1.0"]
    assert any("requests failed" in said for said in thread(state, card)), thread(state, card)


async def one_that_is_good_reaches_everybody_stage_by_stage(sandbox: Sandbox) -> None:
    before = server(await sandbox.get("state"))["traffic"]
    await begun(sandbox, "deploy v1.2 canary")
    weights = list[int]()

    def served(state: Json) -> bool:
        weight = server(state)["weights"]["canary"]
        if weight and weight not in weights:
            weights.append(weight)
        card = newest_card(state, "Deploy v1.2")
        return bool(card and "Done." in card["text"])

    await sandbox.until(served, "v1.2 is live", 90)
    seen = server(await sandbox.get("state"))
    assert weights == STAGES
    assert (seen["version"], seen["canary"], seen["weights"]["canary"]) == ("v1.2", None, 0)
    assert seen["traffic"]["failed"] == before["failed"], "no visitor noticed"
    assert seen["traffic"]["versions"]["v1.2"] > 500


async def one_that_goes_bad_while_it_is_held_comes_back(sandbox: Sandbox) -> None:
    card = await begun(sandbox, "deploy v1.1 canary stages=50,100")
    await sandbox.click("lead", card, "chom_answer_hold")
    await sandbox.card_says("Deploy v1.1", "held", 20)
    said = await sandbox.post("shop", version="v1.1", error_rate=0.5)
    assert said == {"ok": True, "version": "v1.1", "error_rate": 0.5, "latency_ms": 0}
    await sandbox.card_says("Deploy v1.1", "Turned back.", 60)
    seen = server(await sandbox.get("state"))
    assert (seen["version"], seen["canary"], seen["weights"]["canary"]) == ("v1.2", None, 0)
