"""Deploys that write their journals as real ones do, and how old the card of each is, seen from Slack's side."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from actions.engine.fold import fold
from actions.engine.journal import Entry, Opened
from bot.desk.view import ChangeView
from bot.slack.cards.live import change_card
from bot.slack.cards.stage import stage_of
from bot.store import Store
from bot.tails.delivery.shown import Shown, face_of, news
from policies.change import Approval, Change, Word
from tests.slack.changes import CHANGE, PEOPLE
from tests.slack.journals import FINISHED, TURNED
from tests.slack.views import GO, WAITS

LOOK = 0.02
"""Seconds between two looks at Slack."""
Messages = Callable[[], Sequence[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Moved:
    """A card had to look different from then on."""

    change: str
    revision: tuple[int, int]
    at: float
    news: bool
    """Whether people wait to see it: a decision, an end."""


@dataclass
class Ages:
    """In seconds of a clock that runs `speed` times as fast as ours. A card that is not posted yet has no age."""

    messages: Messages
    speed: float = 1.0
    progress: float = 0.0
    news: float = 0.0
    posted: float = 0.0
    _open: list[Moved] = field(default_factory=list[Moved])
    _asked: dict[str, float] = field(default_factory=dict[str, float])
    _posted: dict[str, float] = field(default_factory=dict[str, float])

    def moved(self, moved: Moved) -> None:
        """Tell it of a change as it is written."""
        self._open.append(moved)

    def asked(self, change: str) -> None:
        """Its card has to come."""
        self._asked[change] = time.monotonic()

    async def watch(self, stop: asyncio.Event) -> None:
        """Until `stop` is set and every card shows what it should."""
        while not stop.is_set() or self._open or self._asked:
            self._look()
            await asyncio.sleep(LOOK)

    def _look(self) -> None:
        now = time.monotonic()
        cards = [m["metadata"]["event_payload"] for m in self.messages() if _is_card(m)]
        shown = {card["change"]: tuple(int(part) for part in card["revision"].split(".")) for card in cards}
        for change in self._asked.keys() & shown.keys():
            self._posted[change] = now
            self.posted = max(self.posted, (now - self._asked.pop(change)) * self.speed)
        for moved in [one for one in self._open if shown.get(one.change, (-1, -1)) >= one.revision]:
            self._open.remove(moved)
            age = (now - max(moved.at, self._posted[moved.change])) * self.speed
            if moved.news:
                self.news = max(self.news, age)
            else:
                self.progress = max(self.progress, age)


def _is_card(message: dict[str, Any]) -> bool:
    return message.get("metadata", {}).get("event_type") == "chom_card"


def changes(count: int) -> list[Change]:
    """As many, each of an environment of its own."""
    now = datetime.now(UTC).replace(microsecond=0)
    plans = [
        replace(CHANGE.plan, environment=f"shop-{n:02}", title=f"Deploy v1.2 to shop-{n:02}") for n in range(count)
    ]
    return [
        replace(CHANGE, id=f"chg-crowd{n:02}", environment=p.environment, plan=p, at=now) for n, p in enumerate(plans)
    ]


async def deploy(store: Store, change: Change, ages: Ages, lasts: float, *, fails: bool, approved_after: float) -> None:
    """Ask, approve and walk: over `lasts` seconds, as long between its entries as the deploy that is copied took."""
    ages.asked(change.id)
    await store.put_change(change)
    await asyncio.sleep(approved_after)
    approval = Approval("lead", Word.APPROVE, change.digest, datetime.now(UTC), "", "T0CHOM:U0LEAD")
    await store.add_approval(change.id, approval, 0)
    entries = TURNED if fails else FINISHED
    story = (entries[-1].at - entries[0].at).total_seconds()
    visible, begun, shift = dict(_visible(change, approval, entries)), time.monotonic(), _shift(entries)
    for seq, entry in enumerate(entries, 1):
        await asyncio.sleep(begun + (entry.at - entries[0].at).total_seconds() * lasts / story - time.monotonic())
        entry = replace(entry, at=entry.at + shift)
        if isinstance(entry, Opened):
            await store.open_run(change, replace(entry, change=change.id, digest=change.digest))
        else:
            await store.append(change.id, seq - 1, [entry], None)
        if seq in visible:
            ages.moved(Moved(change.id, (seq, 1), time.monotonic(), visible[seq]))


def _shift(entries: Sequence[Entry]) -> timedelta:
    """From the time of the story to now."""
    return datetime.now(UTC) - entries[0].at


def _visible(change: Change, approval: Approval, entries: Sequence[Entry]) -> Iterable[tuple[int, bool]]:
    """(entry number, whether it is news) of every entry after which the card looks different."""
    before = ChangeView(change, (), WAITS, fold(()), PEOPLE, change.at)
    for seq in range(1, len(entries) + 1):
        view = ChangeView(change, (approval,), GO, fold(entries[:seq]), PEOPLE, change.at)
        if face_of(change_card(view)) != face_of(change_card(before)):
            shown = Shown(stage=stage_of(before).value, approvals=len(before.approvals))
            yield seq, news(view, shown)
        before = view
