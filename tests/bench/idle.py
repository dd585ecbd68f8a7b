"""What the bot costs while nothing happens, and until it is ready, against an interpreter with the same packages.

Resident memory once it is ready and at rest, and the seconds from its start to /readyz saying ok.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import psutil

from tests.bench import serving
from tests.bench.ratio import Row

ROUNDS = 6
SETTLE = 3.0
"""Seconds from readiness to the look at its memory."""
MEMORY_GOAL, START_GOAL = 1.15, 0.5

_THEIRS = """
import json, sys
def theirs():
    own = {"bot", "actions", "policies", *sys.stdlib_module_names}
    return [name for name, module in list(sys.modules.items())
        if name.partition(".")[0] not in own and "site-packages" in (getattr(module, "__file__", None) or "")]
import bot.serving.serve
first = theirs()
import bot.work.delivery
print(json.dumps([first, [name for name in theirs() if name not in first]]))
"""
_SLEEPER = """
import importlib, json, sys, time
for said, names in zip(("ready", "at rest"), json.loads(sys.argv[1])):
    for name in names:
        importlib.import_module(name)
    print(said, flush=True)
time.sleep(600)
"""


def packages() -> str:
    """Every module of somebody else's that serving imports, and those that it imports once it is ready (docket's).

    As JSON, two lists in the order of their import.
    """
    return subprocess.run([sys.executable, "-c", _THEIRS], check=True, capture_output=True, text=True).stdout


async def sleeper(modules: str) -> tuple[float, float]:
    """Seconds until an interpreter has imported the first list, and its resident MiB once it has both.

    The bot is ready before docket is imported, so its start is held against an interpreter that has none either.
    """
    begun = time.perf_counter()
    async with serving.started(["-c", _SLEEPER, modules]) as (child, said):
        await said()
        took = time.perf_counter() - begun
        await said()
        await asyncio.sleep(0.3)
        return took, _resident(child.pid)


def _resident(pid: int) -> float:
    return psutil.Process(pid).memory_info().rss / (1 << 20)


async def measure(directory: Path) -> list[Row]:
    """Memory and start-up."""
    modules = packages()
    memory: tuple[list[float], list[float], list[float]] = ([], [], [])
    start: tuple[list[float], list[float], list[float]] = ([], [], [])
    async with serving.around(directory, {}) as here:
        await sleeper(modules)
        for _ in range(ROUNDS):
            async with here.bot("http") as (child, _, took):
                await asyncio.sleep(SETTLE)
                start[0].append(took)
                memory[0].append(_resident(child.pid))
            for column in (1, 2):
                took, resident = await sleeper(modules)
                start[column].append(took)
                memory[column].append(resident)
    return [
        Row("idle memory / the same packages imported", "MiB", *memory, MEMORY_GOAL),
        Row("start to ready - the same packages imported", "s", *start, START_GOAL, plus=True),
    ]
