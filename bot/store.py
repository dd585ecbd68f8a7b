"""What the bot remembers: changes, approvals, journals, fences and who holds what, in a Redis of its own.

Every write is one Lua script (bot/lua) or one command, and may be repeated when its answer was lost.

| key (all begin "chom:") | type   | what it holds                                                  | goes          |
|-------------------------|--------|----------------------------------------------------------------|---------------|
| change:ID               | hash   | json, digest, environment; refused, rejected; opener (token);  | never         |
|                         |        | channel, ts of the card; thread, threader (token); shown       |               |
| approvals:ID            | list   | approvals as JSON; its length is their rev                     | never         |
| journal:RUN             | list   | entries as canonical JSON; entry n has index n-1               | never         |
| open                    | hash   | environment -> the run that holds it                           | field: Ended  |
| fences                  | hash   | environment -> its fence                                       | never         |
| holders                 | hash   | run -> the instance that had its lease last                    | field: Ended  |
| lease:RUN               | string | the instance that walks it now                                 | ttl           |
| waiting: waiting:ENV    | zset   | undecided changes by the time they were asked                  | when settled  |
| recent: recent:ENV      | zset   | all changes by the time they were asked                        | never         |
| feed                    | stream | ids of the changes that something happened to                  | capped        |
| first:KEY               | string | somebody was here first (a token)                              | ttl           |
| instance:NAME           | string | the process that serves under this name (store_instance.py)    | ttl           |

docket keeps its own keys under "chom:" followed by names that are not in this table (stream, queue, runs:…).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from pydantic import TypeAdapter

from actions.engine.codec import dump, load
from actions.engine.journal import Ended, Entry, Opened
from actions.engine.ports import Conflict, Fenced, Occupied, RunRecord
from bot.store_link import Link, NotDurable, StoreDown, Unsafe, check_durable
from policies.change import Approval, Change, Refused, Word

__all__ = ["NotDurable", "Store", "StoreDown", "Unsafe"]

FEED_CAP = 10_000
"""About how many touches the feed keeps; a reader that is further behind starts from the oldest kept."""

_ENTRY: TypeAdapter[Entry] = TypeAdapter(Entry)


def _key(kind: str, name: str | None = None) -> str:
    return f"chom:{kind}" if name is None else f"chom:{kind}:{name}"


class Store:
    """The only one that speaks to the bot's Redis (beside docket).

    `patience` is for how many seconds a call waits for a Redis that is away before it raises StoreDown;
    a walker's appends wait for `walk_patience`.
    """

    def __init__(self, url: str, *, patience: float = 10.0, walk_patience: float = 120.0) -> None:
        self._link = Link(url, patience)
        self._walk_patience = walk_patience

    async def check_durable(self, accept_volatile: bool) -> None:
        """Refuse a Redis that may forget approvals or that anybody may write to. Raises NotDurable, StoreDown."""
        await check_durable(self._link, accept_volatile)

    async def ping(self) -> bool:
        """Whether Redis answers now."""
        try:
            return bool(await self._link.ask("PING", patience=0))
        except StoreDown:
            return False

    async def close(self) -> None:
        """Close the connections."""
        await self._link.close()

    # --- changes and approvals -----------------------------------------------

    async def put_change(self, change: Change) -> None:
        """Store it; it waits from now on. Raises Conflict where another change has its id."""
        keys = [_key("change", change.id), *self._sets("waiting", change), *self._sets("recent", change), _key("feed")]
        argv = [change.id, dump(change), change.digest, change.environment, change.at.timestamp(), FEED_CAP]
        self._check(*await self._link.script("put_change", keys, argv), change.id)

    async def change(self, id_: str) -> Change:
        """KeyError where there is none."""
        text = await self._link.ask("HGET", _key("change", id_), "json")
        if text is None:
            raise KeyError(id_)
        return load(Change, text)

    async def approvals(self, id_: str) -> tuple[tuple[Approval, ...], int]:
        """What was said of it, oldest first, and the rev to add the next one at."""
        texts = await self._link.ask("LRANGE", _key("approvals", id_), 0, -1)
        return tuple(load(Approval, text) for text in texts), len(texts)

    async def add_approval(self, id_: str, approval: Approval, rev: int) -> None:
        """Add it as number rev+1. Raises Conflict where somebody was first, or the change was started or refused.

        A rejection of the change's own digest bars open_run from then on.
        """
        change = await self.change(id_)
        bars = approval.word is Word.REJECT and approval.digest == change.digest
        keys = [_key("change", id_), _key("approvals", id_), _key("journal", id_), _key("feed")]
        argv = [id_, dump(approval), rev, "reject" if bars else "", FEED_CAP]
        self._check(*await self._link.script("add_approval", keys, argv), id_)

    async def settle(self, id_: str) -> None:
        """It waits no longer (rejected, expired); whoever shows it looks again. KeyError where there is none."""
        await self._settle(id_, "")

    async def refuse(self, id_: str, refused: Refused) -> bool:
        """It never starts, for this reason; the first reason stands. False where it was started already."""
        return await self._settle(id_, dump(refused))

    async def refused(self, id_: str) -> Refused | None:
        """What `refuse` said of it."""
        text = await self._link.ask("HGET", _key("change", id_), "refused")
        return None if text is None else load(Refused, text)

    async def waiting(self, environment: str = "") -> list[str]:
        """Undecided changes, newest first; of one environment, or of all."""
        return await self._link.ask("ZREVRANGE", _key("waiting", environment), 0, -1)

    async def recent(self, environment: str = "", limit: int = 10) -> list[str]:
        """All changes, newest first; of one environment, or of all."""
        return await self._link.ask("ZREVRANGE", _key("recent", environment), 0, limit - 1)

    async def _settle(self, id_: str, refused: str) -> bool:
        change = await self.change(id_)
        keys = [_key("change", id_), _key("journal", id_), *self._sets("waiting", change), _key("feed")]
        word, said = await self._link.script("settle", keys, [id_, refused, FEED_CAP])
        if word == "STARTED":
            return False
        self._check(word, said, id_)
        return True

    # --- runs ----------------------------------------------------------------

    async def open_run(self, change: Change, opened: Opened) -> None:
        """Begin the run of this change: lock its environment and write entry 1, at once or not at all.

        Raises Occupied where the environment has an open run; Conflict where this change was started, refused or
        rejected already, or `opened.digest` is not the stored change's; KeyError where it was never stored.
        """
        keys = [_key("change", change.id), _key("journal", change.id), _key("open")]
        keys += [*self._sets("waiting", change), _key("feed")]
        argv = [change.id, change.environment, opened.digest, dump(opened), secrets.token_hex(8), FEED_CAP]
        self._check(*await self._link.script("open_run", keys, argv), change.id)

    async def open_runs(self) -> list[str]:
        """Runs that have not ended."""
        return sorted(await self._link.ask("HVALS", _key("open")))

    async def open_run_of(self, environment: str) -> str | None:
        """The run that holds the environment."""
        return await self._link.ask("HGET", _key("open"), environment)

    async def record(self, run: str) -> RunRecord:
        """The run's plan and when it was opened; KeyError where there is no such run."""
        change = await self.change(run)
        first = await self._link.ask("LINDEX", _key("journal", run), 0)
        opened = None if first is None else _ENTRY.validate_json(first)
        if not isinstance(opened, Opened):
            raise KeyError(run)
        return RunRecord(run, change.plan, opened.at)

    async def read(self, run: str) -> list[Entry]:
        """The journal, [] where nothing was started."""
        texts = await self._link.ask("LRANGE", _key("journal", run), 0, -1)
        return [_ENTRY.validate_json(text) for text in texts]

    async def length(self, run: str) -> int:
        """How many entries its journal has."""
        return await self._link.ask("LLEN", _key("journal", run))

    async def fence(self, environment: str) -> int:
        """The environment's fence, 0 where it never had one."""
        return int(await self._link.ask("HGET", _key("fences"), environment) or 0)

    async def take_fence(self, environment: str, above: int) -> int:
        """max(the store's, above) + 1; every other fence is refused from now on."""
        argv = [environment, above]
        _, fence = await self._link.script("take_fence", [_key("fences")], argv, self._walk_patience)
        return int(fence)

    async def append(self, run: str, seq: int, entries: Sequence[Entry], fence: int | None) -> None:
        """Write entries as numbers seq+1…, all or none. Repeating it is safe: entries that stand there are known.

        Raises Fenced where `fence` is not the environment's, Conflict where the journal has moved on or the run has
        ended, KeyError where there is no such run. Waits out a Redis that is away, then raises StoreDown.
        """
        if not entries:
            return
        keys = [_key("journal", run), _key("change", run), _key("open"), _key("fences"), _key("feed")]
        keys += [_key("holders"), _key("lease", run)]
        ends = "1" if any(isinstance(entry, Ended) for entry in entries) else ""
        argv = [run, seq, "" if fence is None else fence, ends, FEED_CAP, *(dump(entry) for entry in entries)]
        word, said = await self._link.script("append", keys, argv, None if fence is None else self._walk_patience)
        if word == "FENCED":
            raise Fenced(fence or 0, int(said), "the store")
        self._check(word, said, run)

    # --- who walks what ------------------------------------------------------

    async def lease(self, run: str, instance: str, ttl_s: float) -> bool:
        """Take or renew the open run for so many seconds; False where another instance has it, or it has ended."""
        keys = [_key("lease", run), _key("holders"), _key("open"), _key("change", run)]
        word, _ = await self._link.script("lease", keys, [run, instance, int(ttl_s * 1000)])
        return word == "OK"

    async def leased(self, run: str) -> str | None:
        """The instance whose lease is alive."""
        return await self._link.ask("GET", _key("lease", run))

    async def release_lease(self, run: str, instance: str) -> None:
        """Give the lease back, where it is still this instance's."""
        await self._link.script("release", [_key("lease", run)], [instance])

    async def holder(self, run: str) -> str | None:
        """The instance that held the lease last; None once the run has ended."""
        return await self._link.ask("HGET", _key("holders"), run)

    async def hold_instance(self, name: str, owner: str, ttl_s: float, stale: str = "") -> str:
        """Hold the name for so many seconds, also where `stale` holds it; "" when held, else who holds it."""
        argv = [owner, int(ttl_s * 1000), stale]
        word, holder = await self._link.script("hold", [_key("instance", name)], argv)
        return "" if word == "OK" else holder

    async def release_instance(self, name: str, owner: str) -> None:
        """Give the name back, where it is still this owner's."""
        await self._link.script("release", [_key("instance", name)], [owner])

    # --- what watches --------------------------------------------------------

    async def feed(self, cursor: str, block_s: float) -> tuple[str, list[str]]:
        """Wait up to `block_s` for something to happen; the new cursor and the changes it happened to, oldest first.

        "$" as cursor means from now on; the returned cursor is never "$", so that nothing is missed between calls.
        """
        if cursor == "$":
            newest = await self._link.ask("XREVRANGE", _key("feed"), "+", "-", "COUNT", 1)
            cursor = newest[0][0] if newest else "0-0"

        found = await self._link.tail(_key("feed"), cursor, block_s)
        touched = list(dict.fromkeys(fields["change"] for _, fields in found))
        return (found[-1][0] if found else cursor), touched

    async def card(self, id_: str) -> tuple[str, str] | None:
        """The change's card: (channel, ts)."""
        channel, ts = await self._link.ask("HMGET", _key("change", id_), "channel", "ts")
        return (channel, ts) if channel and ts else None

    async def set_card(self, id_: str, channel: str, ts: str) -> None:
        """Remember where the card is."""
        await self._link.ask("HSET", _key("change", id_), "channel", channel, "ts", ts)

    async def shown(self, id_: str) -> str:
        """What a tail noted of what Slack shows of it, "" where nothing was noted."""
        return await self._link.ask("HGET", _key("change", id_), "shown") or ""

    async def set_shown(self, id_: str, note: str) -> None:
        """Note it."""
        await self._link.ask("HSET", _key("change", id_), "shown", note)

    async def thread_seq(self, id_: str) -> int:
        """How many journal entries the thread has told."""
        return int(await self._link.ask("HGET", _key("change", id_), "thread") or 0)

    async def set_thread_seq(self, id_: str, n: int, expect: int) -> bool:
        """Move it from `expect` to `n`; True for the one that did, who posts."""
        argv = [n, expect, secrets.token_hex(8)]
        word, _ = await self._link.script("set_thread_seq", [_key("change", id_)], argv)
        return word == "OK"

    async def first_time(self, key: str, ttl_s: float) -> bool:
        """True for one caller only, within so many seconds."""
        argv = [secrets.token_hex(8), int(ttl_s * 1000)]
        word, _ = await self._link.script("first_time", [_key("first", key)], argv)
        return word == "OK"

    # --- within --------------------------------------------------------------

    @staticmethod
    def _sets(kind: str, change: Change) -> tuple[str, str]:
        return _key(kind, ""), _key(kind, change.environment)

    @staticmethod
    def _check(word: str, said: str, id_: str) -> None:
        """Raise what the script answered, where it is not OK."""
        match word:
            case "OK":
                return
            case "MISSING":
                raise KeyError(id_)
            case "CONFLICT":
                raise Conflict(said)
            case "OCCUPIED":
                raise Occupied(said)
            case _:
                raise StoreDown(f"Redis answered {word} of {id_}, which this version of the bot does not know.")
