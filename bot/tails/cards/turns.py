"""Whose turn it is: one slot a card, the newest picture wins, and what Slack allows is shared between all of them.

Pure: it is told the time. What people wait for goes first, then the card that is behind for longest. So many updates
are kept free as there are cards that could be decided or end, as long as every card that goes on can still be shown
every `Pace.oldest` seconds; with 20 cards that never stand still, 3 of the 45 are left for that, and one more every
1.4 s. The more cards go on, the longer the pause between two updates of one: spent at once, the minute's updates
would leave every card without any for the rest of it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum, IntEnum

from bot.tails.pace import Bucket, Minute, Pace


class Want(IntEnum):
    """What a card needs of Slack, the most urgent first."""

    NEWS = 0
    """An update that shows another stage: a decision, an end."""
    ALARM = 1
    """A message in its thread that the channel sees too."""
    CARD = 2
    """To be posted."""
    NOTICE = 3
    """A message in its thread that rings for somebody."""
    PROGRESS = 4
    """An update that shows what changed within its stage."""
    END = 5
    """The last message in its thread."""
    THREAD = 6
    """A message in its thread."""
    LOG = 7
    """A word on the log in its thread, or the log itself."""
    PICTURE = 8
    """A picture in its thread."""


UPDATES = frozenset({Want.NEWS, Want.PROGRESS})
"""These are updates of a card; the others are messages in the channel."""
_KEPT_POSTS = {
    Want.ALARM: 0,
    Want.CARD: 0,
    Want.NOTICE: 0,
    Want.END: 1,
    Want.THREAD: 1,
    Want.LOG: 1,
    Want.PICTURE: 1,
}


class Life(Enum):
    """Whether a card will have news by itself."""

    GOES_ON = "it runs"
    WAITS = "it may be decided"
    OVER = "nothing more happens to it"


@dataclass(frozen=True, slots=True)
class Turn:
    """This card may have that now."""

    id: str
    want: Want


@dataclass(slots=True)
class _Slot:
    life: Life = Life.OVER
    wants: dict[Want, float] = field(default_factory=dict[Want, float])
    """What it needs, and since when."""
    touched: float | None = 0.0
    """When something first happened to it that was not looked at yet."""
    busy: bool = False
    updated: float = -math.inf
    told: float = -math.inf
    rest: float = -math.inf
    """Not to be served before."""


class Turns:
    """Touched, looked at, picked, done: the life of a slot. Times are in seconds of one monotonic clock."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._slots: dict[str, _Slot] = {}
        self._updates = Minute(pace.updates, pace.minute)
        self._news = Minute(pace.updates, pace.minute)
        """Those of the updates that were news."""
        self._posts = Bucket(pace.burst, pace.post)
        self._shut = {True: -math.inf, False: -math.inf}
        """Updates (True) and messages (False): not before."""
        self.calls = pace.calls

    # --- what happens --------------------------------------------------------

    def touch(self, ids: Iterable[str], now: float) -> None:
        """Something happened to these: look at them."""
        for id_ in ids:
            slot = self._slots.setdefault(id_, _Slot(touched=now))
            slot.touched = now if slot.touched is None else min(slot.touched, now)

    def unseen(self, now: float) -> list[str]:
        """What is to be looked at, the longest untouched first."""
        waiting = [(slot.touched, id_) for id_, slot in self._slots.items() if self._is_unseen(slot, now)]
        return [id_ for _, id_ in sorted(waiting)]

    @staticmethod
    def _is_unseen(slot: _Slot, now: float) -> bool:
        return slot.touched is not None and slot.touched <= now and not slot.busy and slot.rest <= now

    def looking(self, id_: str) -> float:
        """It is being looked at: what happens from now on is another touch. When it was first touched."""
        slot = self._slots[id_]
        touched, slot.touched = slot.touched, None
        return 0.0 if touched is None else touched

    def looked(self, id_: str, wants: Collection[Want], life: Life, since: float) -> None:
        """What the look found; a want that it had before keeps its age."""
        slot = self._slots[id_]
        slot.life = life
        slot.wants = {want: min(since, slot.wants.get(want, since)) for want in wants}
        if not wants and life is Life.OVER and slot.touched is None:
            del self._slots[id_]

    def forget(self, id_: str) -> None:
        """There is no such card."""
        self._slots.pop(id_, None)

    def rest(self, id_: str, until: float) -> None:
        """Leave this one alone until then, and look at it again."""
        slot = self._slots.setdefault(id_, _Slot())
        slot.rest = until
        slot.touched = until if slot.touched is None else slot.touched

    def shut(self, until: float, want: Want | None = None) -> None:
        """Slack wants no calls before: none of this kind, or none at all."""
        for updates in (True, False) if want is None else (want in UPDATES,):
            self._shut[updates] = max(self._shut[updates], until)

    def remember(self, times: Iterable[float]) -> None:
        """Updates that another bot made."""
        self._updates.remember(times)

    # --- whose turn it is ----------------------------------------------------

    def pick(self, now: float) -> Turn | None:
        """The next turn, counted as taken; the card is busy until `done`. None where nothing may be called now."""
        if sum(slot.busy for slot in self._slots.values()) >= self.calls:
            return None
        may = [(want, since, id_) for id_, want, since, ready in self._waiting(now) if ready <= now]
        if not may:
            return None
        want, _, id_ = min(may)
        slot = self._slots[id_]
        slot.busy = True
        if want in UPDATES:
            self._updates.count(now)
            slot.updated = now
            if want is Want.NEWS:
                self._news.count(now)
        else:
            self._posts.take(now)
            slot.told = now
            if want is Want.CARD:
                slot.updated = now
        return Turn(id_, want)

    def done(self, turn: Turn, now: float) -> None:
        """The turn is over, whatever came of it; the card is looked at again."""
        slot = self._slots[turn.id]
        slot.busy = False
        slot.wants.pop(turn.want, None)
        self.touch([turn.id], now)

    def ready(self, now: float) -> float:
        """When there is something to do next: inf where nothing is wanted."""
        looks = (max(slot.touched, slot.rest) for slot in self._slots.values() if slot.touched is not None)
        turns = (ready for _, _, _, ready in self._waiting(now)) if self._has_place() else ()
        return min((*(at for at in looks), *turns), default=math.inf)

    @property
    def idle(self) -> bool:
        """Whether Slack shows all there is."""
        return not any(slot.wants or slot.busy or slot.touched is not None for slot in self._slots.values())

    def _has_place(self) -> bool:
        return sum(slot.busy for slot in self._slots.values()) < self.calls

    def _waiting(self, now: float) -> Iterator[tuple[str, Want, float, float]]:
        """(card, want, since when, when it may go) of all that is wanted."""
        running = sum(slot.life is Life.GOES_ON for slot in self._slots.values())
        gap, patience, thread = self._gap(running), self._patience(running), self._thread_gap(running)
        spare = max(0, self._pace.spare - self._news.held(now))
        news, progress = self._updates.ready(now, 0), self._updates.ready(now, spare)
        posts = {want: self._posts.ready(now, keep) for want, keep in _KEPT_POSTS.items()}
        for id_, slot in self._slots.items():
            if slot.busy:
                continue
            for want, since in slot.wants.items():
                match want:
                    case Want.NEWS:
                        ready = max(news, slot.updated + self._pace.turn)
                    case Want.PROGRESS:
                        ready = max(progress, slot.updated + gap, since + patience)
                    case Want.THREAD:
                        ready = max(posts[want], slot.told + thread)
                    case _:
                        ready = posts[want]
                yield id_, want, since, max(ready, slot.rest, self._shut[want in UPDATES])

    def _gap(self, running: int) -> float:
        """Between two updates of one card that goes on: few share `steady` a minute, so that more of them find room."""
        pace = self._pace
        return max(pace.card, min(pace.minute * running / pace.steady, pace.oldest))

    def _patience(self, running: int) -> float:
        """For so long is a change not shown: where many go on, one update has to show as many changes as it can."""
        pace = self._pace
        return pace.patience if pace.minute * running / pace.steady >= pace.oldest else 0.0

    def _thread_gap(self, running: int) -> float:
        """Between two messages in one thread: with a third of all posts left to cards and ends."""
        return max(self._pace.thread, 1.5 * self._pace.post * running)
