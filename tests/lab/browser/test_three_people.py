"""Category 2 in three browsers: one asks, two approve, evidence starts it, and everybody sees the same card."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.lab.browser.screen import PHONE, screen
from tests.lab.browser.test_story import END
from tests.support.sandbox import Sandbox, running

pytestmark = pytest.mark.asyncio(loop_scope="session")
TITLE = "Deploy v1.2 to production"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def gated(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    """A sandbox of their own."""
    async with running(tmp_path_factory.mktemp("gated") / "box") as started:
        yield started


async def test_category_2_by_three_people(browser: Browser, gated: Sandbox) -> None:
    address = gated.address
    async with (
        screen(browser, address, "dev") as dana,
        screen(browser, address, "lead", size=PHONE, theme="dark") as lea,
        screen(browser, address, "devops") as ola,
    ):
        everybody = (dana, lea, ola)
        await dana.type("/chom deploy v1.2")
        for seen in everybody:
            await expect(seen.card(TITLE)).to_contain_text("Approval needed from a Tech Lead and a DevOps engineer")
            await expect(seen.card(TITLE)).to_contain_text("v1.2 is not in staging")
        await lea.accessible("a card of Category 2 on a phone")
        await lea.fits()
        await lea.press(lea.card(TITLE), "Approve", confirm="Approve")
        for seen in everybody:
            await expect(seen.card(TITLE)).to_contain_text("Approval needed from a DevOps engineer")
        await dana.type("/chom who")
        told = dana.page.locator("#messages .whisper").last
        await expect(told).to_contain_text("A Tech Lead: approved by Lea Martin (Tech Lead).")
        await expect(told).to_contain_text("Still needs a DevOps engineer")
        await ola.press(ola.card(TITLE), "Approve", confirm="Approve")
        for seen in everybody:
            await expect(seen.card(TITLE)).to_contain_text("Approved; it waits for evidence.")
            await expect(seen.card(TITLE).get_by_role("button", name="Approve")).to_have_count(0)
        await dana.type("/chom deploy v1.2 to staging")
        await expect(dana.card("Deploy v1.2 to staging")).to_contain_text("Done", timeout=END)
        for seen in everybody:
            await expect(seen.card(TITLE)).to_contain_text(re.compile("Done[.]"), timeout=END)
        await expect(dana.server().locator(".version")).to_have_text("v1.2")
        watched = "was watched on production for 10 seconds"
        await expect(lea.card(TITLE)).to_contain_text(watched, timeout=END)


async def test_an_emergency_is_told_at_once_and_reviewed_by_somebody_else(browser: Browser, gated: Sandbox) -> None:
    title = "EMERGENCY: Deploy v1.1 to production"
    address = gated.address
    async with screen(browser, address, "devops") as ola, screen(browser, address, "cto") as cleo:
        await ola.type('/chom deploy v1.1 emergency="The checkout answers 500"')
        await expect(cleo.card(title)).to_contain_text("Bypassed: Staging.")
        called = cleo.page.locator("#messages article", has_text="asks for an emergency change")
        await expect(called.last).to_contain_text("The checkout answers 500")
        await ola.press(ola.card(title), "Approve", confirm="Approve")
        await expect(cleo.card(title)).to_contain_text("waits for its review", timeout=END)
        await cleo.press(cleo.card(title), "Review")
        window = cleo.page.get_by_role("dialog")
        await cleo.accessible("the window of a review")
        await window.get_by_role("textbox").first.fill("An index was missing; a test finds that now.")
        await window.locator("[type=submit]").click()
        await expect(window).to_be_hidden()
        await expect(ola.card(title)).to_contain_text("An index was missing; a test finds that now.")
        await expect(ola.card(title).get_by_role("button", name="Review")).to_have_count(0)
