"""What the README promises a newcomer, by typing and clicking alone."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.lab.browser.screen import Screen, screen
from tests.support.sandbox import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="session")
END = 60_000.0
"""Milliseconds that a deploy may take on a busy machine."""


def only_to_me(seen: Screen) -> Locator:
    return seen.page.locator("#messages .whisper")


async def test_a_newcomer_is_led_from_the_first_command_to_the_new_shop(browser: Browser, sandbox: Sandbox) -> None:
    async with screen(browser, sandbox.address) as seen:
        page, guide = seen.page, seen.page.locator("#guide-steps [aria-current]")
        await expect(guide).to_contain_text("type /chom deploy v1.2 to staging")
        await expect(seen.server().locator(".version")).to_have_text("v1.0")
        await seen.type("/chom deploy v1.2 to staging")
        await expect(guide).to_contain_text("Then type /chom deploy v1.2")
        await seen.type("/chom deploy v1.2")
        card = seen.card("Deploy v1.2 to production")
        await expect(card.get_by_role("button", name="Approve")).to_be_visible()
        await expect(only_to_me(seen).last).to_contain_text("Only visible to you")
        await expect(guide).to_contain_text("Become Lea Martin")
        await expect(page.locator("#badge-lead")).to_have_text(re.compile(r"^\d unread$"))
        await page.locator("#guide-steps").get_by_role("button", name="Become Lea Martin").click()
        await expect(page.locator("#is-lead")).to_be_checked()
        await expect(page.locator("#badge-lead")).to_be_hidden()
        await seen.press(card, "Approve", confirm="Approve")
        await expect(card).to_contain_text("Approval needed from a DevOps engineer")
        await page.locator("#guide-steps").get_by_role("button", name=re.compile("^become")).click()
        await expect(page.locator("#is-devops")).to_be_checked()
        await seen.press(card, "Approve", confirm="Approve")
        await expect(guide).to_contain_text("goes from v1.0 to v1.2, and no visit fails")
        await expect(card.get_by_role("button", name="Approve")).to_have_count(0)
        await card.locator(".replies").click()
        thread = page.get_by_role("complementary", name="Thread")
        await expect(thread.locator("article").nth(1)).to_be_visible(timeout=END)
        await expect(card).to_contain_text("Done", timeout=END)
        await expect(seen.server().locator(".version")).to_have_text("v1.2")
        await expect(seen.server().locator(".releases .current")).to_contain_text("v1.2")
        await expect(seen.server().locator(".numbers div", has_text="failed").locator("dd")).to_have_text("0")
        await seen.accessible("a finished deploy with its thread")
        await page.keyboard.press("Escape")
        await expect(thread).to_be_hidden()
        await expect(guide).to_contain_text("v1.2 is live")


async def test_a_broken_version_reaches_no_visitor_and_its_thread_has_the_log(
    browser: Browser, sandbox: Sandbox
) -> None:
    title = "Deploy v1.3 to staging"
    async with screen(browser, sandbox.address, "cto", theme="dark") as seen:
        page, before = seen.page, await seen.server("staging").locator(".version").text_content()
        await seen.type("/chom deploy v1.3 to staging")
        await expect(seen.card(title)).to_contain_text("Turned back", timeout=END)
        told = page.locator("#messages article", has=page.get_by_role("button", name=title)).last
        await expect(told).to_contain_text("no such column: orders.gift_card")
        await told.get_by_role("button", name=title).click()
        thread = page.get_by_role("complementary", name="Thread")
        await expect(thread.get_by_role("link", name=re.compile(r"\.log"))).to_be_visible()
        await seen.accessible("a failed deploy with its thread")
        staging = seen.server("staging")
        await expect(staging.locator(".version")).to_have_text(before or "")
        await expect(staging.locator(".numbers div", has_text="failed").locator("dd")).to_have_text("0")


async def test_two_people_see_the_same_card_at_once_and_only_their_own_refusals(
    browser: Browser, sandbox: Sandbox
) -> None:
    title = "Deploy v1.1 to production"
    async with screen(browser, sandbox.address, "dev") as dana, screen(browser, sandbox.address, "lead") as lea:
        before = await only_to_me(lea).count()
        await dana.type("/chom deploy v1.1")
        for seen in (dana, lea):
            await expect(seen.card(title).get_by_role("button", name="Approve")).to_be_visible()
        await dana.press(dana.card(title), "Approve", confirm="Approve")
        await expect(only_to_me(dana).last).to_contain_text("yourself")
        await lea.page.locator("#text").fill("I read it on the train.")
        await lea.page.keyboard.press("Enter")
        await expect(dana.page.locator("#messages article").last).to_contain_text("I read it on the train.")
        await dana.type("/chom stop")
        for seen in (dana, lea):
            await expect(seen.card(title).get_by_role("button", name="Approve")).to_have_count(0)
        assert await only_to_me(lea).count() == before


async def test_the_deploy_form_is_mended_at_its_field_and_leads_to_the_card(browser: Browser, sandbox: Sandbox) -> None:
    title = "Deploy v1.1 to staging"
    async with screen(browser, sandbox.address, "devops", theme="dark") as seen:
        page, form = seen.page, seen.page.get_by_role("dialog")
        await seen.type("/chom deploy")
        version = form.get_by_role("combobox", name="Version")
        await expect(version).to_be_focused()
        await form.get_by_role("button", name="Ask for it").click()
        await expect(form.get_by_text("Please complete this required field.")).to_be_visible()
        await expect(version).to_be_focused()
        await seen.accessible("the deploy form with a fault")
        await version.press_sequentially("1.1")
        await expect(form.get_by_role("option")).to_have_count(1)
        await version.press("Enter")
        await form.get_by_role("combobox", name="Environment").fill("staging")
        await page.keyboard.press("Enter")
        await form.get_by_label("Reason").fill("To look at the reviews.")
        await form.get_by_role("button", name="Ask for it").click()
        await form.get_by_role("link").last.click()
        await expect(form).to_be_hidden()
        await expect(seen.card(title)).to_contain_text("To look at the reviews.")
        await expect(seen.card(title)).to_contain_text("Done", timeout=END)
        await expect(seen.server("staging").locator(".version")).to_have_text("v1.1")


async def test_a_rejection_wants_a_reason_which_the_card_shows_to_everybody(browser: Browser, sandbox: Sandbox) -> None:
    title = "Deploy v1.0.1 to production"
    async with screen(browser, sandbox.address, "dev") as dana, screen(browser, sandbox.address, "lead") as lea:
        await dana.type("/chom deploy v1.0.1")
        await lea.press(lea.card(title), "Reject")
        window = lea.page.get_by_role("dialog")
        await window.get_by_role("textbox").first.fill("It takes the discounts away.")
        await window.locator("[type=submit]").click()
        await expect(window).to_be_hidden()
        await expect(dana.card(title)).to_contain_text("It takes the discounts away.")
        await expect(dana.card(title).get_by_role("button", name="Approve")).to_have_count(0)


async def test_the_bot_killed_in_mid_deploy_comes_back_and_the_page_tells_it(
    browser: Browser, sandbox: Sandbox
) -> None:
    async with screen(browser, sandbox.address) as seen:
        page, logs = seen.page, sandbox.directory / "staging/logs"
        first = set(logs.glob("*.log"))
        await page.get_by_text("Break something").click()
        await seen.type("/chom deploy v2.0 to staging")
        await sandbox.until(lambda _: _holds(set(logs.glob("*.log")) - first, "Migrating"), "a migration runs")
        await page.get_by_role("button", name="Kill the bot", exact=True).click()
        await expect(page.locator("#fault-said")).to_contain_text("The bot was killed")
        await expect(page.locator(".side .bot-line")).to_have_text("The bot is connected", timeout=END)
        card = seen.card("Deploy v2.0 to staging")
        await expect(card).to_contain_text("Done", timeout=END)
        await expect(seen.server("staging").locator(".version")).to_have_text("v2.0")
        await expect(seen.server("staging").locator(".numbers div", has_text="failed").locator("dd")).to_have_text("0")


def _holds(files: set[Path], words: str) -> bool:
    return any(words in file.read_text(encoding="utf-8") for file in files)


async def test_while_slack_is_down_the_page_says_so_and_keeps_what_was_typed(
    browser: Browser, sandbox: Sandbox
) -> None:
    async with screen(browser, sandbox.address) as seen:
        await sandbox.fault(slack="down", seconds=6)
        await expect(seen.page.locator("#down")).to_contain_text("Slack is down for another")
        await expect(seen.page.locator(".side .bot-line")).to_have_text("The bot is not connected")
        await seen.type("/chom status")
        await expect(seen.page.get_by_role("alert").filter(has_text="Slack is down")).to_be_visible()
        await expect(seen.page.locator("#text")).to_have_value("/chom status")
        await expect(seen.page.locator("#down")).to_be_hidden(timeout=15_000)
        await expect(seen.page.locator(".side .bot-line")).to_have_text("The bot is connected", timeout=END)
        await seen.page.locator("#text").press("Enter")
        await expect(only_to_me(seen).last).to_contain_text("production")


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_home_shows_what_waits_and_leads_to_its_card(browser: Browser, sandbox: Sandbox, theme: str) -> None:
    title = "Deploy v1.0.1 to production"
    await sandbox.command("dev", "deploy v1.0.1")
    await sandbox.card(title)
    async with screen(browser, sandbox.address, "lead", theme=theme) as seen:
        await seen.page.get_by_role("navigation", name="Workspace").get_by_role("button", name="CHOM").click()
        home = seen.page.get_by_role("tabpanel", name="Home")
        await expect(home).to_contain_text("v1.0.1")
        await seen.fits()
        await seen.accessible("the Home")
        await home.get_by_role("button", name=f"Open card: {title}").click()
        card = seen.card(title)
        await expect(card).to_be_focused()
        await seen.accessible("a card that waits")
        await seen.become("dev")
        await seen.type("/chom stop")
        await expect(card.get_by_role("button", name="Approve")).to_have_count(0)


async def test_a_link_to_a_card_leads_to_it_on_a_second_visit(browser: Browser, sandbox: Sandbox) -> None:
    await sandbox.command("dev", "deploy v1.0.1")
    card = await sandbox.card("Deploy v1.0.1 to production")
    await sandbox.command("dev", "stop")
    for number in range(20):
        await sandbox.post("say", user="cto", channel="deploys", text=f"{number} more things to say")
    link = f"/archives/C0DEPLOYS/p{card['ts'].replace('.', '')}"
    async with screen(browser, sandbox.address, path=link) as seen:
        article = seen.page.locator(f'#messages [data-ts="{card["ts"]}"]')
        await expect(article).to_be_focused()
        await expect(article).to_be_in_viewport()
        await expect(seen.page.get_by_text("19 more things to say", exact=True)).not_to_be_in_viewport()
