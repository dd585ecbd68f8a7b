"""A bot that is killed with -9 in the middle of a deploy and started again at once: how soon its run goes on.

Measured from the kill to the first entry in the journal about a step (so after `took`), in a whole sandbox: servers
over SSH, Redis, Slack, and customers who go on buying. The floor under it is the start of an interpreter that imports
the same packages, measured in the same place once the deploy has ended.
"""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from actions.engine.journal import Ended, Entry, Started, Took
from bot.store import Store
from tests.bench import idle
from tests.bench.ratio import Row
from tests.bench.serving import until_ready
from tests.support.rules import one_lead_in_the_sandbox
from tests.support.sandbox import Sandbox, buttons, running

GOAL = 1.0
PATIENCE = 30.0
"""Seconds for each thing that is waited for."""
ROUNDS = tuple(
    (version, environment, step)
    for version, steps in (
        ("v1.0.1", ("stage", "health")),
        ("v1.1", ("switch", "stage")),
        ("v1.2", ("health", "switch")),
    )
    for environment, step in zip(("staging", "production"), steps, strict=True)
)
"""What is deployed where, and the step during which the bot is killed."""


@dataclass(slots=True)
class _Seconds:
    """Since the kill, a round each."""

    next_step: list[float] = field(default_factory=list[float])
    took: list[float] = field(default_factory=list[float])
    ready: list[float] = field(default_factory=list[float])


def _redis_url(directory: Path) -> str:
    """Of the sandbox, from the file that it writes for a shell."""
    found = re.search(r"^export CHOM_REDIS_URL='?([^'\n]+)", (directory / "env").read_text(encoding="utf-8"), re.M)
    assert found is not None
    return found[1]


def _listens(directory: Path) -> str:
    found = re.search(r'^listen = "([^"]+)"', (directory / "chom.toml").read_text(encoding="utf-8"), re.M)
    assert found is not None
    return f"http://{found[1]}"


async def _begun(sandbox: Sandbox, store: Store, version: str, environment: str) -> str:
    """Have it deployed: the run."""
    await sandbox.command("dev", f"deploy {version} to {environment}")
    card = await sandbox.card(f"Deploy {version} to {environment}")
    if "chom_approve" in buttons(card):
        await sandbox.click("lead", card, "chom_approve")
    async with asyncio.timeout(PATIENCE):
        while True:
            if run := await store.open_run_of(environment):
                return run
            await asyncio.sleep(0.005)


async def _entry_after(store: Store, run: str, known: int, kind: type[Entry], step: str = "") -> int:
    """The number of the first entry above `known` that is of that kind (and of that step), once it is there."""
    async with asyncio.timeout(PATIENCE):
        while True:
            for number, entry in enumerate(await store.read(run), start=1):
                if number > known and isinstance(entry, kind) and (not step or getattr(entry, "step", "") == step):
                    return number
            await asyncio.sleep(0.005)


async def _round(sandbox: Sandbox, store: Store, what: tuple[str, str, str], seconds: _Seconds) -> None:
    version, environment, step = what
    run = await _begun(sandbox, store, version, environment)
    known = await _entry_after(store, run, 0, Started, step)
    killed = time.perf_counter()
    await sandbox.fault(kill="bot")
    ready = asyncio.create_task(until_ready(_listens(sandbox.directory), killed))
    took = await _entry_after(store, run, known, Took)
    seconds.took.append(time.perf_counter() - killed)
    await _entry_after(store, run, took, object)
    seconds.next_step.append(time.perf_counter() - killed)
    seconds.ready.append(await ready)
    await _entry_after(store, run, took, Ended)
    await sandbox.card_says(f"Deploy {version} to {environment}", "Done.")


async def measure(directory: Path) -> list[Row]:
    """One row; its floor is measured between the rounds."""
    modules, seconds = idle.packages(), _Seconds()
    floor: tuple[list[float], list[float]] = ([], [])
    await idle.sleeper(modules)
    async with running(directory, rules=one_lead_in_the_sandbox()) as sandbox, AsyncExitStack() as stack:
        store = Store(_redis_url(directory))
        stack.push_async_callback(store.close)
        for what in ROUNDS:
            await _round(sandbox, store, what, seconds)
            for column in floor:
                column.append((await idle.sleeper(modules))[0])
    note = (
        f"taken over {median(seconds.took):.2f} s after the kill, ready for Slack after {median(seconds.ready):.2f} s; "
        f"killed during {', '.join(step for _, _, step in ROUNDS)}"
    )
    name = "kill -9 to next step - the same packages"
    return [Row(name, "s", seconds.next_step, *floor, GOAL, plus=True, note=note)]
