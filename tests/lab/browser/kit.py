"""An app that uses all of Block Kit: a modal with every element, a card with every block, a Home; and what it got."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp.test_utils import TestServer
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.api import make_app
from bot.sandbox.slack import SlackStandIn
from tests.support.still import StillWorld

Json = dict[str, Any]
VERSIONS = ("v1.2", "v1.1", "v1.0.1", "v1.0")


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text, "emoji": True}


def option(text: str, value: str = "", says: str = "") -> Json:
    made: Json = {"text": plain(text), "value": value or text}
    return made | ({"description": plain(says)} if says else {})


def confirm(title: str) -> Json:
    return {
        "title": plain(title),
        "text": plain("It is not undone."),
        "confirm": plain("Do it"),
        "deny": plain("Not yet"),
    }


def words(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def button(action: str, label: str, **more: Any) -> Json:
    return {"type": "button", "action_id": action, "text": plain(label), "value": action, **more}


def entry(name: str, label: str, element: Json, **more: Any) -> Json:
    return {"type": "input", "block_id": name, "label": plain(label), "element": {"action_id": name, **element}, **more}


STRATEGIES = [option("Blue-green", "bg", "Beside what is served, then all at once"), option("Canary", "canary")]
INPUTS: list[Json] = [
    entry("version", "Version", {"type": "external_select", "min_query_length": 0, "placeholder": plain("Search")}),
    entry(
        "place",
        "Environment",
        {
            "type": "static_select",
            "option_groups": [
                {"label": plain("Live"), "options": [option("production")]},
                {"label": plain("Tests"), "options": [option("staging"), option("preview")]},
            ],
            "initial_option": option("staging"),
        },
    ),
    entry("strategy", "Strategy", {"type": "radio_buttons", "options": STRATEGIES, "initial_option": STRATEGIES[0]}),
    entry("tell", "Tell", {"type": "checkboxes", "options": [option("The team"), option("Support")]}, optional=True),
    entry("who", "With", {"type": "multi_users_select"}, optional=True),
    entry("day", "Day", {"type": "datepicker", "initial_date": "2026-11-20"}),
    entry("hour", "Hour", {"type": "timepicker"}, optional=True),
    entry("count", "How many", {"type": "number_input", "is_decimal_allowed": False}, optional=True),
    entry("reason", "Reason", {"type": "plain_text_input", "multiline": True}, hint=plain("One sentence is enough.")),
]
MORE: Json = {
    "type": "section",
    "text": {"type": "mrkdwn", "text": "There is *more*."},
    "accessory": button("more", "More"),
}


def modal(title: str, blocks: list[Json], **more: Any) -> Json:
    return {"type": "modal", "title": plain(title), "close": plain("Cancel"), "blocks": blocks, **more}


FORM = modal("Deploy", [*INPUTS, MORE], submit=plain("Ask for it"), callback_id="form")
CARD: list[Json] = [
    {"type": "header", "text": plain("Everything there is")},
    {
        "type": "section",
        "text": {
            "type": "mrkdwn",
            "text": "*bold* _italic_ ~struck~ `code` <https://chom.example|a link> <@U0LEAD> <!here> :rocket:\n"
            "> a quote\n```\na block of code\n```\n<!date^1767225600^{date_long} at {time}|1 January 2026>",
        },
    },
    {"type": "section", "fields": [{"type": "mrkdwn", "text": f"*Field {n}*\nvalue"} for n in range(1, 5)]},
    {"type": "divider"},
    {
        "type": "actions",
        "elements": [
            button("go", "Go", style="primary", confirm=confirm("Go on?")),
            button("no", "No", style="danger"),
            {
                "type": "static_select",
                "action_id": "pick",
                "placeholder": plain("Pick"),
                "options": [option("one"), option("two")],
            },
            {"type": "overflow", "action_id": "rest", "options": [option("Copy"), option("Archive")]},
        ],
    },
    {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_list",
                "style": "ordered",
                "elements": [
                    {"type": "rich_text_section", "elements": [{"type": "text", "text": word, "style": {"bold": True}}]}
                    for word in ("first", "second")
                ],
            }
        ],
    },
    {
        "type": "image",
        "image_url": "https://chom.example/chart.png",
        "alt_text": "A chart of p95",
        "title": plain("p95"),
    },
    {"type": "context", "elements": [{"type": "mrkdwn", "text": "Small print · `abc1234`"}]},
]
HOME: Json = {
    "type": "home",
    "blocks": [
        {"type": "header", "text": plain("Waits for you")},
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": "*v1.2* to production"},
            "accessory": button("open", "Open", confirm=confirm("Open?")),
        },
        {"type": "divider"},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "Nothing else."}]},
    ],
}


class Built(StillWorld):
    """It has versions to deploy, and what is to be broken breaks."""

    async def fault(self, spec: Json) -> Json:
        return {}

    def info(self) -> Json:
        return {"versions": ["v1.0", "v1.2"], "first": "v1.2"}


@dataclass
class Kit:
    """The app, its Slack at `address`, and what people did."""

    address: str
    client: AsyncWebClient
    actions: list[Json] = field(default_factory=list[Json])
    submitted: list[Json] = field(default_factory=list[Json])
    views: list[str] = field(default_factory=list[str])

    card_ts: str = ""
    stop: Callable[[], Awaitable[None]] = field(default=lambda: asyncio.sleep(0))
    """End the sandbox under the page."""

    async def show(self) -> None:
        """Post the card, and publish Dana's Home."""
        posted = await self.client.chat_postMessage(channel="deploys", text="Everything there is.", blocks=CARD)
        self.card_ts = str(posted["ts"])
        await self.client.views_publish(user_id="U0DEV", view=HOME)

    async def publish(self, title: str) -> None:
        """Another Home for Dana."""
        await self.client.views_publish(
            user_id="U0DEV", view=HOME | {"blocks": [{"type": "header", "text": plain(title)}]}
        )

    async def change_card(self, text: str) -> None:
        """The card's end: no button any more."""
        await self.client.chat_update(channel="C0DEPLOYS", ts=self.card_ts, text=text, blocks=[words(text)])

    async def say_in_form(self, text: str) -> None:
        """Put a sentence over the fields of the form that was opened last."""
        await self.client.views_update(view_id=self.views[-1], view=FORM | {"blocks": [words(text), *FORM["blocks"]]})

    async def attach(self, name: str, content: str) -> str:
        """A file in the card's thread; the ts of the card."""
        await self.client.files_upload_v2(
            channel="C0DEPLOYS", thread_ts=self.card_ts, filename=name, title=name, content=content
        )
        return self.card_ts

    async def until(self, holds: Callable[[], bool], seconds: float = 5) -> None:
        """AssertionError where it does not hold in time."""
        for _ in range(int(seconds / 0.05)):
            if holds():
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"not within {seconds} s; {self.actions} {self.submitted}")

    def listen(self, app: AsyncApp) -> None:
        app.command("/chom")(self._command)
        app.options("version")(self._options)
        app.view("form")(self._submit)
        app.action("more")(self._more)
        for name in ("go", "no", "pick", "rest", "open"):
            app.action(name)(self._act)

    async def _command(self, ack: AsyncAck, body: Json, client: AsyncWebClient) -> None:
        await ack()
        opened = await client.views_open(trigger_id=body["trigger_id"], view=FORM)
        self.views.append(opened["view"]["id"])

    async def _options(self, ack: AsyncAck, body: Json) -> None:
        asked = body["value"]
        if asked == "fail":
            raise RuntimeError("no options today")
        found = [option(one) for one in VERSIONS if asked in one]
        await ack(option_groups=[{"label": plain("Newest first"), "options": found}] if found else [])

    async def _submit(self, ack: AsyncAck, view: Json) -> None:
        values = view["state"]["values"]
        if values["reason"]["reason"]["value"] == "because":
            await ack(response_action="errors", errors={"reason": "Say a little more."})
            return
        self.submitted.append(values)
        done = modal("Asked", [words("*Asked.* See the card.")])
        await ack(response_action="update", view=done)

    async def _more(self, ack: AsyncAck, body: Json, client: AsyncWebClient) -> None:
        await ack()
        await client.views_push(trigger_id=body["trigger_id"], view=modal("More", [words("This is more.")]))

    async def _act(self, ack: AsyncAck, action: Json) -> None:
        await ack()
        self.actions.append(action)


@asynccontextmanager
async def kit() -> AsyncIterator[Kit]:
    """It runs, over Socket Mode."""
    server = TestServer(make_app(SlackStandIn(limits=False), Built()), host="127.0.0.1")
    await server.start_server()
    address = f"http://127.0.0.1:{server.port}"
    made = Kit(address, AsyncWebClient("xoxb-sandbox", base_url=f"{address}/api/", trust_env_in_session=False))
    app = AsyncApp(client=made.client)
    made.listen(app)
    handler = AsyncSocketModeHandler(app, "xapp-sandbox")
    await handler.connect_async()
    made.stop = server.close
    try:
        yield made
    finally:
        await handler.close_async()
        await server.close()
