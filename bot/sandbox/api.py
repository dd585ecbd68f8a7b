"""The sandbox's one port: Slack's own addresses, the page, and an HTTP API with which a script does what people do."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

from aiohttp import web

from bot.sandbox import page
from bot.sandbox.slack import SlackStandIn, people
from bot.sandbox.slack.errors import Impossible, Json
from bot.sandbox.slack.suggest import flat

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
WATCH_SECONDS = 1.0
"""How often the page hears of the servers."""
CALM_SECONDS = 0.1
"""The least time between two looks at Slack that are sent to a page."""


class WorldPort(Protocol):
    """What the sandbox shows of the world around the bot, and how it breaks it."""

    def servers(self) -> list[Json]:
        """{name, environment, release, version, weights {stable, canary}, canary, traffic, releases}.

        `traffic` is {requests, failed, rps}.
        `releases` are {id, version, current: bool}, newest first; `canary` is {release, version} of its pool, None
        where that does not run.
        """
        ...

    def minutes(self) -> Json:
        """Server -> what its visitors got in each of the last sixty seconds: {by, failed, failed_by}.

        `by` and `failed_by` are {version: answers}.
        """
        ...

    def annotations(self) -> list[Json]:
        """What was written to Grafana, oldest first."""
        ...

    async def fault(self, spec: Json) -> Json:
        """Break something. Raises Impossible (or ValueError) with a sentence for what it does not know."""
        ...

    def behave(self, spec: Json) -> Json:
        """Change how a version treats its visitors. Raises Impossible with a sentence for what it does not know."""
        ...

    def info(self) -> Json:
        """What does not change, and the page says: all of it is optional.

        {chom_toml, bot_log: paths, versions: [names of the artifacts that are ready], first and broken: the versions
        that a newcomer is led to, shop: {version: {headline, colour}}, faults: [{label, spec, said, of}]}
        """
        ...


def make_app(slack: SlackStandIn, world: WorldPort) -> web.Application:
    """Everything on one port; closing the application closes the stand-in."""
    app = web.Application(middlewares=[_only_from_here], client_max_size=16 * 1024 * 1024)
    app.add_routes(slack.routes())
    api = _Api(slack, world)
    app.add_routes(api.routes())
    app.add_routes(page.routes())

    async def close(_: web.Application) -> None:
        await api.close()
        await slack.close()

    app.on_shutdown.append(close)
    return app


@web.middleware
async def _only_from_here(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Another site in the same browser must not act as a person here (rebound names, forged requests)."""
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"{request.scheme}://{request.host}":
        return _refused("Requests from other sites are refused.", 403)
    if request.path.startswith("/sandbox/") and urlsplit(f"//{request.host}").hostname not in LOOPBACK:
        return _refused("The sandbox answers only to localhost and 127.0.0.1.", 403)
    return await handler(request)


def _refused(sentence: str, status: int = 400) -> web.Response:
    return web.json_response({"error": sentence}, status=status)


Act = Callable[[Json], Awaitable[Json]]


