"""A canary in the browser: who may press what, the share of visits beside it, and its pictures in the thread."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.lab.browser.screen import PHONE, Screen, screen
from tests.lab.browser.test_story import END, only_to_me
from tests.support.sandbox import Sandbox, running

pytestmark = pytest.mark.asyncio(loop_scope="session")
TITLE = "Deploy v1.2 to production"
STAGE = 60
"""Seconds: nothing goes on by itself while somebody is looking."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    """A sandbox of their own, in whose staging v1.2 is."""
    options = ("--stage", f"{STAGE}s", "--visits", "100")
    async with running(tmp_path_factory.mktemp("canary") / "box", options=options) as started:
        await started.command("dev", "deploy v1.2 to staging")
        await started.card_says("Deploy v1.2 to staging", "Done", 60)
        yield started


async def with_users(dana: Screen, lea: Screen, omar: Screen) -> None:
    """A canary that 10 % of the users have."""
    await dana.type("/chom deploy v1.2 canary")
    for approver in (lea, omar):
        await expect(approver.card(TITLE)).to_contain_text("Approval needed")
        await approver.press(approver.card(TITLE), "Approve", confirm="Approve")
    await expect(lea.card(TITLE)).to_contain_text("10 % of users have v1.2, the others v1.0.", timeout=END)


async def test_an_aborted_canary_is_off_at_once_and_hold_and_promote_are_not_for_everybody(
    browser: Browser, shop: Sandbox
) -> None:
    async with (
        screen(browser, shop.address, "dev") as dana,
        screen(browser, shop.address, "lead", size=PHONE, theme="dark") as lea,
        screen(browser, shop.address, "devops") as omar,
    ):
        await with_users(dana, lea, omar)
        await expect(lea.card(TITLE)).to_contain_text(re.compile(r"Stage 1 of 5: .* left, then 25 %"))
        await lea.accessible("a canary's card on a phone")
        await lea.fits()
        await dana.press(dana.card(TITLE), "Promote to 25 %", confirm="Promote to 25 %")
        await expect(only_to_me(dana).last).to_contain_text("A Tech Lead, DevOps, the CTO or whoever is on call")
        await lea.press(lea.card(TITLE), "Hold", confirm="Hold")
        await expect(omar.card(TITLE)).to_contain_text("Held.")
        await expect(omar.card(TITLE).get_by_role("button", name="Hold")).to_have_count(0)
        await omar.press(omar.card(TITLE), "Abort", confirm="Abort it")
        for seen in (dana, lea, omar):
            await expect(seen.card(TITLE)).to_contain_text("Stopped. v1.2 is not live", timeout=END)
            await expect(seen.card(TITLE).get_by_role("button", name="Promote to")).to_have_count(0)
        await expect(dana.server().locator(".version")).to_have_text("v1.0")


async def test_a_canary_promoted_at_each_stage_is_live_and_its_thread_has_the_pictures(
    browser: Browser, shop: Sandbox
) -> None:
    async with (
        screen(browser, shop.address, "dev") as dana,
        screen(browser, shop.address, "lead") as lea,
        screen(browser, shop.address, "devops") as omar,
    ):
        await with_users(dana, lea, omar)
        for weight in (25, 50, 75, 100):
            await lea.press(lea.card(TITLE), f"Promote to {weight} %", confirm=f"Promote to {weight} %")
            await expect(dana.card(TITLE)).to_contain_text(f"{weight} % of users have v1.2", timeout=END)
        await lea.press(lea.card(TITLE), "Make v1.2 live", confirm="Make it live")
        await expect(dana.card(TITLE)).to_contain_text("Done", timeout=END)
        await expect(dana.server().locator(".version")).to_have_text("v1.2")
        await expect(dana.server().locator(".numbers div", has_text="failed").locator("dd")).to_have_text("0")
        await dana.card(TITLE).locator(".replies").click()
        pictures = dana.page.get_by_role("complementary", name="Thread").locator("img[alt*='of']")
        await expect(pictures.last).to_be_visible(timeout=END)
        await expect(pictures.last).to_have_js_property("complete", True)
        await dana.accessible("a canary's thread with its pictures")
