"""Whatever breaks in the middle of a deploy: it ends right, nothing is done twice, and the card ends true.

One table of everything that the sandbox can break; a fault without a row fails the test.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.breaking import FAULTS
from tests.support.rules import one_lead_in_the_sandbox
from tests.support.sandbox import Sandbox, buttons, newest_card, running, server, thread

Json = dict[str, Any]
CREWS = 4
"""Sandboxes that work through the table beside each other."""
ENDED = re.compile(r"Done[.:]|Turned back[.:]|Stopped")


@dataclass(frozen=True)
class Row:
    """Faults before the approval, in mid-deploy, what people do then, and what ends the fault."""

    before: tuple[Json, ...] = ()
    during: tuple[Json, ...] = ()
    meanwhile: Callable[[Sandbox], Awaitable[None]] | None = None
    after: tuple[Json, ...] = ()
    second_click: bool = False
    """The approver sees an error, and clicks again."""
    may_turn_back: bool = False
    """The deploy cannot always go on: then the old version serves, and the card says so."""
    visits_fail: bool = False
    """The fault itself is one that visitors see."""


async def a_moment(sandbox: Sandbox) -> None:
    await asyncio.sleep(1.5)


async def somebody_asks(sandbox: Sandbox) -> None:
    said = await sandbox.post("command", user="devops", channel="deploys", text="status")
    assert said["outcome"] == "operation_timeout"


TABLE = (
    Row(during=({"kill": "bot"},)),
    Row(during=({"kill": "bot"}, {"redis": "restart"}, {"cut": "production"})),
    Row(during=({"stop": "bot"},), meanwhile=a_moment, after=({"cont": "bot"},)),
    Row(during=({"cut": "production"}, {"socket": "cut"})),
    Row(during=({"freeze": "production", "seconds": 2},)),
    Row(during=({"host": "production", "down": 2},)),
    Row(during=({"disk": "production", "seconds": 2},), may_turn_back=True),
    Row(during=({"shop": "production", "seconds": 2},), may_turn_back=True, visits_fail=True),
    Row(before=({"github": "down", "seconds": 5},), during=({"prometheus": "down", "seconds": 5},)),
    Row(during=({"redis": "restart"},)),
    Row(during=({"slack": "down", "seconds": 60},), meanwhile=a_moment, after=({"slack": "up"},)),
    Row(during=({"slack": "down", "seconds": 2}, {"kill": "bot"})),
    Row(during=({"slack": "429", "seconds": 2},)),
    Row(during=({"slack": "500", "seconds": 2},)),
    Row(during=({"slack": "slow", "delay": 1, "seconds": 4},)),
    Row(during=({"slack": "lost", "count": 1},)),
    Row(before=({"deliver": "twice"},), after=({"deliver": "once"},)),
    Row(during=({"socket": "mute"},)),
    Row(during=({"socket": "half"},), meanwhile=somebody_asks),
    Row(before=({"socket": "unacked"},), second_click=True),
    Row(during=({"socket": "warning"},)),
    Row(during=({"socket": "refresh_requested"},), meanwhile=a_moment, after=({"socket": "link_disabled"},)),
)


def kind(spec: Json) -> str:
    """Which fault a spec is, whatever its seconds and its server."""
    key, value = next(iter(spec.items()))
    return f"{key} {value}" if key in ("slack", "deliver", "socket", "kill", "stop", "cont", "redis") else key


def test_every_fault_has_a_row() -> None:
    rows = {kind(spec) for row in TABLE for spec in (*row.before, *row.during, *row.after)}
    assert rows == {kind(fault.spec) for fault in FAULTS}


@pytest.mark.timeout(300)
async def test_each_fault_in_the_middle_of_a_deploy(tmp_path: Path) -> None:
    rows = asyncio.Queue[Row]()
    for row in TABLE:
        rows.put_nowait(row)
    failed: dict[str, str] = {}
    turn = asyncio.Lock()
    await asyncio.gather(*(work(tmp_path / f"box{number}", turn, rows, failed) for number in range(CREWS)))
    assert not failed, "\n\n".join(f"=== {what}\n{why}" for what, why in failed.items())


async def work(directory: Path, turn: asyncio.Lock, rows: asyncio.Queue[Row], failed: dict[str, str]) -> None:
    """One sandbox takes rows until there are none; they start in turn, and are given up after the first that fails."""
    async with AsyncExitStack() as stack:
        async with turn:
            sandbox = await stack.enter_async_context(running(directory, rules=one_lead_in_the_sandbox()))
        while not rows.empty():
            row = rows.get_nowait()
            try:
                await deployed_in_spite_of(sandbox, row)
            except Exception as wrong:  # noqa: BLE001  every row's failure is told
                failed[json.dumps([*row.before, *row.during, *row.after])] = f"{type(wrong).__name__}: {wrong}"
                return


async def deployed_in_spite_of(sandbox: Sandbox, row: Row) -> None:
    """One deploy of production with the row's faults in it, looked at from all sides when it has ended."""
    state = await sandbox.get("state")
    old = server(state)
    version = "v1.0.1" if old["version"] == "v1.0" else "v1.0"
    title = f"Deploy {version} to production"
    switched = len(activations(sandbox))
    for spec in row.before[:1] if not row.second_click else ():
        await sandbox.fault(**spec)
    await sandbox.command("dev", f"deploy {version}")
    card = await sandbox.until(lambda state: to_approve(state, title), f"a card {title!r} to approve")
    before = {m["ts"] for m in state["channels"]["deploys"]}
    began = {path: path.read_text() for path in logs(sandbox)}
    await approve(sandbox, row, card)
    await sandbox.until(lambda _: jobs(sandbox, began), "a job begins on the server")
    for spec in row.during:
        await sandbox.fault(**spec)
    if row.meanwhile is not None:
        await row.meanwhile(sandbox)
    for spec in row.after:
        await sandbox.fault(**spec)
    await sandbox.until(lambda state: ended_card(state, card["ts"]), "the card tells the end", 60)
    await sandbox.until(lambda state: tells_the_end(state, card), "the thread tells the end", 30)
    await answers_again(sandbox)
    state = await sandbox.get("state")
    ended = ended_card(state, card["ts"])
    assert ended is not None
    back = row.may_turn_back and "Turned back." in ended["text"]
    says = f"Turned back. {version} is not live" if back else f"Done. {version} is live on production."
    assert ended["text"].startswith(f"{title}. {says}"), ended["text"]
    now = server(state)
    assert (now["version"], now["release"] == old["release"]) == (old["version"] if back else version, back)
    assert row.visits_fail or now["traffic"]["failed"] == old["traffic"]["failed"], now["traffic"]
    assert {"chom_approve", "chom_stop"}.isdisjoint(buttons(ended))
    cards = [
        m for m in state["channels"]["deploys"] if m["ts"] not in before and m.get("thread_ts", m["ts"]) == m["ts"]
    ]
    assert [m["ts"] for m in cards if m.get("bot_id")] == [card["ts"]], [m["text"] for m in cards]
    said = thread(state, ended)
    assert len(said) == len(set(said)), said
    assert len(activations(sandbox)) == switched + (not back), "the traffic was switched once"
    twice = {job: count for job, count in jobs(sandbox, began).items() if count > 1}
    assert not twice or back, f"jobs that began twice: {twice}"


