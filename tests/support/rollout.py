"""One whole deploy to a farm: surveyed, planned, journalled in a real Redis, walked, and seen on every server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from actions import blue_green
from actions.engine.artifacts import CachedArtifacts, artifacts
from actions.engine.clock import SystemClock
from actions.engine.fleet import Environment, Fleet, Request
from actions.engine.fold import State
from actions.engine.journal import Opened
from actions.engine.plan import Probe, Watch
from actions.engine.ports import Hosts, Passed, World
from actions.engine.runner import walk
from bot.store import Store
from policies.change import Change, Requirement
from tests.support import releases
from tests.support.redis import redis_server


class Nobody:
    """ports.Prober where nothing is looked at from outside: a site of these servers there is not."""

    async def probe(self, probe: Probe) -> Passed:
        return Passed(True, "HTTP 200")


@dataclass
class Rollout:
    """Deploys v1.2 again and again, each time as a release of its own."""

    store: Store
    shelf: CachedArtifacts
    made: int = 0

    async def deploy(self, hosts: Hosts, names: tuple[str, ...], patience: float = 120.0) -> tuple[State, str]:
        """The run's end, and the id of the release that it brought. Raises what a survey raises."""
        artifact = await self.shelf.resolve("v1.2")
        probes = (Probe("https://shop.example/"),)
        environment = Environment("production", names, names[0], probes, keep=2, backup_days=0)
        self.made += 1
        at = datetime(2026, 11, 23, 22, tzinfo=UTC) + timedelta(seconds=self.made)
        fleet = Fleet(environment, tuple(await asyncio.gather(*(hosts.survey(name) for name in names))))
        again = replace(artifact, version=f"v1.2.{self.made}")
        plan = blue_green.plan(Request("deploy", "production", at), fleet, again)
        plan = replace(plan, steps=tuple(step for step in plan.steps if not isinstance(step, Watch)))
        change = Change(f"chg-{self.made:06}", "dev", "production", "deploy v1.2", "", at, plan, _free(), "ef" * 32)
        await self.store.put_change(change)
        await self.store.open_run(change, Opened(datetime.now(UTC), change.id, change.digest, "dev"))
        await walk(change.id, World(hosts, self.shelf, self.store, Nobody(), SystemClock(), patience=patience), "bot")
        return await self.store.state(change.id), f"{at:%Y%m%d_%H%M%S}"


def _free() -> Requirement:
    return Requirement(3, "Nobody has to approve it.", (), expires=timedelta(hours=4))


@asynccontextmanager
async def rollout(directory: Path, size: int, made: int = 0) -> AsyncIterator[Rollout]:
    """With an artifact of about so many bytes; `made` is how many deploys these servers have seen already."""
    async with AsyncExitStack() as stack:
        redis = stack.enter_context(redis_server(directory / "redis"))
        store = Store(redis.url)
        stack.push_async_callback(store.close)
        source = releases.source(directory / "source", {"v1.2": releases.release("v1.2", size=size)})
        yield Rollout(store, artifacts(str(source), directory / "cache"), made)
