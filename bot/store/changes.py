"""Changes and approvals in the store: what was asked, what was said of it, and where its card is."""

from __future__ import annotations

import secrets

from actions.engine.codec import dump, load
from bot.store.decisions import Decision, argv_of, keys_of
from bot.store.link import FEED_CAP, Part, check, redis_key, sets
from policies.change import Approval, Change, Refused, Word

REMEMBERED = 64
"""Changes that were read last."""


class Changes(Part):
    """The part of Store for what people see and decide."""

    _changes: dict[str, tuple[str, Change]]
    """Id -> the stored text, and the change that it is."""

    async def put_change(
        self, change: Change, *, asks: str = "", again_of: str = "", decision: Decision | None = None
    ) -> None:
        """Store it; it waits from now on. Raises Conflict where another change has its id.

        `asks` is what is the same for whoever asks for the same: AskedAlready where another one that does waits; and
        where `again_of` was asked for again already.
        """
        keys = [
            redis_key("change", change.id),
            *sets("waiting", change.environment),
            *sets("recent", change.environment),
            redis_key("feed"),
            *keys_of(change.id),
            redis_key("change", again_of or change.id),
        ]
        argv = [change.id, dump(change), change.digest, change.environment, change.at.timestamp(), FEED_CAP]
        argv += [*argv_of(decision), asks, again_of]
        check(*await self.link.script("put_change", keys, argv), change.id)

    async def change(self, id_: str) -> Change:
        """KeyError where there is none. What is asked for never changes, so it is taken from its text once."""
        text = await self.link.ask("HGET", redis_key("change", id_), "json")
        if text is None:
            raise KeyError(id_)
        known = self._changes.pop(id_, None)
        change = known[1] if known and known[0] == text else load(Change, text)
        self._changes[id_] = (text, change)
        while len(self._changes) > REMEMBERED:
            self._changes.pop(next(iter(self._changes)))
        return change

    async def approvals(self, id_: str) -> tuple[tuple[Approval, ...], int]:
        """What was said of it, oldest first, and the rev to add the next one at."""
        texts = await self.link.ask("LRANGE", redis_key("approvals", id_), 0, -1)
        return tuple(load(Approval, text) for text in texts), len(texts)

    async def asked_again(self, id_: str) -> str:
        """The change that asks again for this one, "" where none does."""
        return await self.link.ask("HGET", redis_key("change", id_), "again") or ""

    async def add_approval(self, id_: str, approval: Approval, rev: int, decision: Decision | None = None) -> None:
        """Add it as number rev+1. Raises Conflict where somebody was first, or the change was started or refused.

        A rejection of the change's own digest bars open_run from then on.
        """
        change = await self.change(id_)
        bars = approval.word is Word.REJECT and approval.digest == change.digest
        keys = [redis_key("change", id_), redis_key("approvals", id_), redis_key("journal", id_), redis_key("feed")]
        keys += keys_of(id_)
        argv = [id_, dump(approval), rev, "reject" if bars else "", FEED_CAP, *argv_of(decision)]
        check(*await self.link.script("add_approval", keys, argv), id_)

    async def settle(self, id_: str) -> None:
        """It waits no longer (rejected, expired); whoever shows it looks again. KeyError where there is none."""
        await self._settle(id_, "")

    async def refuse(self, id_: str, refused: Refused, decision: Decision | None = None) -> bool:
        """It never starts, for this reason; the first reason stands. False where it was started already."""
        return await self._settle(id_, dump(refused), decision)

    async def refused(self, id_: str) -> Refused | None:
        """What `refuse` said of it."""
        text = await self.link.ask("HGET", redis_key("change", id_), "refused")
        return None if text is None else load(Refused, text)

    async def waiting(self, environment: str = "") -> list[str]:
        """Undecided changes, newest first; of one environment, or of all."""
        return await self.link.ask("ZREVRANGE", redis_key("waiting", environment), 0, -1)

    async def recent(self, environment: str = "", limit: int = 10) -> list[str]:
        """All changes, newest first; of one environment, or of all."""
        return await self.link.ask("ZREVRANGE", redis_key("recent", environment), 0, limit - 1)

    async def _settle(self, id_: str, refused: str, decision: Decision | None = None) -> bool:
        change = await self.change(id_)
        keys = [
            redis_key("change", id_),
            redis_key("journal", id_),
            *sets("waiting", change.environment),
            redis_key("feed"),
            *keys_of(id_),
        ]
        word, said = await self.link.script("settle", keys, [id_, refused, FEED_CAP, *argv_of(decision)])
        if word == "STARTED":
            return False
        check(word, said, id_)
        return True

    async def held(self, id_: str) -> int | None:
        """How many approvals it had when its start was last refused to whoever asked for it; None: it was not."""
        held = await self.link.ask("HGET", redis_key("change", id_), "held")
        return None if held is None else int(held)

    async def set_held(self, id_: str, approvals: int | None) -> None:
        """Note it; None where somebody asks for its start again."""
        if approvals is None:
            await self.link.ask("HDEL", redis_key("change", id_), "held")
        else:
            await self.link.ask("HSET", redis_key("change", id_), "held", approvals)
            await self.link.ask("XADD", redis_key("feed"), "MAXLEN", "~", FEED_CAP, "*", "change", id_)

    async def card(self, id_: str) -> tuple[str, str] | None:
        """The change's card: (channel, ts)."""
        channel, ts = await self.link.ask("HMGET", redis_key("change", id_), "channel", "ts")
        return (channel, ts) if channel and ts else None

    async def set_card(self, id_: str, channel: str, ts: str) -> None:
        """Remember where the card is."""
        await self.link.ask("HSET", redis_key("change", id_), "channel", channel, "ts", ts)

    async def shown(self, id_: str) -> str:
        """What a tail noted of what Slack shows of it, "" where nothing was noted."""
        return await self.link.ask("HGET", redis_key("change", id_), "shown") or ""

    async def set_shown(self, id_: str, note: str) -> None:
        """Note it."""
        await self.link.ask("HSET", redis_key("change", id_), "shown", note)

    async def thread_seq(self, id_: str) -> int:
        """How many journal entries the thread has told."""
        return int(await self.link.ask("HGET", redis_key("change", id_), "thread") or 0)

    async def set_thread_seq(self, id_: str, n: int, expect: int) -> bool:
        """Move it from `expect` to `n`; True for the one that did, who posts."""
        argv = [n, expect, secrets.token_hex(8)]
        word, _ = await self.link.script("set_thread_seq", [redis_key("change", id_)], argv)
        return word == "OK"
