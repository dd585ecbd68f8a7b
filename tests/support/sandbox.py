"""A `chom-bot sandbox` as a person has it: a process of its own, driven through its HTTP API alone."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from bot.sandbox.keep import MARKER, any_port

Json = dict[str, Any]


class Sandbox:
    """Acts and looks. `directory` is the sandbox's own."""

    def __init__(self, http: aiohttp.ClientSession, address: str, directory: Path, pid: int) -> None:
        self._http, self.address, self.directory, self.pid = http, address, directory, pid

    def children(self) -> list[int]:
        """The process ids of what the sandbox started itself."""
        found = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="utf-8")
        return [int(pid) for pid in found.split()]

    async def get(self, what: str) -> Json:
        async with self._http.get(f"{self.address}/sandbox/{what}") as answer:
            return await answer.json()

    async def text(self, url: str) -> str:
        """What is there, with the bot's token, as Slack wants it for a file."""
        async with self._http.get(url, headers={"Authorization": "Bearer xoxb-sandbox"}) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.text()

    async def post(self, what: str, **body: Any) -> Json:
        """Raises AssertionError with the sandbox's sentence where it refuses."""
        async with self._http.post(f"{self.address}/sandbox/{what}", json=body) as answer:
            said = await answer.json()
            assert answer.status == 200, said
            return said

    async def command(self, user: str, text: str) -> None:
        """Type it in the channel; the bot has to acknowledge it."""
        said = await self.post("command", user=user, channel="deploys", text=text)
        assert said["outcome"] == "acked", said

    async def click(self, user: str, card: Json, action_id: str) -> None:
        """Press a button of the card."""
        value = buttons(card)[action_id]
        click = {"channel": "deploys", "ts": card["ts"], "action_id": action_id, "value": value}
        said = await self.post("click", user=user, **click)
        assert said["outcome"] == "acked", said

    async def fault(self, **spec: Any) -> Json:
        return await self.post("fault", **spec)

    async def until(self, holds: Callable[[Json], Any], what: str, seconds: float = 30) -> Any:
        """What `holds` gives of the state once it is true; AssertionError with the state where that never comes."""
        deadline = time.monotonic() + seconds
        while True:
            state = await self.get("state")
            found = holds(state)
            if found:
                return found
            assert time.monotonic() < deadline, f"{what}: not within {seconds} s\n{self.told(state)}"
            await asyncio.sleep(0.1)

    def told(self, state: Json) -> str:
        """The state and the end of the bot's log, for a failed test."""
        log = (self.directory / "bot.log").read_text(encoding="utf-8")[-6000:]
        return f"{json.dumps(state, indent=1)[-12000:]}\n--- bot.log\n{log}"

    async def card(self, title: str, seconds: float = 30) -> Json:
        """The newest card with that title, once it is there."""
        return await self.until(lambda state: newest_card(state, title), f"a card {title!r}", seconds)

    async def card_says(self, title: str, words: str, seconds: float = 30) -> Json:
        """The newest card with that title, once its text holds these words."""

        def holds(state: Json) -> Json | None:
            card = newest_card(state, title)
            return card if card and words in card["text"] else None

        return await self.until(holds, f"the card {title!r} says {words!r}", seconds)

    async def whisper(self, user: str, words: str, seconds: float = 10) -> str:
        """The text of an ephemeral to that person that holds these words, in its text or its blocks."""

        def holds(state: Json) -> str:
            found = [m for m in state["ephemerals"].get(user, []) if words in json.dumps(m, ensure_ascii=False)]
            return json.dumps(found[-1], ensure_ascii=False) if found else ""

        return await self.until(holds, f"{user} is told {words!r}", seconds)


def newest_card(state: Json, title: str) -> Json | None:
    """The newest top-level message of the channel whose text begins with the title."""
    top = [m for m in state["channels"]["deploys"] if m.get("thread_ts") in (None, m["ts"])]
    return next((m for m in reversed(top) if m["text"].startswith(title)), None)


def replies(state: Json, card: Json) -> list[Json]:
    """The messages of the card's thread."""
    return [m for m in state["channels"]["deploys"] if m.get("thread_ts") == card["ts"] != m["ts"]]


def thread(state: Json, card: Json) -> list[str]:
    """The texts of the card's thread."""
    return [m["text"] for m in replies(state, card)]


def buttons(card: Json) -> dict[str, str]:
    """Action id -> value of every button on the card."""
    found = [e for block in card["blocks"] if block["type"] == "actions" for e in block["elements"]]
    return {element["action_id"]: element.get("value", "") for element in found}


def server(state: Json, name: str = "production") -> Json:
    """One server as the state shows it."""
    return next(one for one in state["servers"] if one["name"] == name)


def is_gone(pid: int) -> bool:
    """Whether there is no such process, or only its zombie."""
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or ") Z " in stat.read_text(encoding="utf-8")


async def until(holds: Callable[[], bool], seconds: float = 5) -> None:
    """Until it holds; AssertionError where that takes longer."""
    for _ in range(int(seconds / 0.02)):
        if holds():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"not within {seconds} s")


@asynccontextmanager
async def running(
    directory: Path, killed: bool = False, rules: str = "", options: Sequence[str] = ("--visits", "20")
) -> AsyncIterator[Sandbox]:
    """A sandbox in that directory, ready to be typed to; stopped with SIGINT, where the test has not `killed` it.

    `rules` is a table of its own, in the place of the sandbox's; `options` are further ones of the command.
    """
    if rules:
        _put_rules(directory, rules)
    port = any_port()
    command = [sys.executable, "-m", "bot", "sandbox", "--port", str(port), "--dir", str(directory), *options]
    log = directory.with_suffix(".out")
    process = _started(command, log)
    try:
        async with aiohttp.ClientSession() as http:
            sandbox = Sandbox(http, f"http://127.0.0.1:{port}", directory, process.pid)
            await _ready(sandbox, process, log)
            yield sandbox
        process.send_signal(signal.SIGINT)
        assert await asyncio.to_thread(process.wait, 30) == (-signal.SIGKILL if killed else 0), _end_of(log)
    finally:
        process.kill()
        process.wait()


def _put_rules(directory: Path, rules: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / MARKER).touch()
    (directory / "my-rules.toml").write_text(rules, encoding="utf-8")


def _started(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("w") as out:
        return subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, process_group=0)


def _end_of(log: Path) -> str:
    return log.read_text(encoding="utf-8")[-6000:]


async def _ready(sandbox: Sandbox, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until the bot answers a command."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            said = await sandbox.post("command", user="cto", channel="deploys", text="help")
        except aiohttp.ClientError:
            said = {}
        if said.get("outcome") == "acked":
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"the sandbox does not come up:\n{_end_of(log)}")
