"""A canary's pictures: drawn from the journal and sent to Slack beside everything else, then hung in the thread.

Each is drawn from the entries up to the one at which it is due, so it is the same whichever bot draws it, and when;
only its p95 is Prometheus' own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from actions.engine.journal import Entry
from bot.charts.latency import P95
from bot.charts.story import Story, story
from bot.charts.words import alt, headline
from bot.desk.view import ChangeView
from bot.slack.words import inline
from bot.tails.delivery.sender import NotMine, Sender
from bot.tails.files.latencies import Latencies
from bot.tails.files.sharing import NotTaken, Upload, uploaded

logger = logging.getLogger(__name__)

Wanted = tuple[str, int]
"""A change, and the number of the entry at which a picture of it is due."""


@dataclass(frozen=True, slots=True)
class NoPicture:
    """There will be none; that is in the bot's log, and in the thread nobody misses it: it has the same in words."""


class Pictures:
    """`ready` is called with a change whenever a picture of it can be hung, or there will be none."""

    def __init__(self, sender: Sender, latencies: Latencies, ready: Callable[[str], None], again: float) -> None:
        self._sender, self._latencies, self._ready, self._again = sender, latencies, ready, again
        self._tasks: dict[Wanted, asyncio.Task[None]] = {}
        self._offers: dict[Wanted, Upload | NoPicture] = {}

    def offer(self, view: ChangeView, entries: Sequence[Entry], due: int) -> Upload | NoPicture | None:
        """The picture of that entry; None while it is drawn."""
        wanted = view.change.id, due
        if wanted not in self._tasks:
            told = story(view.change.plan, entries, due, view.name)
            self._tasks[wanted] = asyncio.create_task(self._bring(wanted, told))
        return self._offers.get(wanted)

    def forget(self, id_: str, due: int) -> None:
        """It is there, or given up, or not in Slack any more; those before it are not wanted any more either."""
        for wanted in [wanted for wanted in self._tasks if wanted[0] == id_ and wanted[1] <= due]:
            self._offers.pop(wanted, None)
            self._tasks.pop(wanted).cancel()

    async def close(self) -> None:
        """Stop; what is under way begins anew elsewhere."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _bring(self, wanted: Wanted, told: Story) -> None:
        try:
            p95 = await self._latencies.p95(told)
            content = await asyncio.to_thread(_drawn, told, p95)
            file = await uploaded(self._sender, file_name(told), content, self._again, alt(told, p95))
            self._offers[wanted] = upload(told, file)
        except NotMine:
            return
        except NotTaken as refused:
            logger.warning("%s has no picture in its thread: %s", wanted[0], refused)
            self._offers[wanted] = NoPicture()
        except Exception:
            logger.exception("no picture can be made of %s", wanted[0])
            self._offers[wanted] = NoPicture()
        self._ready(wanted[0])


def _drawn(told: Story, p95: P95 | None) -> bytes:
    from bot.charts.drawing import picture  # noqa: PLC0415  Pillow: 60 ms that a bot without canaries does not pay

    return picture(told, p95)


def file_name(told: Story) -> str:
    """ "canary_v1.2_25_percent.png"."""
    return f"canary_{told.version}_{told.stages[-1].weight}_percent.png"


def upload(told: Story, file: str) -> Upload:
    """As the thread shows it."""
    title = f"Canary of {told.version} on {told.environment} at {told.stages[-1].weight} %"
    return Upload(file, title, inline(f"{headline(told)}.", 300))
