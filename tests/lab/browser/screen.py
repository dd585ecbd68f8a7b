"""Somebody in front of the sandbox's page: headless Chromium, in which anything on the console is a fault."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, ConsoleMessage, Locator, Page, async_playwright, expect

FLAGS = (
    "--no-sandbox",  # the lab is root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE = (390, 844)
DESK = (1440, 900)
SENT_BACK = re.compile(r"the server responded with a status of 400")
"""What Chromium says of an answer that the page shows at its field: the sandbox's refusals have this status."""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Debian's browser, without a profile of anybody. AssertionError where it is not installed."""
    program = shutil.which("chromium")
    assert program is not None, "there is no chromium on the PATH: tests/lab/install installs it"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()


class Screen:
    """A tab, and what its person does in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.faults.append(str(error)))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not SENT_BACK.search(message.text):
            self.faults.append(message.text)

    async def become(self, who: str) -> None:
        """Be that person (short name) from now on."""
        await self.page.locator(f"#is-{who}").check()

    async def type(self, text: str) -> None:
        """Type a line into the message box and send it."""
        box = self.page.locator("#text")
        await box.press_sequentially(text)
        await box.press("Enter")

    def card(self, title: str) -> Locator:
        """The newest message in the channel with that heading."""
        heading = self.page.get_by_role("heading", name=re.compile("^" + re.escape(title)))
        return self.page.locator("#messages article", has=heading).last

    async def press(self, where: Locator, button: str, confirm: str = "") -> None:
        """Press a button there; `confirm` is what to answer to its question."""
        await where.get_by_role("button", name=re.compile(f"^{re.escape(button)}")).click()
        if confirm:
            await self.page.get_by_role("dialog").get_by_role("button", name=confirm, exact=True).click()

    def server(self, name: str = "production") -> Locator:
        """A server beside Slack."""
        return self.page.locator(f'[data-server="{name}"]')

    async def fits(self) -> None:
        """AssertionError where the page is wider than the window."""
        wide = await self.page.evaluate(
            "[document.scrollingElement.scrollWidth, document.body.scrollWidth, innerWidth]"
        )
        assert max(wide) == wide[2], f"scroll width of page and body, and the window's: {wide}"

    async def accessible(self, what: str) -> None:
        """AssertionError with each place where axe finds a serious or critical fault."""
        found = (await Axe().run(self.page)).response["violations"]
        bad = [fault for fault in found if fault["impact"] in ("serious", "critical")]
        assert not bad, what + "\n" + "\n".join(_told(fault) for fault in bad)


def _told(fault: dict[str, Any]) -> str:
    places = "\n".join(f"    {node['html'][:200]}\n      {node['failureSummary']}" for node in fault["nodes"][:5])
    return f"{fault['impact']}: {fault['id']}: {fault['help']}\n{places}"


@asynccontextmanager
async def screen(
    browser: Browser,
    address: str,
    who: str = "dev",
    *,
    path: str = "",
    theme: str = "light",
    size: tuple[int, int] = DESK,
) -> AsyncIterator[Screen]:
    """A tab of its own for `who`, at the sandbox or at a path in it, once the page is ready.

    AssertionError at the end where anything was said on the console.
    """
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=theme, reduced_motion="reduce", locale="en-GB"
    )
    try:
        seen = Screen(await context.new_page())
        await seen.page.goto(f"{address}{path or f'/?as={who}'}")
        await expect(seen.page.locator(".side .bot-line, .bar .bot-line").first).to_have_text("The bot is connected")
        yield seen
        assert seen.faults == []
    finally:
        await context.close()
