"""The page in both themes, on a desk and on a phone: nothing too wide, and no fault that axe calls serious."""

import pytest
from playwright.async_api import Browser, expect

from tests.lab.browser.kit import Kit
from tests.lab.browser.screen import DESK, PHONE, Screen, screen
from tests.support.sandbox import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="session")
SMALL = (320, 640)


async def looked_over(seen: Screen, what: str) -> None:
    await seen.fits()
    await seen.accessible(what)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_the_page(browser: Browser, everything: Kit, theme: str, size: tuple[int, int]) -> None:
    await everything.attach("deployment.log", "Migrating\nDone\n")
    async with screen(browser, everything.address, theme=theme, size=size) as seen:
        page, card = seen.page, seen.card("Everything there is")
        await looked_over(seen, "the channel")
        await page.locator("#text").press_sequentially("/")
        await expect(page.get_by_role("listbox", name="Commands")).to_be_visible()
        await looked_over(seen, "the commands")
        await page.locator("#text").fill("")
        await seen.press(card, "Go")
        await looked_over(seen, "a confirm dialog")
        await page.keyboard.press("Escape")
        await card.get_by_role("button", name="More actions").click()
        await looked_over(seen, "a menu")
        await page.keyboard.press("Escape")
        await card.locator(".replies").click()
        await looked_over(seen, "the thread")
        await page.get_by_role("button", name="Close the thread").click()
        await seen.type("/chom")
        await page.get_by_role("combobox", name="Version").click()
        await expect(page.get_by_role("option", name="v1.0.1")).to_be_visible()
        await looked_over(seen, "a modal with a list open")
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="Ask for it").click()
        await expect(page.get_by_text("Please complete this required field.").first).to_be_visible()
        await looked_over(seen, "a modal with faults")
        await page.keyboard.press("Escape")
        await page.locator("[data-room=home]:visible").first.click()
        await looked_over(seen, "the Home")


async def test_the_smallest_phone(browser: Browser, everything: Kit) -> None:
    async with screen(browser, everything.address, size=SMALL) as seen:
        await seen.fits()
        await seen.type("/chom")
        await expect(seen.page.get_by_role("button", name="Ask for it")).to_be_visible()
        await seen.fits()


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_sandbox_on_a_phone(browser: Browser, sandbox: Sandbox, theme: str) -> None:
    async with screen(browser, sandbox.address, theme=theme, size=PHONE) as seen:
        await expect(seen.page.locator("#guide-steps [aria-current]")).to_be_visible()
        await looked_over(seen, "the channel with its first step")
        await seen.page.get_by_role("navigation", name="Pages").get_by_role("button", name="The shop").click()
        await expect(seen.server().locator(".chart rect").first).to_be_visible()
        await seen.page.get_by_text("Break something").click()
        await looked_over(seen, "the shop and all that can be broken")


async def test_the_theme_is_the_systems_until_another_is_chosen_and_is_kept(browser: Browser, everything: Kit) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    async with screen(browser, everything.address, theme="dark") as seen:
        dark = await seen.page.evaluate(paper)
        await seen.page.get_by_label("Colours").select_option("light")
        light = await seen.page.evaluate(paper)
        assert light != dark
        await seen.page.reload()
        await expect(seen.page.locator("#is-dev")).to_be_checked()
        assert await seen.page.evaluate(paper) == light


async def test_a_page_without_its_sandbox_says_so(browser: Browser, everything: Kit) -> None:
    async with screen(browser, everything.address) as seen:
        await expect(seen.page.get_by_text("The sandbox does not answer.")).to_be_hidden()
        await everything.stop()
        await expect(seen.page.get_by_text("The sandbox does not answer.")).to_be_visible()
        seen.faults.clear()  # the browser's own word for a server that is gone
