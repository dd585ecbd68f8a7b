"""Runs in the store: journals, fences, the lock of an environment, and who walks what."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from actions.engine.codec import dump
from actions.engine.fold import State, fold
from actions.engine.journal import Ended, Entry, Opened
from actions.engine.ports import Fenced, RunRecord
from bot.store.changes import Changes
from bot.store.decisions import Decision, argv_of, keys_of
from bot.store.link import FEED_CAP, check, redis_key, sets
from bot.store.reviews import OPEN
from policies.change import Change, ChangeType

_ENTRY: TypeAdapter[Entry] = TypeAdapter(Entry)


REMEMBERED = 64
"""Journals that were read last, which are not read from their beginning again."""
HELD = 16 << 20
"""Bytes of their text at most: of a hundred talkative servers a journal has megabytes. The newest is always held."""


@dataclass(slots=True)
class Known:
    """A journal as it was last read, and its fold, which may be of less of it."""

    entries: list[Entry] = field(default_factory=list[Entry])
    last: str = ""
    """The text of the newest entry."""
    state: State = field(default_factory=State)
    size: int = 0
    """Bytes of its text."""


class Runs(Changes):
    """The part of Store for whoever walks; a run is its change, started."""

    _journals: dict[str, Known]
    _held: int

    async def open_run(self, change: Change, opened: Opened, decision: Decision | None = None) -> None:
        """Begin the run of this change: lock its environment and write entry 1, at once or not at all.

        Raises Occupied where the environment has an open run; Conflict where this change was started, refused or
        rejected already, or `opened.digest` is not the stored change's; KeyError where it was never stored.
        """
        keys = [redis_key("change", change.id), redis_key("journal", change.id), redis_key("open")]
        keys += [*sets("waiting", change.environment), redis_key("feed"), *keys_of(change.id), redis_key(OPEN)]
        argv = [change.id, change.environment, opened.digest, dump(opened), secrets.token_hex(8), FEED_CAP]
        emergency = change.requirement.type is ChangeType.EMERGENCY
        argv += [*argv_of(decision), opened.at.timestamp() if emergency else ""]
        check(*await self.link.script("open_run", keys, argv), change.id)

    async def open_runs(self) -> list[str]:
        """Runs that have not ended."""
        return sorted(await self.link.ask("HVALS", redis_key("open")))

    async def open_run_of(self, environment: str) -> str | None:
        """The run that holds the environment."""
        return await self.link.ask("HGET", redis_key("open"), environment)

    async def record(self, run: str) -> RunRecord:
        """The run's plan and when it was opened; KeyError where there is no such run."""
        change = await self.change(run)
        first = await self.link.ask("LINDEX", redis_key("journal", run), 0)
        opened = None if first is None else _ENTRY.validate_json(first)
        if not isinstance(opened, Opened):
            raise KeyError(run)
        return RunRecord(run, change.plan, opened.at)

    async def read(self, run: str) -> list[Entry]:
        """The journal, [] where nothing was started."""
        return list((await self._known(run)).entries)

    async def state(self, run: str) -> State:
        """The fold of the journal; seq 0 where nothing was started."""
        known = await self._known(run)
        if known.state.seq != len(known.entries):
            known.state = fold(known.entries[known.state.seq :], known.state)
        return known.state

    async def _known(self, run: str) -> Known:
        """The journal, of which only what is new is read: a journal grows, and is never written anew.

        A Redis that has lost its last second is told by the last entry, which does not stand there any more.
        """
        known = self._journals.pop(run, None) or Known()
        start = max(0, len(known.entries) - 1)
        texts = await self.link.ask("LRANGE", redis_key("journal", run), start, -1)
        if known.entries and texts[:1] == [known.last]:
            del texts[0]
        elif known.entries:
            known, texts = Known(), await self.link.ask("LRANGE", redis_key("journal", run), 0, -1)
        if texts:
            fresh = [_ENTRY.validate_json(text) for text in texts]
            size = known.size + sum(map(len, texts))
            known = Known([*known.entries, *fresh], texts[-1], known.state, size)
        self._journals[run] = known
        self._let_go()
        return known

    def _let_go(self) -> None:
        """Of the journals that were not read for longest, where there are too many or they are too long."""
        held = sum(known.size for known in self._journals.values())
        while len(self._journals) > REMEMBERED or (held > self._held and len(self._journals) > 1):
            held -= self._journals.pop(next(iter(self._journals))).size

    async def length(self, run: str) -> int:
        """How many entries its journal has."""
        return await self.link.ask("LLEN", redis_key("journal", run))

    async def fence(self, environment: str) -> int:
        """The environment's fence, 0 where it never had one."""
        return int(await self.link.ask("HGET", redis_key("fences"), environment) or 0)

    async def take_fence(self, environment: str, above: int) -> int:
        """max(the store's, above) + 1; every other fence is refused from now on."""
        argv = [environment, above]
        _, fence = await self.link.script("take_fence", [redis_key("fences")], argv, self.walk_patience)
        return int(fence)

    async def append(self, run: str, seq: int, entries: Sequence[Entry], fence: int | None) -> None:
        """Write entries as numbers seq+1…, all or none. Repeating it is safe: entries that stand there are known.

        Raises Fenced where `fence` is not the environment's, Conflict where the journal has moved on or the run has
        ended, KeyError where there is no such run. Waits out a Redis that is away, then raises StoreDown.
        """
        if not entries:
            return
        keys = [
            redis_key("journal", run),
            redis_key("change", run),
            redis_key("open"),
            redis_key("fences"),
            redis_key("feed"),
        ]
        keys += [redis_key("holders"), redis_key("lease", run)]
        ends = "1" if any(isinstance(entry, Ended) for entry in entries) else ""
        argv = [run, seq, "" if fence is None else fence, ends, FEED_CAP, *(dump(entry) for entry in entries)]
        word, said = await self.link.script("append", keys, argv, None if fence is None else self.walk_patience)
        if word == "FENCED":
            raise Fenced(fence or 0, int(said), "the store")
        check(word, said, run)

    # --- who walks what ------------------------------------------------------

    async def lease(self, run: str, instance: str, ttl_s: float) -> bool:
        """Take or renew the open run for so many seconds; False where another instance has it, or it has ended."""
        keys = [redis_key("lease", run), redis_key("holders"), redis_key("open"), redis_key("change", run)]
        word, _ = await self.link.script("lease", keys, [run, instance, int(ttl_s * 1000)])
        return word == "OK"

    async def leased(self, run: str) -> str | None:
        """The instance whose lease is alive."""
        return await self.link.ask("GET", redis_key("lease", run))

    async def release_lease(self, run: str, instance: str) -> None:
        """Give the lease back, where it is still this instance's."""
        await self.link.script("release", [redis_key("lease", run)], [instance])

    async def holder(self, run: str) -> str | None:
        """The instance that held the lease last; None once the run has ended."""
        return await self.link.ask("HGET", redis_key("holders"), run)

    async def hold_instance(self, name: str, owner: str, ttl_s: float, stale: str = "") -> str:
        """Hold the name for so many seconds, also where `stale` holds it; "" when held, else who holds it."""
        argv = [owner, int(ttl_s * 1000), stale]
        word, holder = await self.link.script("hold", [redis_key("instance", name)], argv)
        return "" if word == "OK" else holder

    async def release_instance(self, name: str, owner: str) -> None:
        """Give the name back, where it is still this owner's."""
        await self.link.script("release", [redis_key("instance", name)], [owner])
