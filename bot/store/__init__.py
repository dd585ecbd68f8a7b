"""What the bot remembers: changes, approvals, journals, fences and who holds what, in a Redis of its own.

Every write is one Lua script (bot/store/lua) or one command, and may be repeated when its answer was lost.

| key (all begin "chom:") | type   | what it holds                                                  | goes          |
|-------------------------|--------|----------------------------------------------------------------|---------------|
| change:ID               | hash   | json, digest, environment; refused, rejected, held;            | never         |
|                         |        | asks (the same for all who ask for it), again (who asks again) |               |
|                         |        | opener (token); channel, ts of the card; thread, threader      |               |
|                         |        | (token); shown; review                                         |               |
| approvals:ID            | list   | approvals as JSON; its length is their rev                     | never         |
| journal:RUN             | list   | entries as canonical JSON; entry n has index n-1               | never         |
| open                    | hash   | environment -> the run that holds it                           | field: Ended  |
| fences                  | hash   | environment -> its fence                                       | never         |
| holders                 | hash   | run -> the instance that had its lease last                    | field: Ended  |
| lease:RUN               | string | the instance that walks it now                                 | ttl           |
| waiting: waiting:ENV    | zset   | undecided changes by the time they were asked                  | when settled  |
| recent: recent:ENV      | zset   | all changes by the time they were asked                        | never         |
| reviews                 | zset   | emergencies that were started and not reviewed, by when        | when reviewed |
| evidence:ID             | hash   | kind -> evidence as JSON; kind:at, kind:said of the same       | never         |
| drills                  | hash   | id -> a drill that was recorded by hand, as JSON               | never         |
| watch:ENV               | string | how it was since the last good run there, as JSON              | never         |
| decisions:ID            | list   | who did what and when, as JSON; ID is "-" for no change        | never, capped |
| decisions               | stream | the same of all changes                                        | capped        |
| roster                  | hash   | what Slack last said of an account or a user group, as JSON    | never         |
| feed                    | stream | ids of the changes that something happened to                  | capped        |
| first:KEY               | string | somebody was here first (a token)                              | ttl           |
| spent:WHAT              | zset   | uses (tokens) of what Slack limits by the time they were made  | ttl           |
| homes                   | zset   | who opened their Home lately, by when                          | capped, ttl   |
| opened                  | stream | openings of Homes, for the tail                                | capped, ttl   |
| home:TEAM:USER          | string | what a Home is known to show                                   | ttl           |
| config:ID               | string | edits of an environment file, encrypted                        | ttl           |
| configs:ENV             | zset   | their ids by the time they were stored                         | capped, ttl   |
| instance:bot:NAME       | string | the process that serves under this name (store_instance.py)    | ttl           |
| instance:OTHER          | string | who does what only one bot does at a time (a tail)             | ttl           |

docket keeps its own keys under "chom:" followed by names that are not in this table (stream, queue, runs:…).
"""

from __future__ import annotations

import secrets

from bot.store.configs import Configs
from bot.store.decisions import Decisions
from bot.store.durable import NotDurable, Unsafe, check_durable, faults_of, notes_of
from bot.store.homes import Homes
from bot.store.link import Link, StoreDown, redis_key
from bot.store.proofs import Proofs
from bot.store.reviews import Reviews
from bot.store.runs import HELD, Runs

__all__ = ["NotDurable", "Store", "StoreDown", "Unsafe"]


class Store(Runs, Homes, Proofs, Decisions, Configs, Reviews):
    """The only one that speaks to the bot's Redis (beside docket).

    `patience` is for how many seconds a call waits for a Redis that is away before it raises StoreDown;
    a walker's appends wait for `walk_patience`. `held` bytes of journals are kept in memory at most, but for one.
    """

    def __init__(self, url: str, *, patience: float = 10.0, walk_patience: float = 120.0, held: int = HELD) -> None:
        self.link = Link(url, patience)
        self.walk_patience = walk_patience
        self._journals, self._held = {}, held
        self._changes = {}

    async def check_durable(self, accept_volatile: bool) -> None:
        """Refuse a Redis that may forget approvals or that anybody may write to. Raises NotDurable, StoreDown."""
        await check_durable(self.link, accept_volatile)

    async def faults(self, accept_volatile: bool) -> tuple[str, ...]:
        """All that `check_durable` would refuse, as sentences. Raises StoreDown."""
        return tuple(str(fault) for fault in await faults_of(self.link, accept_volatile))

    async def notes(self) -> tuple[str, ...]:
        """What is worth a look in this Redis. Raises StoreDown."""
        return await notes_of(self.link)

    async def ping(self) -> bool:
        """Whether Redis answers now."""
        try:
            return bool(await self.link.ask("PING", patience=0))
        except StoreDown:
            return False

    async def close(self) -> None:
        """Close the connections."""
        await self.link.close()

    async def feed(self, cursor: str, block_s: float) -> tuple[str, list[str]]:
        """Wait up to `block_s` for something to happen; the new cursor and the changes it happened to, oldest first.

        "$" as cursor means from now on; the returned cursor is never "$", so that nothing is missed between calls.
        """
        if cursor == "$":
            newest = await self.link.ask("XREVRANGE", redis_key("feed"), "+", "-", "COUNT", 1)
            cursor = newest[0][0] if newest else "0-0"

        found = await self.link.tail(redis_key("feed"), cursor, block_s)
        touched = list(dict.fromkeys(fields["change"] for _, fields in found))
        return (found[-1][0] if found else cursor), touched

    async def roster(self) -> dict[str, str]:
        """What Slack last said of accounts and user groups; "account:T1:U2" or "group:S3" -> JSON."""
        return await self.link.ask("HGETALL", redis_key("roster"))

    async def set_roster(self, about: str, text: str) -> None:
        """Keep it."""
        await self.link.ask("HSET", redis_key("roster"), about, text)

    async def first_time(self, key: str, ttl_s: float) -> bool:
        """True for one caller only, within so many seconds."""
        argv = [secrets.token_hex(8), int(ttl_s * 1000)]
        word, _ = await self.link.script("first_time", [redis_key("first", key)], argv)
        return word == "OK"

    async def spend(self, what: str, seconds: float) -> None:
        """Note one use of it, which counts for so many seconds; of all bots together."""
        await self.link.script("spend", [redis_key("spent", what)], [secrets.token_hex(8), int(seconds * 1000)])

    async def spent(self, what: str) -> list[float]:
        """How many seconds ago each of its uses was that may still count."""
        uses = await self.link.ask("ZRANGE", redis_key("spent", what), 0, -1, "WITHSCORES")
        seconds, micros = await self.link.ask("TIME")
        return [max(0.0, seconds + micros / 1e6 - float(at) / 1000) for at in uses[1::2]]
