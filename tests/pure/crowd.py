"""Many deploys at once on a clock that does not wait: what Slack is called with, and how far behind each card is."""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.sandbox.slack.errors import RateLimited
from bot.sandbox.slack.limits import Limits, Tier
from bot.tails.cards.turns import UPDATES, Life, Turn, Turns, Want
from bot.tails.pace import Pace

TICK = 0.05


STEPS = ((0.01, 1), (0.3, 2), (0.3, 1), (0.04, 2), (0.02, 2), (0.03, 2), (0.2, 1), (0.1, 2))
"""A blue-green deploy: the part of the time that each step takes, and on how many servers."""


@dataclass
class Deploy:
    """One change: asked at `asked`, decided at `decided` (its own start where nobody has to), over at `ended`."""

    id: str
    asked: float
    decided: float
    ended: float
    every: float = 0.0
    """Something changes every so many seconds or so; 0: as the steps of a deploy begin and end."""
    fails: bool = False
    moves: list[tuple[float, bool]] = field(default_factory=list[tuple[float, bool]])
    """(when, whether people wait to see it)."""
    shown: float = -1.0
    """The card shows everything up to then; -1 before it is posted."""
    told: float = 0.0

    def plan(self, dice: random.Random) -> None:
        moves = [(self.decided, True)] if self.decided > self.asked else []
        moves += [(at, False) for at in (self._restless(dice) if self.every else self._steps(dice))]
        self.moves = [*sorted(move for move in moves if move[0] < self.ended), (self.ended, True)]

    def _restless(self, dice: random.Random) -> Iterator[float]:
        now = self.decided
        while (now := now + dice.uniform(0.3, 2) * self.every) < self.ended:
            yield now

    def _steps(self, dice: random.Random) -> Iterator[float]:
        now = self.decided
        for part, hosts in STEPS:
            lasts = part * (self.ended - self.decided)
            for host in range(hosts):
                yield now + 0.01 * (host + 1)
                yield now + lasts * dice.uniform(0.6, 1)
            now += lasts

    def unseen(self, now: float) -> list[tuple[float, bool]]:
        return self._between(self.shown, now)

    def _between(self, after: float, now: float) -> list[tuple[float, bool]]:
        """The moves that came after that and until now."""
        first = bisect_right(self.moves, after, key=lambda move: move[0])
        return self.moves[first : bisect_right(self.moves, now, key=lambda move: move[0])]

    def wants(self, now: float) -> set[Want]:
        if self.shown < 0:
            return {Want.CARD}
        found = set[Want]()
        if unseen := self.unseen(now):
            found.add(Want.NEWS if any(news for _, news in unseen) else Want.PROGRESS)
        if self._between(max(self.told, self.decided), now):
            ended = self.ended <= now
            found.add(Want.ALARM if ended and self.fails else Want.END if ended else Want.THREAD)
        return found

    def life(self, now: float) -> Life:
        return Life.OVER if self.ended <= now else Life.GOES_ON if self.decided <= now else Life.WAITS


def deploy(id_: str, asked: float, decided: float, lasts: float, seed: int = 0) -> Deploy:
    """Its cards change as those of a blue-green deploy on two servers; one in four fails."""
    return Deploy(id_, asked, decided, decided + lasts, fails=seed % 4 == 1)


def restless(id_: str, begins: float, ends: float, every: float) -> Deploy:
    """Its card never stands still, and nobody had to approve it."""
    return Deploy(id_, begins, begins, ends, every)


@dataclass
class Outcome:
    """In seconds: the oldest that a card ever was within its stage, and the latest that a decision or an end came."""

    progress: float = 0.0
    news: float = 0.0
    posted: float = 0.0
    calls: Counter[str] = field(default_factory=Counter[str])
    refused: int = 0


class Crowd:
    """Plays the deploys against Slack's limits as the stand-in keeps them."""

    def __init__(self, deploys: list[Deploy], latency: float = 0.3, seed: int = 1) -> None:
        self._deploys = {one.id: one for one in deploys}
        self._turns, self._latency, self.now = Turns(Pace()), latency, 0.0
        self._limits = Limits(lambda: self.now)
        self._under_way: list[tuple[float, float, Turn]] = []
        dice = random.Random(seed)
        for one in deploys:
            one.plan(dice)
        self.outcome = Outcome()

    def play(self, until: float | None = None) -> Outcome:
        """To the end, or for so many seconds."""
        last = max(one.ended for one in self._deploys.values()) + 90 if until is None else until
        happenings = deque(
            sorted((at, one.id) for one in self._deploys.values() for at in (one.asked, *(at for at, _ in one.moves)))
        )
        while self.now < last:
            while happenings and happenings[0][0] <= self.now:
                self._turns.touch([happenings.popleft()[1]], self.now)
            self._answer()
            for id_ in self._turns.unseen(self.now):
                since, one = self._turns.looking(id_), self._deploys[id_]
                self._turns.looked(id_, one.wants(self.now), one.life(self.now), since)
            while turn := self._turns.pick(self.now):
                self._call(turn.want)
                self._under_way.append((self.now + self._latency, self.now, turn))
            self.now = min(last, self._next(happenings))
        if until is None:
            assert self._turns.idle and all(one.shown >= one.ended for one in self._deploys.values())
        return self.outcome

    def _next(self, happenings: deque[tuple[float, str]]) -> float:
        """As the tail itself does, it sleeps until there is something to do; no two looks are closer than a tick."""
        told = (happenings[0][0] if happenings else math.inf, *(due for due, _, _ in self._under_way))
        soon = self.now + TICK
        return soon if min(told) <= soon else max(soon, min(*told, self._turns.ready(self.now)))

    def _call(self, want: Want) -> None:
        method = "chat.update" if want in UPDATES else "chat.postMessage"
        self.outcome.calls[method] += 1
        try:
            self._limits.spend(method, Tier.THREE if want in UPDATES else Tier.SPECIAL)
            if want not in UPDATES:
                self._limits.post("C0")
        except RateLimited:
            self.outcome.refused += 1

    def _answer(self) -> None:
        for due, sent, turn in [one for one in self._under_way if one[0] <= self.now]:
            self._under_way.remove((due, sent, turn))
            one = self._deploys[turn.id]
            if turn.want is Want.CARD:
                self.outcome.posted = max(self.outcome.posted, self.now - one.asked)
                one.shown = sent
            elif turn.want in UPDATES:
                for at, news in one.unseen(sent):
                    age = self.now - at
                    if news:
                        self.outcome.news = max(self.outcome.news, age)
                    else:
                        self.outcome.progress = max(self.outcome.progress, age)
                one.shown = sent
            else:
                one.told = sent
            self._turns.done(turn, self.now)