class _Api:
    """The handlers of /sandbox/*."""

    def __init__(self, slack: SlackStandIn, world: WorldPort) -> None:
        self._slack = slack
        self._world = world
        self._closing = asyncio.Event()

    def routes(self) -> list[web.RouteDef]:
        acts: dict[str, Act] = {
            "command": self._command,
            "say": self._say,
            "click": self._click,
            "submit": self._submit,
            "dismiss": self._dismiss,
            "options": self._options,
            "home": self._home,
            "fault": self._fault,
            "shop": self._shop,
        }
        posts = [web.post(f"/sandbox/{name}", self._acting(act)) for name, act in acts.items()]
        looks = [
            web.get(f"/sandbox/{name}", look)
            for name, look in (("state", self._state), ("info", self._info), ("events", self._events))
        ]
        return [*posts, *looks]

    async def close(self) -> None:
        """Let every page that listens go."""
        self._closing.set()

    def _acting(self, act: Act) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def run(request: web.Request) -> web.Response:
            self._slack.learn_address(request)
            try:
                body: Any = json.loads(await request.text() or "{}")
            except ValueError:
                return _refused("The body has to be JSON.")
            if not isinstance(body, dict):
                return _refused("The body has to be a JSON object.")
            try:
                return web.json_response({"ok": True, **await act(cast("Json", body))})
            except (Impossible, ValueError) as impossible:
                return _refused(str(impossible))

        return run

    async def _command(self, body: Json) -> Json:
        text = _text(body, "text", empty=True)
        return {"outcome": await self._slack.acts.command(body.get("user"), body.get("channel"), text)}

    async def _say(self, body: Json) -> Json:
        thread = _text(body, "thread_ts", empty=True)
        return {"outcome": self._slack.acts.say(body.get("user"), body.get("channel"), _text(body, "text"), thread)}

    async def _click(self, body: Json) -> Json:
        acts, user, action, value = self._slack.acts, body.get("user"), _text(body, "action_id"), body.get("value")
        if body.get("view_id"):
            return {"outcome": await acts.click_view(user, _text(body, "view_id"), action, value, _values(body))}
        return {"outcome": await acts.click(user, body.get("channel"), _text(body, "ts"), action, value)}

    async def _submit(self, body: Json) -> Json:
        return {"outcome": await self._slack.acts.submit(body.get("user"), _text(body, "view_id"), _values(body))}

    async def _dismiss(self, body: Json) -> Json:
        return {"outcome": await self._slack.acts.dismiss(body.get("user"), _text(body, "view_id"))}

    async def _options(self, body: Json) -> Json:
        query, acts, user = _text(body, "value", empty=True), self._slack.acts, body.get("user")
        if body.get("view_id"):
            groups = await acts.suggest(user, _text(body, "view_id"), _text(body, "action_id"), query)
        else:
            where = (body.get("channel"), _text(body, "ts"), _text(body, "action_id"))
            groups = await acts.suggest_here(user, *where, query)
        return {"options": flat(groups), "option_groups": [group for group in groups if "label" in group]}

    async def _home(self, body: Json) -> Json:
        return {"outcome": await self._slack.open_home(body.get("user"))}

    async def _fault(self, body: Json) -> Json:
        if {"slack", "deliver", "socket"} & set(body):
            return await self._slack.fault(body)
        return await self._world.fault(body)

    async def _shop(self, body: Json) -> Json:
        return self._world.behave(body)

    async def _state(self, request: web.Request) -> web.Response:
        return web.json_response({**self._slack.snapshot(), **self._around()})

    def _around(self) -> Json:
        return {"servers": self._world.servers(), "annotations": self._world.annotations()}

    async def _info(self, request: web.Request) -> web.Response:
        """What does not change: people, team, command, and what the world says of itself."""
        members = [{"id": p.id, "name": p.name, "display": p.display, "title": p.title} for p in people.PEOPLE]
        return web.json_response(
            {
                "team": people.TEAM_NAME,
                "people": members,
                "names": {p.id: p.display for p in people.BY_ID.values()},
                "bot": {"id": people.BOT_USER, "display": "CHOM"},
                "channel": {"id": people.CHANNEL, "name": people.CHANNEL_NAME},
                "groups": {group.id: group.handle for group in self._slack.workspace.groups.values()},
                "command": people.COMMAND,
                "commands": list(self._slack.granted.commands),
                **self._world.info(),
            }
        )

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: "slack" whenever something happens there, "world" every second when it moved.

        To what /sandbox/state has, "slack" adds the bot's open `connections` and for how many seconds it is `down`
        yet, and "world" each server's `minutes`.
        """
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await stream.prepare(request)
        watchers = [asyncio.ensure_future(self._watch_slack(stream)), asyncio.ensure_future(self._watch_world(stream))]
        closing = asyncio.ensure_future(self._closing.wait())
        try:
            await asyncio.wait([*watchers, closing], return_when=asyncio.FIRST_COMPLETED)
        finally:
            closing.cancel()
            for task in watchers:
                task.cancel()
            await asyncio.gather(*watchers, return_exceptions=True)
        return stream

    async def _watch_slack(self, stream: web.StreamResponse) -> None:
        seen = -1
        while True:
            seen = await self._slack.memory.changed(seen)
            more = {"connections": len(self._slack.sockets.open), "down": self._slack.workspace.faults.down}
            await _send(stream, "slack", json.dumps(self._slack.snapshot() | more))
            await asyncio.sleep(CALM_SECONDS)

    async def _watch_world(self, stream: web.StreamResponse) -> None:
        last = ""
        for beat in itertools.count():
            now = json.dumps({**self._around(), "minutes": self._world.minutes()})
            if now != last or beat % 15 == 0:
                last = now
                await _send(stream, "world", now)
            await asyncio.sleep(WATCH_SECONDS)


async def _send(stream: web.StreamResponse, name: str, data: str) -> None:
    await stream.write(f"event: {name}\ndata: {data}\n\n".encode())


def _text(body: Json, name: str, *, empty: bool = False) -> str:
    value = body.get(name, "" if empty else None)
    if not isinstance(value, str) or not (value or empty):
        raise Impossible(
            f"“{name}” has to be a string" + ("" if empty else " that is not empty") + f"; it was {value!r}."
        )
    return value


def _values(body: Json) -> Json:
    values: Any = body.get("values") or {}
    if not isinstance(values, dict):
        raise Impossible("“values” has to be an object: block id or action id -> value.")
    return cast("Json", values)
