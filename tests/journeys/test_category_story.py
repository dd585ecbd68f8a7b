"""Each category from request to end in the sandbox: who is asked, what evidence is waited for, and how it starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.sandbox.toml import rules_text
from tests.support.sandbox import Json, Sandbox, buttons, newest_card, running, server, thread

V101, V12, V20, V21 = (f"Deploy {version} to production" for version in ("v1.0.1", "v1.2", "v2.0", "v2.1"))


@pytest.mark.timeout(300)
async def test_categories_1_and_2_from_request_to_end(tmp_path: Path) -> None:
    ten, three = 'watch = "10 s"', 'watch = "3 s"'
    assert ten in rules_text()
    async with running(tmp_path / "sandbox", rules=rules_text().replace(ten, three)) as sandbox:
        await category_1_needs_one_tech_lead_and_green_checks(sandbox)
        await category_2_needs_two_people_and_staging_and_is_watched(sandbox)


async def category_1_needs_one_tech_lead_and_green_checks(sandbox: Sandbox) -> None:
    await sandbox.command("dev", "plan deploy v1.0.1")
    await sandbox.whisper("dev", "Category 1 because nothing in it asks for more")
    await sandbox.command("dev", "deploy v1.0.1")
    await sandbox.card_says(V101, "Approval needed from a Tech Lead")
    await sandbox.click("devops", await sandbox.card(V101), "chom_approve")
    await sandbox.whisper("devops", "Only a Tech Lead can decide this. Waiting for a Tech Lead: Lea Martin.")
    await sandbox.click("lead", await sandbox.card(V101), "chom_approve")
    await sandbox.card_says(V101, "Done.", 90)
    assert server(await sandbox.get("state"))["version"] == "v1.0.1"
    await sandbox.command("dev", "plan rollback")
    await sandbox.whisper("dev", "Reversible: v1.0 knows all that is in the database.")


async def category_2_needs_two_people_and_staging_and_is_watched(sandbox: Sandbox) -> None:
    await sandbox.fault(github="red")
    await sandbox.command("dev", "deploy v1.2")
    card = await sandbox.card_says(V12, "tests failed for commit")
    assert "v1.2 is not in staging" in card["text"]
    assert "Category 2 because of new features in v1.2 and of 3 migrations" in str(card["blocks"])
    for who in ("lead", "devops"):
        await sandbox.click(who, await sandbox.card(V12), "chom_approve")
    await sandbox.card_says(V12, "Approved; it waits for evidence.")

    await sandbox.command("dev", "deploy v1.2 to staging")
    await sandbox.card_says("Deploy v1.2 to staging", "Done.", 60)
    await sandbox.until(
        lambda s: "✓ *Staging:* v1.2 has been healthy in staging" in str(s["channels"]), "staging is green", 30
    )
    assert server(await sandbox.get("state"))["version"] == "v1.0.1"

    await sandbox.fault(kill="bot")
    await sandbox.fault(github="up")
    await sandbox.card_says(V12, "Done.", 90)
    assert server(await sandbox.get("state"))["version"] == "v1.2"
    await sandbox.card_says(V12, "Watching production", 30)
    card = await sandbox.card_says(V12, "was watched on production for 3 seconds", 60)
    limits = "errors and latency are within their limits"
    await sandbox.until(lambda s: any(limits in said for said in thread(s, card)), "the thread tells it")
    told = " ".join(thread(await sandbox.get("state"), card))
    await sandbox.command("dev", "plan rollback")
    await sandbox.whisper("dev", "Forward-only: 3 migrations that v1.0.1 lacks stay in the database for good")
    assert told.count("was watched on production") == 1 and "chom_rollback" in buttons(card)


@pytest.mark.timeout(300)
async def test_category_3_from_request_to_end_with_the_rules_as_shipped(tmp_path: Path) -> None:
    async with running(tmp_path / "sandbox", options=("--stage", "3s", "--visits", "200")) as sandbox:
        await category_3_has_to_go_out_as_a_canary(sandbox)
        await nobody_but_the_cto_and_the_team_decides_it_and_staging_is_waited_for(sandbox)
        await somebody_starts_it_and_it_reaches_everybody_in_stages(sandbox)
        await what_old_code_may_not_go_on_with_is_no_canary(sandbox)


async def category_3_has_to_go_out_as_a_canary(sandbox: Sandbox) -> None:
    await sandbox.command("dev", "deploy v2.0")
    said = await sandbox.whisper("dev", "A change of category 3 has to go out as canary, not as blue-green.")
    assert "Category 3 because of the new major version v2.0" in said
    assert "Type `/chom deploy v2.0 canary to production`" in said and "Nothing was asked for." in said
    assert newest_card(await sandbox.get("state"), V20) is None


async def nobody_but_the_cto_and_the_team_decides_it_and_staging_is_waited_for(sandbox: Sandbox) -> None:
    await sandbox.command("dev", "deploy v2.0 canary to production stages=50,100")
    words = ("Category 3 because of the new major version v2.0", "v2.0 is not in staging")
    words += ("✓ *DR drill:*", "✓ *CI checks:*", "✓ *Branch:*")

    def read(state: Json) -> Json | None:
        card = newest_card(state, V20)
        return card if card and all(said in str(card["blocks"]) for said in words) else None

    card = await sandbox.until(read, "the evidence was read, and the card says so")
    assert "Approval needed from the CTO and a team member" in card["text"]
    for who in ("lead", "devops"):
        await sandbox.click(who, card, "chom_approve")
        await sandbox.whisper(who, "Only the CTO or a team member can decide this")
    await sandbox.click("cto", card, "chom_approve")
    await sandbox.card_says(V20, "Approval needed from a team member")
    await sandbox.click("team", await sandbox.card(V20), "chom_approve")
    await sandbox.card_says(V20, "Approved; it waits for evidence.")
    await sandbox.command("dev", "deploy v2.0 to staging")
    await sandbox.card_says("Deploy v2.0 to staging", "Done.", 60)


async def somebody_starts_it_and_it_reaches_everybody_in_stages(sandbox: Sandbox) -> None:
    card = await sandbox.card_says(V20, "all evidence is there; not started", 30)
    assert server(await sandbox.get("state"))["version"] == "v1.0"
    await sandbox.click("team", card, "chom_approve")
    await sandbox.card_says(V20, "% of users have", 60)
    await sandbox.card_says(V20, "Done.", 90)
    state = await sandbox.get("state")
    assert (server(state)["version"], server(state)["traffic"]["failed"]) == ("v2.0", 0)


async def what_old_code_may_not_go_on_with_is_no_canary(sandbox: Sandbox) -> None:
    await sandbox.command("dev", "deploy v2.1 canary")
    await sandbox.whisper("dev", "2026_11_24_080000_drop_email_from_wishes (line 11: it calls dropColumn")
    await sandbox.command("dev", "deploy v2.1 blue-green")
    card = await sandbox.card_says(V21, "Approval needed from the CTO and a team member")
    assert "Category 3 because of 2026_11_24_080000_drop_email_from_wishes" in str(card["blocks"])
    assert "Going back behind it needs a restore." in str(card["blocks"])
    await sandbox.command("dev", "deploy v2.1 to staging")
    await sandbox.card_says("Deploy v2.1 to staging", "Done.", 60)
    await sandbox.command("dev", "rollback on staging")
    await sandbox.whisper("dev", "v2.0 may break on what is in the database: 2026_11_24_080000_drop_email_from_wishes")
