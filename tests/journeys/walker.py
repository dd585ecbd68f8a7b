"""The real bot in processes that kill or stop themselves at a named point: python -m tests.journeys.walker.

This process has everything imported and forks a bot, or a command of chom-bot, for each order, which costs milliseconds
where a start costs a second; to the fork SIGKILL is as real. Orders and answers are JSON lines. All that it started
ends with it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import bot.work.delivery  # noqa: F401  imported late by a bot; here once for all forks
from actions.engine.analysis import Scrape, Totals
from actions.engine.artifacts import artifacts
from actions.engine.fleet import Request
from actions.engine.plan import Plan, Watch
from bot.app import Bot, build
from bot.cli import cli
from bot.config import Settings, load
from bot.desk import late
from bot.desk.desk import Desk, Refusal
from bot.desk.planning import Planning
from bot.evidence import Freshness
from bot.serving.repeated import repeated
from bot.store import Store
from bot.work import Work
from tests.journeys.points import HitHosts, HitStore, Points

AT_MOST = 40.0
"""Seconds after which a bot that is still there has failed."""
ENVIRONMENT = "production"


@dataclass(frozen=True, slots=True)
class Brisk(Planning):
    """The real planning; only the check from outside is over in a second and not in a minute."""

    async def plan(self, text: str, at: datetime) -> tuple[Request, Plan]:
        request, plan = await Planning.plan(self, text, at)
        quick = [replace(s, seconds=1, every=0.05) if isinstance(s, Watch) else s for s in plan.steps]
        return request, replace(plan, steps=tuple(quick))


class Visits:
    """ports.Scrapes: what nginx would have counted by now at 400 requests a second, half of them the canary's."""

    async def scrape(self, hosts: Sequence[str]) -> tuple[Scrape, ...]:
        now = time.time()
        served = Totals(int((now - 1.7e9) * 200))
        return tuple(Scrape(host, now, served, served) for host in hosts)


@dataclass(slots=True)
class HitBot:
    """What bot.app builds, with points where it meets the world."""

    settings: Settings
    cross: Callable[[str], None] = field(default=lambda name: None)
    bot: Bot = field(init=False)
    store: Store = field(init=False)
    work: Work = field(init=False)
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        settings = self.settings
        shelf = artifacts(settings.artifacts, Path(settings.state_dir) / "artifacts")
        hosts = HitHosts(settings, shelf.open, self.cross)
        self.bot = build(settings, hosts=hosts, artifacts=shelf)
        self.store = HitStore(settings.redis_url, self.cross)
        world = replace(self.bot.world, journals=self.store, scrapes=Visits())
        self.work = Work(
            world,
            self.store,
            instance=settings.instance,
            redelivery=settings.redelivery,
            redis_url=settings.redis_url,
            on_expire=self.store.settle,
        )
        given = self.bot.desk.planning
        planning = Brisk(*(getattr(given, one.name) for one in fields(given)))
        self.desk = replace(self.bot.desk, planning=planning, store=self.store, work=self.work)

    async def walk(self) -> None:
        """Serve until no run of the environment is open."""
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.work.serve(stop))
            while await self.bot.store.open_run_of(ENVIRONMENT):  # noqa: ASYNC110  another process may end it
                await asyncio.sleep(0.02)
            stop.set()

    async def serve(self, change: str) -> None:
        """As bot.serving's serve without Slack, until the change's run has ended."""
        stop, fresh = asyncio.Event(), Freshness(self.desk.evidence, timedelta(seconds=1))
        async with asyncio.TaskGroup() as group:
            group.create_task(self.work.serve(stop))
            starts = group.create_task(repeated(late.LateStarts(self.desk).look, late.EVERY))
            read = group.create_task(repeated(fresh.look, fresh.pause))
            while not (await self.desk.view(change)).run.ended:  # noqa: ASYNC110  another process may end it
                await asyncio.sleep(0.02)
            starts.cancel()
            read.cancel()
            stop.set()

    async def act(self, what: str, change: str, *more: str) -> None:
        """Press a button as the Tech Lead; a refusal is an answer."""
        lead = self.settings.people["lead"]
        try:
            match what:
                case "serve":
                    await self.serve(change)
                case "approve":
                    digest = (await self.bot.store.change(change)).digest
                    await self.desk.approve(change, digest, lead, "unix:lead")
                case "stop":
                    await self.desk.stop(change, lead)
                case "answer":
                    step, host, choice = more
                    await self.desk.answer(change, step, host, choice, lead)
                case _:
                    raise AssertionError(what)
        except Refusal as refused:
            logging.info("refused: %s", refused.said)

    async def close(self) -> None:
        await self.bot.close()
        await self.store.close()


def settings_of(toml: str, redis_url: str, instance: str) -> Settings:
    """As the bot reads them."""
    return replace(load(Path(toml), {"CHOM_REDIS_URL": redis_url}), instance=instance)


async def _live(order: dict[str, Any]) -> None:
    bot = HitBot(settings_of(order["toml"], order["redis"], order["instance"]), Points(order).cross)
    async with asyncio.timeout(AT_MOST):
        if order["act"]:
            await bot.act(*order["act"])
        else:
            await bot.walk()
    await bot.close()


def _fork(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        log = os.open(
            order["said"] if "words" in order else order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600
        )
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        if "words" in order:
            status = _typed(order["words"], order["env"])
            return status
        logging.basicConfig(level=logging.INFO, format=f"%(asctime)s {order['instance']} %(name)s %(message)s")
        for noisy in ("asyncssh", "docket"):
            logging.getLogger(noisy).setLevel(logging.WARNING)
        asyncio.run(_live(order))
        status = 0
    except BaseException:  # noqa: BLE001  a fork ends here, whatever it was
        traceback.print_exc()
    finally:
        os._exit(status)


def _typed(words: list[str], env: dict[str, str]) -> int:
    """The command's exit status."""
    os.environ.clear()
    os.environ.update(env)
    sys.argv[1:] = words
    try:
        cli()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def main() -> None:
    """One order after another, until the test's process closes the pipe."""
    alive: set[int] = set()
    for line in sys.stdin:
        order = json.loads(line)
        if "poll" in order:
            pid, status = os.waitpid(order["poll"], os.WNOHANG)
            alive.discard(pid)
            answer = {"status": os.waitstatus_to_exitcode(status) if pid else None}
        else:
            pid = _fork(order)
            alive.add(pid)
            answer = {"pid": pid}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for pid in alive:
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