def tells_the_end(state: Json, card: Json) -> bool:
    return any(ENDED.search(text) for text in thread(state, card))


async def approve(sandbox: Sandbox, row: Row, card: Json) -> None:
    if not row.second_click:
        await sandbox.click("lead", card, "chom_approve")
        return
    for spec in row.before:
        await sandbox.fault(**spec)
    click = {
        "channel": "deploys",
        "ts": card["ts"],
        "action_id": "chom_approve",
        "value": buttons(card)["chom_approve"],
    }
    assert (await sandbox.post("click", user="lead", **click))["outcome"] == "operation_timeout"
    await answers_again(sandbox)
    await sandbox.post("click", user="lead", **click)


async def answers_again(sandbox: Sandbox) -> None:
    """The bot takes a command."""
    for _ in range(300):
        try:
            if (await sandbox.post("command", user="cto", channel="deploys", text="help"))["outcome"] == "acked":
                return
        except AssertionError:  # Slack is down
            pass
        await asyncio.sleep(0.1)
    raise AssertionError("the bot takes no command any more")


def to_approve(state: Json, title: str) -> Json | None:
    card = newest_card(state, title)
    return card if card and "chom_approve" in buttons(card) else None


def ended_card(state: Json, ts: str) -> Json | None:
    card = next(m for m in state["channels"]["deploys"] if m["ts"] == ts)
    return card if ENDED.search(card["text"]) else None


def logs(sandbox: Sandbox) -> list[Path]:
    return list((sandbox.directory / "production/logs").glob("deployment_*.log"))


def jobs(sandbox: Sandbox, before: dict[Path, str]) -> Counter[str]:
    """Job -> how often it began on production since then."""
    new = "".join(path.read_text()[len(before.get(path, "")) :] for path in logs(sandbox))
    return Counter(re.findall(r"(\S+) begins: ", new))


def activations(sandbox: Sandbox) -> list[str]:
    return (sandbox.directory / "production/state/activations.jsonl").read_text().splitlines()
