"""One change on its way through a town, and what has to be true when its run has ended."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from actions.engine.fold import State, fold
from actions.engine.journal import Outcome
from bot.store import Store
from tests.journeys.town import CANARY, OLD_ID, BotProcess, Town
from tests.journeys.walker import ENVIRONMENT, HitBot, settings_of
from tests.runner.stories import check_journal
from tests.support.sshd import TestServer

Tried = Callable[[str, int], None]
KILLED = "points at which a real bot was killed with SIGKILL, over real SSH and Redis"


def around(what: str) -> tuple[str, str]:
    """The points before and after it."""
    return f"before {what}", f"after {what}"


async def crash(server: TestServer) -> None:
    """The machine loses everything that runs, and is back at once."""
    await server.kill()
    server.end_jobs()
    await server.start()


@dataclass
class Scene:
    """One change on its way, from servers that serve v1.1."""

    town: Town
    servers: list[TestServer]
    toml: str
    store: Store
    desk: HitBot
    run: str = ""
    green: str = ""
    """The id of the new release."""
    tried: list[str] = field(default_factory=list)
    """The points at which a bot was hit."""
    started: list[BotProcess] = field(default_factory=list)

    @classmethod
    async def make(
        cls, town: Town, version: str, hosts: int, approved: bool = True, rules: str = "", how: str = ""
    ) -> Scene:
        """Asked for by dev and, unless told otherwise, approved by lead."""
        town.begin_anew()
        servers = town.servers[:hosts]
        toml = str(town.toml(servers, rules))
        desk = HitBot(settings_of(toml, town.redis.url, "desk"))
        scene = cls(town, servers, toml, desk.bot.store, desk)
        view = await desk.desk.propose(f"deploy {version} {how}".rstrip(), desk.settings.people["dev"])
        scene.run, scene.green = view.change.id, str(view.change.plan.facts["release"])
        if approved:
            await desk.act("approve", scene.run)
            assert (await scene.state()).opened
        return scene

    @classmethod
    @asynccontextmanager
    async def of(
        cls, town: Town, version: str, hosts: int, approved: bool = True, rules: str = "", how: str = ""
    ) -> AsyncIterator[Scene]:
        """As `make`, and its bots gone afterwards."""
        scene = await cls.make(town, version, hosts, approved, rules, how)
        try:
            yield scene
        except BaseException:
            for server in scene.servers:
                await crash(server)  # what still runs is not to meet the next test
            raise
        finally:
            for bot in scene.started:
                await bot.reap()
            await scene.desk.close()

    # --- bots ----------------------------------------------------------------

    @property
    def log(self) -> str:
        """What the bots of this scene have logged."""
        path = self.town.directory / "bots.log"
        return path.read_text() if path.exists() else ""

    def start(
        self,
        *act: str,
        instance: str = "bot-1",
        only: Sequence[str] = ("",),
        hit: bool = True,
        number: signal.Signals = signal.SIGKILL,
    ) -> BotProcess:
        """A bot that walks, or does one act of the desk.

        It is hit at the first point that was not tried before and begins with one of `only`; not `hit`: nowhere.
        """
        note = self.town.directory / "point"
        note.unlink(missing_ok=True)
        answer = self.town.bots.order(
            toml=self.toml,
            redis=self.town.redis.url,
            instance=instance,
            act=list(act),
            known=self.tried,
            only=list(only),
            hit=hit,
            signal=number.name,
            note=str(note),
            log=str(self.town.directory / "bots.log"),
        )
        bot = BotProcess(self.town.bots, answer["pid"], note)
        self.started.append(bot)
        return bot

    async def hit(self, *act: str, at: str = "") -> str:
        """A bot that is killed at the first new point that begins so; the point, "" where it went to its end."""
        bot = self.start(*act, only=(at,))
        status = await bot.ended()
        assert status in (0, -signal.SIGKILL), f"{status}\n{self.log[-6000:]}"
        point = bot.hit_at() if status else ""
        assert point or not at, f"no bot came to {at!r}\n{self.log[-6000:]}"
        if point:
            self.tried.append(point)
        return point

    async def hit_everywhere(self) -> None:
        """One bot after another, each killed at a point where none was before, until one goes to the end."""
        while await self.hit():
            pass

    async def act(self, *act: str) -> None:
        """A desk that nothing happens to; what it refuses is refused."""
        assert await self.start(*act, hit=False).ended() == 0, self.log[-6000:]

    async def finish(self, instance: str = "bot-1") -> None:
        """A bot that nothing happens to walks to the end."""
        assert await self.start(instance=instance, hit=False).ended() == 0, self.log[-6000:]

    # --- what is true --------------------------------------------------------

    async def state(self) -> State:
        return fold(await self.store.read(self.run))

    async def until(self, holds: Callable[[State], object], seconds: float = 30) -> State:
        """The run, once that holds of it."""
        deadline = time.monotonic() + seconds
        while not holds(state := await self.state()):
            assert time.monotonic() < deadline, f"not within {seconds} s: {state}\n{self.log[-6000:]}"
            await asyncio.sleep(0.02)
        return state

    def begun(self, server: TestServer) -> list[str]:
        """ "STEP/WAY" of every job that was begun there by this run, each time it was; of whichever batch."""
        text = "".join(path.read_text() for path in server.logs.glob("deployment_*.log"))
        return [re.sub(r"\.\d+/", "/", job) for job in re.findall(rf"{self.run}/(\S+) begins: ", text)]

    async def check(self, outcome: Outcome, again: Sequence[str] = ()) -> State:
        """Ended so, unlocked, wholly new or wholly old, and no effect twice; `again` are jobs that were lost once."""
        entries = await self.store.read(self.run)
        try:
            state = fold(entries)
            assert state.ended is not None and state.ended.outcome is outcome
            check_journal(entries)
            assert await self.store.open_run_of(ENVIRONMENT) is None and await self.store.open_runs() == []
            for server in self.servers:
                self._check_server(server, state, again)
        except AssertionError as fault:
            told = "\n".join(str(entry) for entry in entries)
            fault.add_note(f"killed at {self.tried}\n{told}\n{self.log[-8000:]}")
            raise
        return state

    def _check_server(self, server: TestServer, state: State, again: Sequence[str]) -> None:
        done = state.ended is not None and state.ended.outcome is Outcome.DONE
        new = self.green
        assert server.served() == (new if done else OLD_ID), f"{server.name} serves {server.served()}"
        kept = {path.name for path in (server.www / "releases").iterdir()}
        assert kept == ({OLD_ID, new} if done else {OLD_ID})
        begun = Counter(self.begun(server))
        assert begun == {job: 2 if job in again else 1 for job in begun}, begun
        effects = Counter(server.effects())
        assert set(effects.values()) <= {1}, effects
        migrated = [effect for effect in effects if effect.startswith("migrated")]
        assert migrated == [f"migrated {name}" for name in state.applied if server is self.servers[0]]
        if done:
            assert set(begun) >= {f"{step}/forward" for step in ("stage", "health", "switch", "restart", "retain")}
            assert set(effects) >= {f"config:cache {new}", f"queue:restart {new}"}
        lines = (server.state / "activations.jsonl").read_text().splitlines()
        activated = Counter(json.loads(line)["release"] for line in lines)
        assert not (server.www / "shared/storage/framework/down").exists(), "users are told to come back"
        assert not (server.www / CANARY).is_symlink() and not list(server.root.glob("leases/lease/*")), "on the canary"
        switched, back = begun["switch/forward"], begun["switch/back"]
        assert (activated[new], activated[OLD_ID]) == (switched, 1 + back)
