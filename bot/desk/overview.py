"""All that is going on, read together: what runs, what waits, what is live where, what was done lately."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from bot.desk.planning import Refusal
from bot.desk.view import ChangeView, Overview, PastRun, Serving
from policies.change import Refused

logger = logging.getLogger(__name__)

RECENT = 30
"""Changes that are looked through for the last runs; requests that came to nothing are among them."""


class Shelf(Protocol):
    """What it needs of the store."""

    async def open_runs(self) -> list[str]: ...
    async def waiting(self, environment: str = "") -> list[str]: ...
    async def open_reviews(self) -> list[str]: ...
    async def recent(self, environment: str = "", limit: int = 10) -> list[str]: ...


class Viewer(Protocol):
    """What it needs of the desk."""

    async def view(self, change: str) -> ChangeView:
        """Raises Refusal where there is none."""
        ...


class Overseer:
    """Remembers the runs that have ended, since nothing more happens to them."""

    def __init__(self, shelf: Shelf, desk: Viewer, link: Callable[[str], Awaitable[str]]) -> None:
        self._shelf, self._desk, self._link = shelf, desk, link
        self._ended: dict[str, ChangeView] = {}

    async def now(self, live: tuple[Serving, ...], environment: str = "") -> Overview:
        """As it is now, beside what is known to be live; `environment` is the default one. Raises StoreDown."""
        open_, waiting, owed, recent = await asyncio.gather(
            self._shelf.open_runs(), self._shelf.waiting(), self._shelf.open_reviews(), self._shelf.recent("", RECENT)
        )
        ids = list(dict.fromkeys([*open_, *waiting, *owed, *recent]))
        seen = {view.change.id: view for view in await asyncio.gather(*map(self._view, ids)) if view is not None}
        self._ended = {id_: view for id_, view in seen.items() if view.run.ended and _is_settled(view)}
        running = [view for view in _those(seen, open_) if view.run.opened and not view.run.ended]
        pending = [v for v in _those(seen, waiting) if not v.run.opened and not isinstance(v.verdict, Refused)]
        reviews = [view for view in _those(seen, owed) if view.owes_review]
        past = [
            PastRun(view, view.run.opened.at, view.run.ended.at)
            for view in _those(seen, recent)
            if view.run.opened and view.run.ended
        ]
        shown = [view.change.id for view in (*running, *pending, *reviews, *(run.view for run in past))]
        links = dict(zip(shown, await asyncio.gather(*map(self._link, shown)), strict=True))
        known = {id_: link for id_, link in links.items() if link}
        return Overview(tuple(pending), tuple(running), live, tuple(past), known, environment, tuple(reviews))

    async def _view(self, id_: str) -> ChangeView | None:
        """None where it cannot be read: one change of another version must not darken everything."""
        if id_ in self._ended:
            return self._ended[id_]
        try:
            return await self._desk.view(id_)
        except (Refusal, ValueError) as fault:
            logger.warning("%s is left out of the overview: %s", id_, fault)
            return None


def _is_settled(view: ChangeView) -> bool:
    """Whether nothing is written of it any more: after its end it may be watched for a while, or be reviewed."""
    if view.owes_review:
        return False
    return view.run.observed is not None or not view.change.requirement.watch


def _those(seen: dict[str, ChangeView], ids: Iterable[str]) -> list[ChangeView]:
    return [seen[id_] for id_ in ids if id_ in seen]
