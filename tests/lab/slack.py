"""Slack for the lab: the sandbox's stand-in in a thread of the tests, driven over its HTTP API."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

from aiohttp import web

from bot.sandbox.api import make_app
from bot.sandbox.slack import SlackStandIn
from tests.support.still import StillWorld

Json = dict[str, Any]
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Slack:
    """What a person sees and does in the channel."""

    def __init__(self, port: int, told: Callable[[], str]) -> None:
        self.address, self._told = f"http://127.0.0.1:{port}", told

    def _call(self, path: str, body: Json | None = None) -> Json:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}/sandbox/{path}", data)
        try:
            with _DIRECT.open(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            raise AssertionError(refused.read().decode()) from None

    def state(self) -> Json:
        """Everything in the workspace, as GET /sandbox/state says it."""
        return self._call("state")

    def command(self, user: str, text: str) -> None:
        """Type `/chom text`; the bot has to acknowledge it."""
        said = self._call("command", {"user": user, "channel": "deploys", "text": text})
        assert said["outcome"] == "acked", (said, self._told())

    def click(self, user: str, card: Json, action: str) -> None:
        """Press a button of the card; the bot has to acknowledge it."""
        self._press(user, card, action, buttons(card)[action])

    def answer(self, user: str, title: str, choice: str) -> None:
        """Press that choice of the question on the newest card of that title, once it asks."""

        def asks(state: Json) -> tuple[Json, str] | None:
            card = newest_card(state, title)
            values = (
                [block["accessory"].get("value", "") for block in card["blocks"] if "accessory" in block]
                if card
                else []
            )
            value = next((value for value in values if value.endswith(f":{choice}")), "")
            return (card, value) if card and value else None

        card, value = self.until(asks, f"the card {title!r} offers {choice!r}")
        self._press(user, card, "chom_answer", value)

    def _press(self, user: str, card: Json, action: str, value: str) -> None:
        click = {"user": user, "channel": "deploys", "ts": card["ts"], "action_id": action, "value": value}
        said = self._call("click", click)
        assert said["outcome"] == "acked", (said, self._told())

    def fault(self, **spec: Any) -> None:
        """Break Slack, or end that."""
        self._call("fault", spec)

    def until(self, holds: Callable[[Json], Any], what: str, seconds: float = 60) -> Any:
        """What `holds` gives of the state once it is true; AssertionError with all there is where that never comes."""
        deadline = time.monotonic() + seconds
        while not (found := holds(state := self.state())):
            assert time.monotonic() < deadline, f"{what}: not within {seconds} s\n{_readable(state)}\n{self._told()}"
            time.sleep(0.1)
        return found

    def ready(self) -> None:
        """Until the bot answers."""

        def answered(state: Json) -> bool:
            said = self._call("command", {"user": "cto", "channel": "deploys", "text": "help"})
            return said["outcome"] == "acked"

        self.until(answered, "the bot answers")

    def card(self, title: str, seconds: float = 60) -> Json:
        """The newest card whose text begins so, once it is there."""
        return self.until(lambda state: newest_card(state, title), f"a card {title!r}", seconds)

    def card_says(self, title: str, words: str, seconds: float = 90) -> Json:
        """The newest card of that title, once its text holds these words."""

        def holds(state: Json) -> Json | None:
            card = newest_card(state, title)
            return card if card and words in card["text"] else None

        return self.until(holds, f"the card {title!r} says {words!r}", seconds)

    def whisper(self, user: str, words: str, seconds: float = 20) -> str:
        """What that person alone was told, the newest that holds these words."""

        def holds(state: Json) -> str:
            told = [json.dumps(m, ensure_ascii=False) for m in state["ephemerals"].get(user, [])]
            return next((text for text in reversed(told) if words in text), "")

        return self.until(holds, f"{user} is told {words!r}", seconds)

    def ask_and_approve(self, text: str, title: str, by: str = "lead") -> Json:
        """dev asks in the channel, the Tech Lead clicks Approve; the card."""
        before = {m["ts"] for m in self.state()["channels"]["deploys"]}

        def fresh(state: Json) -> Json | None:
            card = newest_card(state, title)
            return card if card and card["ts"] not in before and "chom_approve" in buttons(card) else None

        self.command("dev", text)
        card = self.until(fresh, f"a new card {title!r} to approve")
        self.click(by, card, "chom_approve")
        return card

    def thread(self, card: Json) -> list[str]:
        """The texts below a card."""
        return [m["text"] for m in self.state()["channels"]["deploys"] if m.get("thread_ts") == card["ts"] != m["ts"]]


def newest_card(state: Json, title: str) -> Json | None:
    """The newest top-level message whose text begins with the title."""
    top = [m for m in state["channels"]["deploys"] if m.get("thread_ts") in (None, m["ts"])]
    return next((m for m in reversed(top) if m["text"].startswith(title)), None)


def buttons(card: Json) -> dict[str, str]:
    """Action id -> value of every button on the card."""
    found = [e for block in card["blocks"] if block["type"] == "actions" for e in block["elements"]]
    return {element["action_id"]: element.get("value", "") for element in found}


def _readable(state: Json) -> str:
    lines = [f"{'    ' if m.get('thread_ts') not in (None, m['ts']) else ''}{m['text']}"
             for m in state["channels"]["deploys"]]  # fmt: skip
    told = [f"(to {user}) {m['text']}" for user, said in state["ephemerals"].items() for m in said[-3:]]
    return "\n".join([*lines, *told])


@contextlib.contextmanager
def slack(told: Callable[[], str]) -> Iterator[Slack]:
    """A Slack on a free port, gone afterwards. `told` is what a failed test wants to read besides."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="slack")
    thread.start()
    try:
        runner, port = asyncio.run_coroutine_threadsafe(_started(), loop).result(20)
        try:
            yield Slack(port, told)
        finally:
            asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(20)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _started() -> tuple[web.AppRunner, int]:
    runner = web.AppRunner(make_app(SlackStandIn(), StillWorld()), shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, int(runner.addresses[0][1])
