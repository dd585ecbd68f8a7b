"""What systemd is to the canary's PHP-FPM: runs it while it is to run, which `systemctl` says by a file."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot.sandbox.fastcgi import Fpm

_LOOK = 0.05
"""Seconds; chom-host waits longer for a master to answer."""


class Unit:
    """`runs` is there while it is to run, also over a restart of the sandbox, whose servers have not been down."""

    def __init__(self, fpm: Fpm, runs: Path) -> None:
        self._fpm, self._runs = fpm, runs
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Bring it to what it is to be, and keep it there."""
        await self._follow()
        self._task = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Follow no longer, and stop it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._fpm.close()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            await self._follow()

    async def _follow(self) -> None:
        wanted = self._runs.exists()
        if wanted and not self._fpm.running:
            await self._fpm.start()
        elif self._fpm.running and not wanted:
            await self._fpm.close()
