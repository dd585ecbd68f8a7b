"""One Web API call: its arguments from JSON, form or query, its token, scopes and limit, refused in Slack's order."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

from aiohttp import web

from bot.sandbox.slack import people
from bot.sandbox.slack.errors import Json, SlackError, invalid_arguments
from bot.sandbox.slack.limits import Tier
from bot.sandbox.slack.workspace import Workspace


class Kind(Enum):
    """Which token a method takes."""

    BOT = people.BOT_TOKEN
    APP = people.APP_TOKEN
    NONE = ""


_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
"""Of an argument; Slack ignores those that a method does not know."""


class Args:
    """A call's arguments as the app wrote them; values from a form or a query are strings."""

    def __init__(self, raw: Json) -> None:
        self.raw = {name: value for name, value in raw.items() if value is not None}

    def has(self, name: str) -> bool:
        """Whether it was given at all."""
        return name in self.raw

    def text(self, name: str, default: str = "") -> str:
        """A string. Raises invalid_arguments for anything else."""
        value = self.raw.get(name, default)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str):
            raise invalid_arguments(f"must provide a string [json-pointer:/{name}]")
        return value

    def need(self, name: str) -> str:
        """A string that has to be there. Raises invalid_arguments."""
        value = self.text(name)
        if not value:
            raise invalid_arguments(f"missing required field: {name}")
        return value

    def flag(self, name: str) -> bool:
        """true, "true" and "1" are true."""
        return self.raw.get(name) in (True, "true", "True", "1", 1)

    def whole(self, name: str, default: int, most: int) -> int:
        """A number from 1 to `most`. Raises invalid_arguments."""
        value = self.text(name, str(default))
        if not value.isdecimal() or not 1 <= int(value) <= most:
            raise invalid_arguments(f"must be between 1 and {most} [json-pointer:/{name}]")
        return int(value)

    def parsed(self, name: str, error: str) -> Any:
        """A JSON value, or a string that holds one. Raises `error` where it holds none."""
        value = self.raw.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError as broken:
            raise SlackError(error) from broken

    def listed(self, name: str, error: str) -> list[Any]:
        """A list, [] when it was not given. Raises `error` for anything else."""
        value = self.parsed(name, error)
        if value is None or value == "":
            return []
        if not isinstance(value, list):
            raise SlackError(error)
        return cast("list[Any]", value)


def page(args: Args, name: str, items: list[Json], key: str, default: int, most: int) -> Json:
    """One page of a list and the cursor of the next, "" at the end. Raises invalid_limit or invalid_cursor."""
    limit = args.text("limit", str(default)) or str(default)
    if not limit.isdecimal():
        raise SlackError("invalid_limit")
    size = min(int(limit) or default, most)
    first = 0
    if args.text("cursor"):
        keys = [str(item[key]) for item in items]
        try:
            first = keys.index(base64.b64decode(args.text("cursor"), validate=True).decode())
        except ValueError as broken:
            raise SlackError("invalid_cursor") from broken
    rest = items[first + size :]
    cursor = base64.b64encode(str(rest[0][key]).encode()).decode() if rest else ""
    return {name: items[first : first + size], "response_metadata": {"next_cursor": cursor}}


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the Web API. Where `json` is False, Slack does not look into a JSON body."""

    name: str
    run: Callable[[Workspace, Args], Json]
    kind: Kind = Kind.BOT
    scopes: tuple[str, ...] = ()
    """Any one of them is enough."""
    tier: Tier = Tier.SPECIAL
    json: bool = True


@dataclass(frozen=True, slots=True)
class Call:
    """One request: its token, its arguments, and what Slack would warn of."""

    token: str
    args: Args
    warnings: tuple[str, ...] = ()


def perform(workspace: Workspace, methods: dict[str, Method], name: str, call: Call) -> Json:
    """Run one call as Slack would. Raises SlackError or RateLimited."""
    method = methods.get(name)
    if method is None:
        raise SlackError("unknown_method", req_method=name)
    _admit(workspace, method, call.token)
    workspace.limits.spend(name, method.tier)
    body: Json = {"ok": True, **method.run(workspace, call.args)}
    if call.warnings:
        body["warning"] = ",".join(call.warnings)
        body["response_metadata"] = body.get("response_metadata", {}) | {"warnings": list(call.warnings)}
    return body


def _admit(workspace: Workspace, method: Method, token: str) -> None:
    if method.kind is Kind.NONE:
        return
    if not token:
        raise SlackError("not_authed")
    if token not in (people.BOT_TOKEN, people.APP_TOKEN):
        raise SlackError("invalid_auth")
    if token != method.kind.value:
        raise SlackError("not_allowed_token_type")
    if method.scopes and not set(method.scopes) & set(workspace.scopes):
        raise SlackError("missing_scope", needed=",".join(method.scopes), provided=",".join(workspace.scopes))


async def read(request: web.Request, methods: dict[str, Method]) -> Call:
    """What a request asks for. Raises SlackError for a body that cannot be read."""
    fields: Json = dict(request.query)
    fields.pop("token", None)  # Slack takes no token from an address
    method, warnings = methods.get(request.match_info["method"]), list[str]()
    if request.body_exists and request.method == "POST":
        kind = _kind(request)
        if kind == "application/json":
            body = await _json(request)
            fields |= body if method is None or method.json else {}
        elif kind != "text/plain":
            fields |= {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        form = kind in _FORMS
        if form == bool(request.charset):
            warnings.append("superfluous_charset" if form else "missing_charset")
    strange = [name for name in fields if not _NAME.fullmatch(name)]
    if strange:
        raise SlackError("invalid_arg_name")
    token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    return Call(token or str(fields.get("token", "")), Args(fields), tuple(warnings))


def _kind(request: web.Request) -> str:
    """The content type of a body. Raises SlackError for one that Slack does not read."""
    if "Content-Type" not in request.headers:
        raise SlackError("missing_post_type")
    if request.content_type not in (*_FORMS, "application/json", "text/plain"):
        raise SlackError("invalid_post_type")
    if request.charset and request.charset.lower() not in ("utf-8", "iso-8859-1"):
        raise SlackError("invalid_charset")
    return request.content_type


async def _json(request: web.Request) -> Json:
    try:
        body = json.loads(await request.text() or "{}")
    except ValueError as broken:
        raise SlackError("invalid_json") from broken
    if not isinstance(body, dict):
        raise SlackError("json_not_object")
    return cast("Json", body)
