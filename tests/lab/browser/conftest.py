"""One browser, one sandbox and one app of all of Block Kit for all of these tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.lab.browser.kit import Kit, kit
from tests.lab.browser.screen import chromium
from tests.support.sandbox import Sandbox, running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as program:
        yield program


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sandbox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    """As `make sandbox` starts it."""
    async with running(tmp_path_factory.mktemp("sandbox") / "box") as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def everything() -> AsyncIterator[Kit]:
    """The app that uses all of Block Kit, with its card in the channel and a Home for Dana."""
    async with kit() as app:
        await app.show()
        yield app
