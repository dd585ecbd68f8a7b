"""Every element of Block Kit, used by hand and by keyboard, and what the app gets of it."""

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.lab.browser.kit import Kit
from tests.lab.browser.screen import Screen, screen

pytestmark = pytest.mark.asyncio(loop_scope="session")


def modal(seen: Screen) -> Locator:
    return seen.page.get_by_role("dialog")


async def opened(seen: Screen) -> Locator:
    await seen.type("/chom")
    await expect(modal(seen)).to_be_visible()
    return modal(seen)


async def test_a_form_gives_the_app_what_a_person_chose_after_its_fault_was_mended(
    browser: Browser, everything: Kit
) -> None:
    async with screen(browser, everything.address) as seen:
        form, keys = await opened(seen), seen.page.keyboard
        version = form.get_by_role("combobox", name="Version")
        await expect(version).to_be_focused()
        await version.press_sequentially("1.1")
        await expect(form.get_by_role("option")).to_have_text(["v1.1"])
        await keys.press("Enter")
        await expect(version).to_have_value("v1.1")
        place = form.get_by_role("combobox", name="Environment")
        await place.fill("prod")
        await keys.press("ArrowDown")
        await keys.press("Enter")
        await form.get_by_role("radio", name="Canary").check()
        await form.get_by_role("checkbox", name="Support").check()
        people = form.get_by_role("combobox", name="With")
        for name in ("Lea", "Omar", "Chiara"):
            await people.fill(name)
            await form.get_by_role("option").click()
        await form.get_by_role("button", name="Take away Omar Haddad").click()
        await form.get_by_label("Day").fill("2026-12-01")
        await form.get_by_label("Hour").fill("14:30")
        await form.get_by_label("How many").fill("3")
        await form.get_by_role("button", name="Ask for it").click()
        reason = form.get_by_label("Reason")
        await expect(form.get_by_text("Please complete this required field.")).to_be_visible()
        await expect(reason).to_be_focused()
        assert everything.submitted == []
        await reason.fill("because")
        await keys.press("Control+Enter")
        await expect(form.get_by_text("Say a little more.")).to_be_visible()
        await expect(reason).to_have_value("because")
        await expect(version).to_have_value("v1.1")
        await reason.fill("Discounts begin at noon.")
        await form.get_by_role("button", name="Ask for it").click()
        await expect(form.get_by_text("Asked. See the card.")).to_be_visible()
        await keys.press("Escape")
        await expect(form).to_be_hidden()
        await expect(seen.page.locator("#text")).to_be_focused()
    (got,) = everything.submitted
    chosen = {name: {k: v for k, v in held[name].items() if k != "type"} for name, held in got.items()}
    assert chosen["version"]["selected_option"]["value"] == "v1.1"
    assert chosen["place"]["selected_option"]["value"] == "production"
    assert chosen["strategy"]["selected_option"]["value"] == "canary"
    assert [one["value"] for one in chosen["tell"]["selected_options"]] == ["Support"]
    assert chosen["who"] == {"selected_users": ["U0LEAD", "U0CTO"]}
    assert (chosen["day"], chosen["hour"]) == ({"selected_date": "2026-12-01"}, {"selected_time": "14:30"})
    assert (chosen["count"], chosen["reason"]) == ({"value": "3"}, {"value": "Discounts begin at noon."})


async def test_a_view_on_top_of_another_goes_back_to_what_was_typed_there(browser: Browser, everything: Kit) -> None:
    async with screen(browser, everything.address) as seen:
        form = await opened(seen)
        await form.get_by_label("Reason").fill("half a sen")
        await form.get_by_role("button", name="More").click()
        await expect(form.get_by_text("This is more.")).to_be_visible()
        await form.get_by_role("button", name="Back").click()
        await expect(form.get_by_label("Reason")).to_have_value("half a sen")
        await form.get_by_role("button", name="More").click()
        await expect(form.get_by_text("This is more.")).to_be_visible()
        await form.get_by_role("button", name="Close").click()
        await expect(form).to_be_hidden()


async def test_what_the_app_changes_in_an_open_view_leaves_the_rest_as_it_was_typed(
    browser: Browser, everything: Kit
) -> None:
    async with screen(browser, everything.address) as seen:
        form = await opened(seen)
        reason = form.get_by_label("Reason")
        await reason.fill("half a sen")
        await everything.say_in_form("v1.1 is live on *production*.")
        await expect(form.get_by_text("v1.1 is live on production.")).to_be_visible()
        await expect(reason).to_be_focused()
        await reason.press("End")
        await reason.press_sequentially("tence")
        await expect(reason).to_have_value("half a sentence")


async def test_a_search_says_that_nothing_was_found_or_that_the_app_failed(browser: Browser, everything: Kit) -> None:
    async with screen(browser, everything.address) as seen:
        form = await opened(seen)
        version = form.get_by_role("combobox", name="Version")
        await version.fill("v9")
        await expect(form.get_by_text("Nothing found.")).to_be_visible()
        await version.fill("fail")
        await expect(form.get_by_text("The app offered no options")).to_be_visible()
        await expect(form.get_by_text("Searching…")).to_have_count(0)
        await version.press("Escape")
        await expect(form).to_be_visible()
        await expect(version).to_have_value("")


