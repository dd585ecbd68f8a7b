"""How long a person's command waits for its acknowledgement: the bot at work, against a bare Bolt app that only acks.

Commands come 50 a second on an open schedule: one that is late delays no other. The bot does for each what it does in
production (known again by its trigger id in Redis, answered at its response address, one in 25 asks a server over
SSH), while the peer does nothing after its ack.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from tests.bench import peer, serving
from tests.bench.ratio import Row
from tests.bench.senders import HttpSender, Json, Sender, SocketSender, listening
from tests.support.redis import free_port

RATE, SECONDS = 50, 2.0
ROUNDS = 7
GOAL = 1.1
BARE = "a bare Bolt app"
UNPOLLED = "the same, unpolled"
"""Bolt as it comes looks for the ack every 10 ms; with process_before_response, as the bot has it, it awaits it."""
_TEXTS = (*("help", "history") * 12, "status")


def percentile(values: list[float], part: float) -> float:
    """The smallest value that at least `part` of them do not exceed."""
    return sorted(values)[math.ceil(part * len(values)) - 1]


@dataclass(slots=True)
class _Figures:
    """A slice's p50 and p99 in milliseconds, a round each."""

    p50: list[float] = field(default_factory=list[float])
    p99: list[float] = field(default_factory=list[float])


async def _payloads(slack: str, count: int) -> list[Json]:
    query = [("text", text) for text in itertools.islice(itertools.cycle(_TEXTS), count)]
    async with aiohttp.ClientSession() as http, http.get(f"{slack}/bench/commands", params=query) as answer:
        return await answer.json()


async def _slice(slack: str, sender: Sender, seconds: float) -> list[float]:
    """Milliseconds to the ack of each command of one stretch of the schedule."""
    prepared = [sender.prepare(payload) for payload in await _payloads(slack, int(RATE * seconds))]
    begun, tasks = time.perf_counter(), []
    for number, one in enumerate(prepared):
        await asyncio.sleep(begun + number / RATE - time.perf_counter())
        tasks.append(asyncio.create_task(sender.send(one)))
    took = await asyncio.gather(*tasks)
    await asyncio.sleep(0.2)
    return took


async def _rounds(slack: str, senders: dict[str, Sender]) -> dict[str, _Figures]:
    """Every sender in turn, another one first each round."""
    for sender in set(senders.values()):
        await _slice(slack, sender, 1.0)
    figures = {name: _Figures() for name in senders}
    names = list(senders)
    for number in range(ROUNDS):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            took = await _slice(slack, senders[name], SECONDS)
            figures[name].p50.append(percentile(took, 0.5))
            figures[name].p99.append(percentile(took, 0.99))
    return figures


def _rows(how: str, figures: dict[str, _Figures], peer: str, named: str) -> list[Row]:
    ours, other, again = figures["ours"], figures[peer], figures[f"{peer} again"]
    return [
        Row(f"ack p50, {how} / {named}", "ms", ours.p50, other.p50, again.p50, GOAL),
        Row(f"ack p99, {how} / {named}", "ms", ours.p99, other.p99, again.p99, GOAL),
    ]


async def over_http(directory: Path) -> list[Row]:
    """p50 and p99 over signed HTTP, against Bolt as it comes and against Bolt told not to poll."""
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(serving.around(directory, {}))
        _, address, _ = await stack.enter_async_context(here.bot("http"))
        senders: dict[str, Sender] = {"ours": stack.enter_context(closing(HttpSender(address)))}
        for kind in ("bare", "unpolled"):
            port = free_port()
            command = ["-m", "tests.bench.peer", here.slack, "http", str(port), kind]
            _, said = await stack.enter_async_context(serving.started(command))
            await said()
            sender = stack.enter_context(closing(HttpSender(f"http://127.0.0.1:{port}")))
            senders |= {kind: sender, f"{kind} again": sender}
        figures = await _rounds(here.slack, senders)
    return [*_rows("HTTP", figures, "bare", BARE), *_rows("HTTP", figures, "unpolled", UNPOLLED)]


async def over_sockets(directory: Path) -> list[Row]:
    """p50 and p99 over Socket Mode, against the quicker of the two peers."""
    ours, other = SocketSender(), SocketSender()
    async with AsyncExitStack() as stack:
        sockets = await stack.enter_async_context(listening({serving.APP_TOKEN: ours, peer.APP_TOKEN: other}))
        here = await stack.enter_async_context(serving.around(directory, sockets))
        await stack.enter_async_context(here.bot("socket"))
        command = ["-m", "tests.bench.peer", here.slack, "socket", "0", "unpolled"]
        await stack.enter_async_context(serving.started(command))
        await asyncio.wait_for(asyncio.gather(ours.connected.wait(), other.connected.wait()), 15)
        figures = await _rounds(here.slack, {"ours": ours, "unpolled": other, "unpolled again": other})
    return _rows("Socket Mode", figures, "unpolled", UNPOLLED)
