"""The stand-in as one thing: its routes, its memory, what people do in it, its faults and what a script sees of it."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.sandbox.slack import (
    methods_blocks,
    methods_chat,
    methods_conversations,
    methods_files,
    methods_lookup,
    methods_views,
    payloads,
    people,
)
from bot.sandbox.slack.acts import Acts
from bot.sandbox.slack.answers import receive_hook
from bot.sandbox.slack.calls import Args, Kind, Method, perform, read
from bot.sandbox.slack.carrier import Carrier, Outcome, Retry
from bot.sandbox.slack.carrier import Kind as Delivery
from bot.sandbox.slack.errors import Impossible, Json, RateLimited, SlackError
from bot.sandbox.slack.faults import Trouble
from bot.sandbox.slack.limits import Tier
from bot.sandbox.slack.signed import SignedHttp
from bot.sandbox.slack.sockets import Sockets
from bot.sandbox.slack.workspace import Workspace, name_of, workspace

EVENT_RETRIES = (0.0, 60.0, 300.0)
"""Seconds before the second, third and fourth try of an event that nobody acknowledged."""


class SlackStandIn:
    """A Slack with one team, five people, one channel and the CHOM app in it.

    `limits` switches the rate limits. `granted` is what the app was installed with, by default as its manifest says.
    `request_url` (one address for all, or one a kind) makes it deliver over signed HTTP instead of Socket Mode.
    `address` is its own base, learned from the first request where it is "". `now` is in seconds since 1970.
    `ack_seconds` and `retry_scale` shorten Slack's waits.
    """

    def __init__(
        self,
        *,
        limits: bool = True,
        granted: people.Granted | None = None,
        request_url: str | dict[Delivery, str] = "",
        address: str = "",
        now: Callable[[], float] = time.time,
        ack_seconds: float = 3.0,
        retry_scale: float = 1.0,
    ) -> None:
        self.granted = granted or people.Granted.shipped()
        self.workspace: Workspace = workspace(now, limits=limits, scopes=self.granted.scopes, home=self.granted.home)
        self.workspace.address = address
        self.memory = self.workspace.memory
        self.sockets = Sockets(self.workspace, ack_seconds)
        self.carrier: Carrier = self.sockets
        if request_url:
            addresses = dict.fromkeys(Delivery, request_url) if isinstance(request_url, str) else request_url
            self.carrier = SignedHttp(addresses, now, ack_seconds)
        self.acts = Acts(self.workspace, self.carrier)
        self._retry_scale = retry_scale
        self._tasks: set[asyncio.Task[None]] = set()
        self._methods = {method.name: method for method in (*self._own_methods(), *_METHODS)}

    def _own_methods(self) -> tuple[Method, ...]:
        def connections_open(ws: Workspace, args: Args) -> Json:
            return {"url": self.sockets.ticket()}

        return (Method("apps.connections.open", connections_open, kind=Kind.APP, tier=Tier.THREE),)

    def routes(self) -> list[web.RouteDef]:
        """The Web API, the sockets, the response addresses, the files and the permalinks."""
        return [
            web.route("*", "/api/{method}", self._api),
            web.get("/link/", self.sockets.link),
            web.post(f"/actions/{people.TEAM}/{{token}}", self._with(receive_hook)),
            web.post("/upload/v1/{file}", self._with(methods_files.receive)),
            web.get("/files/{file}", self._with(methods_files.show)),
            web.get("/archives/{channel}/{message}", _permalink),
        ]

    def _with(
        self, handler: Callable[[Workspace, web.Request], Awaitable[web.Response]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def run(request: web.Request) -> web.Response:
            if self.workspace.faults.hit(Trouble.DOWN, "") is not None:
                return web.Response(status=503, text="Service Unavailable")
            self.learn_address(request)
            return await handler(self.workspace, request)

        return run

    def learn_address(self, request: web.Request) -> None:
        """Where no address was given, the one under which a request came is its own."""
        if not self.workspace.address:
            self.workspace.address = f"http://{request.host}"

    async def _api(self, request: web.Request) -> web.Response:
        self.learn_address(request)
        name, faults = request.match_info["method"], self.workspace.faults
        for trouble, status in ((Trouble.DOWN, 503), (Trouble.BROKEN, 500)):
            if faults.hit(trouble, name) is not None:
                return web.Response(
                    status=status, text="<html>Slack is having trouble</html>", content_type="text/html"
                )
        busy = faults.hit(Trouble.BUSY, name)
        if busy is not None:
            return _limited(math.ceil(busy))
        await asyncio.sleep(faults.hit(Trouble.SLOW, name) or 0)
        wanted = self._methods[name].scopes if name in self._methods else ()
        headers = {"x-oauth-scopes": ",".join(self.workspace.scopes), "x-slack-req-id": self.memory.id("R")}
        headers |= {"x-accepted-oauth-scopes": ",".join(wanted)} if wanted else {}
        try:
            body = perform(self.workspace, self._methods, name, await read(request, self._methods))
        except RateLimited as limited:
            return _limited(limited.retry_after)
        except SlackError as refused:
            return web.json_response(refused.body(), headers=headers)
        if faults.hit(Trouble.LOST, name) is not None and request.transport is not None:
            request.transport.close()
        return web.json_response(body, headers=headers)

    async def open_home(self, user: object) -> Outcome:
        """A person opens the app's Home; the app hears of it if it subscribed."""
        who = self.acts.who(user)
        if who.standing is people.Standing.STRANGER:
            raise Impossible(f"{who.display} is in another workspace, where this app has no Home.")
        if "app_home_opened" in self.granted.events:
            home = [v for v in self.memory.views.values() if v["type"] == "home" and v["user"] == who.name]
            self._background(self._event(payloads.home_opened(self.workspace, who, next(iter(home), None))))
        return Outcome.ACKED

    async def _event(self, payload: Json) -> None:
        """Deliver an event until it is acknowledged: at once, and after Slack's three waits."""
        retry = Retry()
        for wait in (*EVENT_RETRIES, None):
            answer = await self.carrier.deliver(Delivery.EVENT, payload, self.workspace.faults.copies, retry)
            if answer.outcome is Outcome.ACKED or not answer.again or wait is None:
                return
            await asyncio.sleep(wait * self._retry_scale)
            retry = Retry(retry.number + 1, answer.reason)

    def _background(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def fault(self, spec: Json) -> Json:
        """Fail as told: {"slack": …}, {"deliver": …}, {"socket": …}. Raises Impossible."""
        if "socket" in spec:
            return self.sockets.fault(str(spec["socket"]))
        self.workspace.faults.set(spec)
        if self.workspace.faults.down:
            self.sockets.cut()
        self.memory.touch()
        return {"slack": "down" if self.workspace.faults.down else "up"}

    def snapshot(self) -> Json:
        """What /sandbox/state shows of Slack: channels by name, ephemerals by person, views."""
        channels = {name_of(id): held for id, held in self.memory.channels.items() if held or id == people.CHANNEL}
        return {
            "channels": channels,
            "ephemerals": self.memory.ephemerals,
            "views": list(self.memory.views.values()),
        }

    async def close(self) -> None:
        """End deliveries and connections."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.sockets.close()
        await self.carrier.close()


_METHODS = (
    *methods_blocks.METHODS,
    *methods_chat.METHODS,
    *methods_conversations.METHODS,
    *methods_lookup.METHODS,
    *methods_views.METHODS,
    *methods_files.METHODS,
)


def _limited(seconds: int) -> web.Response:
    body = {"ok": False, "error": "ratelimited"}
    return web.json_response(body, status=429, headers={"Retry-After": str(max(1, seconds))})


async def _permalink(request: web.Request) -> web.Response:
    raise web.HTTPFound(f"/#{request.match_info['channel']}/{request.match_info['message']}")