async def test_a_card_asks_before_it_acts_and_gives_the_focus_back(browser: Browser, everything: Kit) -> None:
    async with screen(browser, everything.address) as seen:
        card, keys = seen.card("Everything there is"), seen.page.keyboard
        go = card.get_by_role("button", name="Go")
        await go.focus()
        await keys.press("Enter")
        await expect(modal(seen)).to_contain_text("It is not undone.")
        await keys.press("Escape")
        await expect(go).to_be_focused()
        assert everything.actions == []
        await keys.press("Enter")
        await expect(modal(seen).get_by_role("button", name="Do it")).to_be_focused()
        await keys.press("Enter")
        await expect(go).to_be_focused()
        await card.get_by_role("combobox", name="Pick").fill("two")
        await keys.press("ArrowDown")
        await keys.press("Enter")
        await card.get_by_role("button", name="More actions").click()
        await keys.press("ArrowDown")
        await keys.press("Enter")
        await expect(card.get_by_role("button", name="More actions")).to_be_focused()
        await everything.until(lambda: len(everything.actions) == 3)
    pressed, picked, rest = everything.actions
    assert (pressed["action_id"], pressed["value"]) == ("go", "go")
    assert (picked["action_id"], picked["selected_option"]["value"]) == ("pick", "two")
    assert (rest["action_id"], rest["selected_option"]["value"]) == ("rest", "Archive")


async def test_a_card_that_loses_its_button_keeps_the_reader_at_it(browser: Browser, everything: Kit) -> None:
    async with screen(browser, everything.address) as seen:
        card = seen.card("Everything there is")
        await card.get_by_role("button", name="Go").focus()
        await everything.change_card("It is done")
        await expect(card.get_by_role("button", name="Go")).to_have_count(0)
        await expect(seen.page.locator("#messages article", has_text="It is done")).to_be_focused()


async def test_the_home_asks_before_it_acts_and_shows_what_is_published_while_it_is_open(
    browser: Browser, everything: Kit
) -> None:
    async with screen(browser, everything.address) as seen:
        await seen.page.get_by_role("navigation", name="Workspace").get_by_role("button", name="CHOM").click()
        home = seen.page.get_by_role("tabpanel", name="Home")
        await seen.press(home, "Open", confirm="Do it")
        await everything.until(lambda: [one["action_id"] for one in everything.actions] == ["open"])
        await everything.publish("All quiet")
        await expect(home.get_by_role("heading", name="All quiet")).to_be_visible()
        await seen.become("cto")
        await expect(home).to_contain_text("has published no Home for you yet")


async def test_commands_are_completed_from_the_manifest_with_the_versions_there_are(
    browser: Browser, everything: Kit
) -> None:
    async with screen(browser, everything.address) as seen:
        box, offers = seen.page.locator("#text"), seen.page.get_by_role("listbox", name="Commands")
        await box.press_sequentially("/")
        await expect(offers.get_by_role("option").first).to_contain_text("/chom")
        await expect(offers).to_contain_text("/chom rollback")
        await box.press_sequentially("chom deploy")
        await expect(offers.get_by_role("option")).to_have_text(["/chom deploy v1.2"])
        await box.press_sequentially(" ")
        await expect(offers.get_by_role("option")).to_have_text(["/chom deploy v1.2", "/chom deploy v1.0"])
        await box.press("ArrowDown")
        await box.press("ArrowDown")
        await box.press("Enter")
        await expect(box).to_have_value("/chom deploy v1.0")
        await expect(offers).to_be_hidden()
        await box.fill("/deploy v1.0")
        await box.press("Enter")
        await expect(seen.page.get_by_role("alert").filter(has_text="/deploy is not a command here")).to_be_visible()
        await expect(box).to_have_value("/deploy v1.0")


async def test_by_keyboard_one_skips_to_the_message_box(browser: Browser, everything: Kit) -> None:
    async with screen(browser, everything.address) as seen:
        await seen.page.locator("body").focus()
        await seen.page.keyboard.press("Tab")
        await expect(seen.page.get_by_role("link", name="Go to the message box")).to_be_focused()
        await seen.page.keyboard.press("Enter")
        await expect(seen.page.locator("#text")).to_be_focused()


async def test_messages_and_threads_are_reached_by_arrows_enter_and_escape(browser: Browser, everything: Kit) -> None:
    async with screen(browser, everything.address) as seen:
        keys, list_ = seen.page.keyboard, seen.page.locator("#messages")
        await seen.type("Good morning.")
        await expect(list_.locator("article")).to_have_count(2)
        await list_.focus()
        await keys.press("ArrowUp")
        await expect(list_.locator("article").last).to_be_focused()
        await keys.press("ArrowUp")
        await expect(list_.locator("article").first).to_be_focused()
        await keys.press("Enter")
        thread = seen.page.get_by_role("complementary", name="Thread")
        await expect(thread.get_by_label("Reply as Dana Weber")).to_be_focused()
        await keys.type("I am on it.")
        await keys.press("Enter")
        await expect(thread.locator("article").last).to_contain_text("I am on it.")
        await keys.press("Escape")
        await expect(thread).to_be_hidden()
        await expect(list_.get_by_role("button", name="1 reply")).to_be_focused()


async def test_a_file_in_a_thread_is_a_card_that_opens_it(browser: Browser, everything: Kit) -> None:
    ts = await everything.attach("deployment.log", "Migrating\nDone\n")
    async with screen(browser, everything.address) as seen:
        await seen.page.locator(f'#messages [data-ts="{ts}"] .replies').click()
        file = seen.page.get_by_role("complementary", name="Thread").get_by_role("link", name="deployment.log")
        await expect(file).to_contain_text("15 bytes")
        async with seen.page.context.expect_page() as opening:
            await file.click()
        opened = await opening.value
        await expect(opened.locator("body")).to_contain_text("Migrating")
