"""The shapes of what Slack sends to an app: a command, a click, a submitted view, a request for options, an event."""

from __future__ import annotations

from bot.sandbox.slack import fields, people
from bot.sandbox.slack.errors import Json
from bot.sandbox.slack.methods_views import public
from bot.sandbox.slack.people import SlackPerson
from bot.sandbox.slack.tickets import Origin
from bot.sandbox.slack.workspace import Workspace

NOT_SENT = ("errors", "warning", "is_ephemeral", "channel")
"""What the stand-in keeps at a message and Slack does not send with it."""


def response_url(ws: Workspace, origin: Origin) -> str:
    """A fresh response address for what a person did."""
    return f"{ws.address}/actions/{people.TEAM}/{ws.tickets.hook(origin)}"


def channel(id: str) -> Json:
    """A conversation as payloads name it."""
    return {"id": id, "name": people.CHANNEL_NAME if id == people.CHANNEL else "directmessage"}


def command(ws: Workspace, who: SlackPerson, where: str, text: str) -> Json:
    """A slash command; every field is a string, as in a form."""
    return {
        "token": people.VERIFICATION_TOKEN,
        "team_id": people.TEAM,
        "team_domain": people.TEAM_DOMAIN,
        "channel_id": where,
        "channel_name": channel(where)["name"],
        "user_id": who.id,
        "user_name": who.name,
        "command": people.COMMAND,
        "text": text,
        "api_app_id": people.APP,
        "is_enterprise_install": "false",
        "response_url": response_url(ws, Origin(who.name, where)),
        "trigger_id": ws.tickets.trigger(who.name),
    }


def _interaction(kind: str, who: SlackPerson) -> Json:
    return {
        "type": kind,
        "user": {"id": who.id, "username": who.name, "name": who.name, "team_id": who.team},
        "api_app_id": people.APP,
        "token": people.VERIFICATION_TOKEN,
        "team": {"id": who.team, "domain": people.TEAM_DOMAIN if who.team == people.TEAM else "elsewhere"},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def message_container(where: str, message: Json) -> Json:
    """Where an element stands that is in a message."""
    made: Json = {
        "type": "message",
        "message_ts": message["ts"],
        "channel_id": where,
        "is_ephemeral": bool(message.get("is_ephemeral")),
    }
    return made | ({"thread_ts": message["thread_ts"]} if "thread_ts" in message else {})


def message_action(ws: Workspace, who: SlackPerson, where: str, message: Json, action: Json) -> Json:
    """block_actions of an element in a message; an ephemeral message itself is not sent along."""
    hidden = bool(message.get("is_ephemeral"))
    origin = Origin(who.name, where, message["ts"], hidden, str(message.get("thread_ts", "")))
    made: Json = _interaction("block_actions", who) | {
        "container": message_container(where, message),
        "trigger_id": ws.tickets.trigger(who.name),
        "channel": channel(where),
        "state": {"values": _entered(message, action)},
        "response_url": response_url(ws, origin),
        "actions": [action],
    }
    return made | ({} if hidden else {"message": _sent(message)})


def _entered(message: Json, action: Json) -> Json:
    """What stands in the message's selects and inputs, with what was chosen just now."""
    values = fields.state({"blocks": message.get("blocks", [])}, {})
    place = values.get(action["block_id"], {})
    if action["action_id"] in place:
        chosen = ("type", "value") if "value" in action else ("type", *(n for n in action if n.startswith("selected")))
        place[action["action_id"]] = {name: action[name] for name in chosen if name in action}
    return values


def _sent(message: Json) -> Json:
    return {name: value for name, value in message.items() if name not in NOT_SENT}


def message_place(where: str, message: Json) -> Json:
    """Where a select in a message stands, for a request for its options."""
    return {"container": message_container(where, message), "channel": channel(where), "message": _sent(message)}


def view_action(ws: Workspace, who: SlackPerson, view: Json, values: Json, action: Json) -> Json:
    """block_actions of an element in a modal or a Home."""
    return _interaction("block_actions", who) | {
        "container": {"type": "view", "view_id": view["id"]},
        "trigger_id": ws.tickets.trigger(who.name, view["id"]),
        "view": public(view) | {"state": {"values": values}},
        "actions": [action],
    }


def view_submission(ws: Workspace, who: SlackPerson, view: Json, values: Json) -> Json:
    """The submit button of a modal."""
    return _interaction("view_submission", who) | {
        "trigger_id": ws.tickets.trigger(who.name, view["id"]),
        "view": public(view) | {"state": {"values": values}},
        "response_urls": [],
    }


def view_closed(who: SlackPerson, view: Json, *, cleared: bool) -> Json:
    """The person closed a modal that wants to know; `cleared` where the whole stack went with it."""
    return _interaction("view_closed", who) | {"view": public(view), "is_cleared": cleared}


def suggestion(who: SlackPerson, container: Json, element: Json, block_id: str, query: str) -> Json:
    """A select asks for its options while the person types. `container` holds "view" or "message" and "channel" too."""
    return _interaction("block_suggestion", who) | {
        "action_id": element["action_id"],
        "block_id": block_id,
        "value": query,
        **container,
    }


def event(ws: Workspace, inner: Json) -> Json:
    """An event in its outer form."""
    return {
        "token": people.VERIFICATION_TOKEN,
        "team_id": people.TEAM,
        "api_app_id": people.APP,
        "context_team_id": people.TEAM,
        "context_enterprise_id": None,
        "event": inner,
        "type": "event_callback",
        "event_id": ws.memory.id("Ev"),
        "event_time": int(ws.memory.now()),
        "is_ext_shared_channel": False,
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": people.TEAM,
                "user_id": people.BOT_USER,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
    }


def home_opened(ws: Workspace, who: SlackPerson, view: Json | None) -> Json:
    """app_home_opened."""
    inner: Json = {
        "type": "app_home_opened",
        "user": who.id,
        "channel": who.direct,
        "tab": "home",
        "event_ts": ws.memory.stamp(),
    }
    return event(ws, inner | ({"view": public(view)} if view else {}))
