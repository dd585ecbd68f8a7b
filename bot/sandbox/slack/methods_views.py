"""The views.* methods: modals with their stack, and the app's Home."""

from __future__ import annotations

import secrets

from bot.sandbox.slack import people
from bot.sandbox.slack.blocks import checked_view
from bot.sandbox.slack.calls import Args, Method
from bot.sandbox.slack.errors import Json, SlackError, invalid_arguments
from bot.sandbox.slack.limits import Tier
from bot.sandbox.slack.workspace import Workspace

STACK_MOST = 3
UNSAID: Json = {
    "callback_id": "",
    "external_id": "",
    "private_metadata": "",
    "title": None,
    "submit": None,
    "close": None,
    "clear_on_close": False,
    "notify_on_close": False,
    "submit_disabled": False,
}
"""What a view has where its app says nothing."""


def make_view(ws: Workspace, view: Json, person: str, previous: Json | None = None) -> Json:
    """Store a checked view as a new one; on top of `previous` where that is given."""
    id = ws.memory.id("V")
    made: Json = {
        "id": id,
        "team_id": people.TEAM,
        "state": {"values": {}},
        "hash": _hash(ws),
        "root_view_id": previous["root_view_id"] if previous else id,
        "previous_view_id": previous["id"] if previous else None,
        "app_id": people.APP,
        "app_installed_team_id": people.TEAM,
        "bot_id": people.BOT,
        **UNSAID,
        **view,
        "user": person,
    }
    ws.memory.views[id] = made
    ws.memory.touch()
    return made


def change_view(ws: Workspace, old: Json, view: Json) -> Json:
    """Put a checked view in the place of another, under the same id; nothing of the other one stays."""
    old.pop("errors", None)
    old.update(UNSAID | view, hash=_hash(ws))
    ws.memory.touch()
    return old


def push_view(ws: Workspace, top: Json, view: Json) -> Json:
    """Put a checked view on top of another. Raises push_limit_reached."""
    root = top["root_view_id"]
    if sum(1 for held in ws.memory.views.values() if held["root_view_id"] == root) >= STACK_MOST:
        raise SlackError("push_limit_reached")
    return make_view(ws, view, top["user"], top)


def close_views(ws: Workspace, root: str) -> None:
    """Take a whole stack away."""
    for id in [id for id, view in ws.memory.views.items() if view["root_view_id"] == root]:
        del ws.memory.views[id]
    ws.memory.touch()


def public(view: Json) -> Json:
    """A view as an app may see it."""
    return {name: value for name, value in view.items() if name not in ("user", "errors")}


def _hash(ws: Workspace) -> str:
    return f"{int(ws.memory.now())}.{secrets.token_urlsafe(6)}"


def _given(args: Args, kind: str) -> Json:
    view = checked_view(args.parsed("view", "invalid_arguments"))
    if view["type"] != kind:
        raise SlackError("invalid_arguments", response_metadata={"messages": [f"[ERROR] view must be of type {kind}"]})
    return view


def open_view(ws: Workspace, args: Args) -> Json:
    """views.open."""
    view = _given(args, "modal")
    person, _ = ws.tickets.spend_trigger(args.need("trigger_id"))
    _refuse_twin(ws, view, None)
    for held in [held for held in ws.memory.views.values() if held["user"] == person and held["type"] == "modal"]:
        close_views(ws, held["root_view_id"])
    return {"view": public(make_view(ws, view, person))}


def push(ws: Workspace, args: Args) -> Json:
    """views.push: only with the trigger of what was done in a modal."""
    view = _given(args, "modal")
    _, top = ws.tickets.spend_trigger(args.need("trigger_id"))
    found = ws.memory.views.get(top)
    if found is None:
        raise SlackError("not_found")
    return {"view": public(push_view(ws, found, view))}


def update(ws: Workspace, args: Args) -> Json:
    """views.update by view id or external id; a view stays of its type."""
    wanted = args.text("view_id") or args.text("external_id")
    if not wanted:
        raise invalid_arguments("missing required field: view_id or external_id")
    for held in ws.memory.views.values():
        if wanted in (held["id"], held["external_id"]):
            view = _given(args, held["type"])
            if args.text("hash") not in ("", held["hash"]):
                raise SlackError("hash_conflict")
            _refuse_twin(ws, view, held)
            return {"view": public(change_view(ws, held, view))}
    checked_view(args.parsed("view", "invalid_arguments"))
    raise SlackError("not_found")


def publish(ws: Workspace, args: Args) -> Json:
    """views.publish: one Home a person."""
    to = people.BY_ID.get(args.need("user_id"))
    if to is None:
        raise SlackError("invalid_arguments", response_metadata={"messages": ["invalid `user_id`"]})
    view = _given(args, "home")
    if not ws.home:
        raise SlackError("not_enabled")
    held = next((one for one in ws.memory.views.values() if (one["type"], one["user"]) == ("home", to.name)), None)
    if args.text("hash") and (held is None or args.text("hash") != held["hash"]):
        raise SlackError("hash_conflict")
    _refuse_twin(ws, view, held)
    return {"view": public(change_view(ws, held, view) if held else make_view(ws, view, to.name))}


def _refuse_twin(ws: Workspace, view: Json, own: Json | None) -> None:
    """Raises duplicate_external_id where another view of the team has this one's."""
    wanted = view.get("external_id")
    if wanted and any(held["external_id"] == wanted for held in ws.memory.views.values() if held is not own):
        raise SlackError("duplicate_external_id")


METHODS = (
    Method("views.open", open_view, tier=Tier.FOUR),
    Method("views.push", push, tier=Tier.FOUR),
    Method("views.update", update, tier=Tier.FOUR),
    Method("views.publish", publish, tier=Tier.FOUR),
)
