"""chom-bot as somebody types it: a fork of the process that has imported the bot, which costs no start of a second."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

from tests.journeys.town import BotProcess, Town, eventually


class Terminal:
    """One command, with that environment and no other."""

    def __init__(self, town: Town, env: Mapping[str, str], *words: str) -> None:
        town.typed += 1
        self._out = town.directory / f"typed-{town.typed}"
        answer = town.bots.order(words=list(words), env=dict(env), said=str(self._out))
        self._process = BotProcess(town.bots, answer["pid"], town.directory / "no point")

    @property
    def said(self) -> str:
        """What it has said so far."""
        return self._out.read_text(encoding="utf-8") if self._out.exists() else ""

    async def until(self, pattern: str) -> str:
        """What it said that matches, its first group."""
        ended = asyncio.create_task(self._process.ended())
        await eventually(lambda: re.search(pattern, self.said) or ended.done())
        ended.cancel()
        found = re.search(pattern, self.said)
        assert found, self.said
        return found[1]

    async def ends(self, status: int = 0) -> str:
        """All that it said, once it has ended with that status."""
        try:
            async with asyncio.timeout(60):
                ended = await self._process.ended()
        except TimeoutError:
            raise AssertionError(f"it does not end\n{self.said}") from None
        assert ended == status, f"exit status {ended}\n{self.said}"
        assert "Traceback" not in self.said
        return self.said

    def kill(self) -> None:
        """kill -9: somebody closes the laptop."""
        self._process.kill()

    async def close(self) -> None:
        """Gone, whatever it did."""
        await self._process.reap()
        self._out.unlink(missing_ok=True)
