"""`make pictures`: takes the README's three pictures of the sandbox anew, from deploys that really run."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, expect

from tests.lab.browser.screen import PHONE, Screen, chromium, screen
from tests.support.sandbox import Sandbox, running

ROOT = Path(__file__).parents[3]
DESK = (1280, 760)
TITLE = "Deploy v1.2 to production"
MOST = 200_000
"""Bytes: a README is read on trains, too."""


async def on_a_desk(browser: Browser, sandbox: Sandbox) -> Path:
    """The finished card, its thread, and the shop in whose traffic one sees the switch."""
    async with screen(browser, sandbox.address, "dev", size=DESK) as seen:
        await seen.type("/chom deploy v1.2 to staging")
        await expect(seen.card("Deploy v1.2 to staging")).to_contain_text("Done", timeout=60_000)
        await seen.type('/chom deploy v1.2 reason="Discounts begin at noon."')
        await expect(seen.card(TITLE).get_by_role("button", name="Approve")).to_be_visible()
        for approver in ("lead", "devops"):
            await seen.become(approver)
            await asyncio.sleep(6)  # so that the chart has a past
            await seen.press(seen.card(TITLE), "Approve", confirm="Approve")
        await expect(seen.card(TITLE)).to_contain_text("Done", timeout=60_000)
        await asyncio.sleep(12)
        await seen.card(TITLE).locator(".replies").click()
        await seen.page.locator("#thread-text").blur()
        await seen.page.get_by_role("button", name="Hide how to begin").click()
        await seen.page.locator("#text").blur()
        return await taken(seen, "sandbox")


async def on_a_phone(browser: Browser, sandbox: Sandbox) -> Path:
    """A card that waits for its reader, dark."""
    async with screen(browser, sandbox.address, "dev", theme="dark", size=PHONE) as seen:
        await seen.type("/chom rollback")
        await seen.become("lead")
        await expect(seen.card("Roll back production").get_by_role("button", name="Approve")).to_be_visible()
        await seen.page.get_by_role("button", name="Hide how to begin").click()
        await seen.card("Roll back production").scroll_into_view_if_needed()
        return await taken(seen, "phone")


async def of_a_canary(browser: Browser, sandbox: Sandbox) -> Path:
    """Half of the users have it; the thread has the pictures of what it has shown, the shop says who got what."""
    await sandbox.command("dev", "deploy v1.2 to staging")
    await sandbox.card_says("Deploy v1.2 to staging", "Done", 60)
    async with screen(browser, sandbox.address, "dev", size=DESK) as seen:
        await seen.type("/chom deploy v1.2 canary")
        for approver in ("lead", "devops"):
            await seen.become(approver)
            await seen.press(seen.card(TITLE), "Approve", confirm="Approve")
        await seen.page.get_by_role("button", name="Hide how to begin").click()
        await expect(seen.card(TITLE)).to_contain_text("50 % of users", timeout=90_000)
        await seen.card(TITLE).locator(".replies").click()
        await seen.page.locator("#thread-text").blur()
        await asyncio.sleep(5)
        return await taken(seen, "canary")


async def taken(seen: Screen, name: str) -> Path:
    file = ROOT / ".github" / f"{name}.png"
    file.parent.mkdir(exist_ok=True)
    await seen.page.mouse.move(0, 0)
    await seen.page.screenshot(path=file, caret="hide", animations="disabled")
    with Image.open(file) as shot:
        shot.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)
    size = file.stat().st_size
    assert size < MOST, f"{file} has {size} bytes, at most {MOST}"
    sys.stdout.write(f"{file.relative_to(ROOT)}: {size} bytes\n")
    return file


async def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        async with chromium() as browser, running(Path(directory) / "box") as sandbox:
            await on_a_desk(browser, sandbox)
            await on_a_phone(browser, sandbox)
        options = ("--stage", "12s", "--visits", "150")
        async with chromium() as browser, running(Path(directory) / "canary", options=options) as sandbox:
            await of_a_canary(browser, sandbox)


if __name__ == "__main__":
    asyncio.run(main())
