"""The fields of what Slack answers and sends, against lists written from its documentation and its SDKs' records.

A list reads "always; now and then": all of the first have to be there, and nothing that is in neither.
"""

from __future__ import annotations

import asyncio
from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.sandbox.slack.people import Granted

Json = dict[str, Any]
EVERYTHING = Granted(
    scopes=(
        *Granted.shipped().scopes,
        *("channels:read", "im:read", "channels:history", "im:write", "team:read", "files:read", "users:read.email"),
    ),
    events=("app_home_opened",),
)
CHANNEL = {"channel": "C0DEPLOYS"}

USER = """id team_id name deleted color real_name tz tz_label tz_offset profile is_admin is_owner is_primary_owner
    is_restricted is_ultra_restricted is_bot is_app_user updated; is_email_confirmed who_can_share_contact_card has_2fa
    locale is_stranger is_workflow_bot is_invited_user is_connector_bot enterprise_user teams"""
PROFILE = """title phone skype real_name real_name_normalized display_name display_name_normalized status_text
    status_emoji status_expiration avatar_hash image_24 image_32 image_48 image_72 image_192 image_512 team;
    first_name last_name email fields status_text_canonical status_emoji_display_info image_original image_1024
    is_custom_image pronouns start_date api_app_id bot_id always_active guest_invited_by"""
GROUP = """id team_id is_usergroup name description handle is_external date_create date_update date_delete auto_type
    created_by updated_by deleted_by prefs; users user_count is_subteam auto_provision enterprise_subteam_id
    channel_count"""
TALK = """id name is_channel is_group is_im created creator is_archived is_general unlinked name_normalized is_shared
    is_ext_shared is_org_shared pending_shared is_pending_ext_shared is_member is_private is_mpim topic purpose
    previous_names; num_members last_read context_team_id updated parent_conversation shared_team_ids
    pending_connected_team_ids locale properties"""
DIRECT = "id created is_im is_org_shared user; is_archived context_team_id updated is_user_deleted priority last_read"
SAID = """type user ts text; team bot_id app_id bot_profile blocks thread_ts parent_user_id reply_count reply_users
    reply_users_count latest_reply is_locked subscribed subtype edited metadata reactions files upload display_as_bot
    root hidden"""
BOT_PROFILE = "id deleted name updated app_id icons team_id; user_id"
VIEW = """id team_id type title submit close blocks private_metadata callback_id external_id state hash clear_on_close
    notify_on_close root_view_id previous_view_id app_id bot_id; app_installed_team_id submit_disabled"""
FILE = """id created timestamp name title mimetype filetype pretty_type user editable size mode is_external
    external_type is_public public_url_shared display_as_bot username url_private url_private_download permalink
    permalink_public comments_count; user_team edit_link preview preview_highlight lines lines_more
    preview_is_truncated is_starred shares channels groups ims has_more_shares has_rich_preview file_access alt_txt"""
ACTOR = "id username name team_id"
INTERACTION = "type user api_app_id token team enterprise is_enterprise_install"
COMMAND = """token team_id team_domain channel_id channel_name user_id user_name command text api_app_id
    is_enterprise_install response_url trigger_id"""
EVENT = """token team_id api_app_id event type event_id event_time authorizations is_ext_shared_channel;
    context_team_id context_enterprise_id event_context"""


def fits(held: Json, listed: str) -> None:
    """Raises AssertionError with the fields that are too many or too few."""
    always, _, sometimes = listed.partition(";")
    lacking, strange = set(always.split()) - set(held), set(held) - set(always.split()) - set(sometimes.split())
    assert (lacking, strange) == (set(), set())


async def test_the_methods_that_look(start: Any) -> None:
    client = (await start(limits=False, granted=EVERYTHING)).client()
    fits((await client.auth_test()).data, "ok url team user team_id user_id bot_id is_enterprise_install")
    for id in ("U0LEAD", "U0GUEST", "U0STRANGER", "U0CHOM", "USLACKBOT"):
        user = (await client.users_info(user=id))["user"]
        fits(user, USER)
        fits(user["profile"], PROFILE)
    everybody = await client.users_list()
    fits(everybody.data, "ok members cache_ts response_metadata")
    fits(everybody["members"][0], USER)
    for group in (await client.usergroups_list(include_users=True, include_disabled=True))["usergroups"]:
        fits(group, GROUP)
        fits(group["prefs"], "channels groups")
    fits((await client.usergroups_users_list(usergroup="S0LEADS")).data, "ok users")
    talk = (await client.conversations_info(**CHANNEL, include_num_members=True))["channel"]
    fits(talk, TALK)
    fits(talk["topic"], "value creator last_set")
    assert "num_members" not in (await client.conversations_info(**CHANNEL))["channel"]
    fits((await client.conversations_list())["channels"][0], TALK)
    fits((await client.conversations_info(channel="D0DEV"))["channel"], DIRECT)
    opened = await client.conversations_open(users="U0DEV")
    fits(opened.data, "ok channel no_op already_open")
    fits(opened["channel"], "id")
    fits((await client.bots_info(bot="B0CHOM"))["bot"], "id deleted name updated app_id user_id icons")
    fits((await client.team_info())["team"], "id name domain email_domain icon; url is_verified avatar_base_url")


async def test_messages_and_files(start: Any) -> None:
    client = (await start(limits=False, granted=EVERYTHING)).client()
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "x"}}]
    metadata = {"event_type": "card", "event_payload": {}}
    posted = await client.chat_postMessage(**CHANNEL, text="x", blocks=blocks, metadata=metadata)
    fits(posted.data, "ok channel ts message")
    fits(posted["message"], SAID)
    fits(posted["message"]["bot_profile"], BOT_PROFILE)
    assert posted["message"]["blocks"][0] | {"block_id": ""} == {
        "type": "section",
        "block_id": "",
        "text": {"type": "mrkdwn", "text": "x", "verbatim": False},
    }
    await client.files_upload_v2(channel="C0DEPLOYS", thread_ts=posted["ts"], filename="a.log", content="x")
    fits((await client.chat_update(**CHANNEL, ts=posted["ts"], text="y")).data, "ok channel ts text message")
    thread = await client.conversations_replies(**CHANNEL, ts=posted["ts"], limit=1)
    fits(thread.data, "ok messages has_more response_metadata")
    fits(thread["messages"][0], SAID)
    history = await client.conversations_history(**CHANNEL)
    fits(history.data, "ok messages has_more pin_count; response_metadata")
    file = (await client.conversations_replies(**CHANNEL, ts=posted["ts"]))["messages"][1]["files"][0]
    fits(file, FILE)
    fits((await client.files_info(file=file["id"])).data, "ok file comments response_metadata")
    whisper = await client.chat_postEphemeral(**CHANNEL, user="U0DEV", text="x")
    fits(whisper.data, "ok message_ts")
    link = await client.chat_getPermalink(**CHANNEL, message_ts=posted["ts"])
    fits(link.data, "ok channel permalink")
    fits((await client.chat_delete(**CHANNEL, ts=posted["ts"])).data, "ok channel ts")


def button(action_id: str) -> Json:
    return {"type": "button", "action_id": action_id, "text": {"type": "plain_text", "text": "Go"}, "value": "1"}


MODAL: Json = {
    "type": "modal",
    "callback_id": "ask",
    "notify_on_close": True,
    "title": {"type": "plain_text", "text": "Deploy"},
    "submit": {"type": "plain_text", "text": "Ask"},
    "blocks": [
        {"type": "actions", "elements": [button("inside")]},
        {
            "type": "input",
            "block_id": "version",
            "optional": True,
            "label": {"type": "plain_text", "text": "Version"},
            "element": {"type": "external_select", "action_id": "pick", "min_query_length": 0},
        },
    ],
}


def listening(heard: dict[str, Json], results: dict[str, Json]) -> Any:
    """An app that takes everything, opens a modal at a click, and keeps what it got."""

    def set_up(app: AsyncApp) -> None:
        @app.command("/chom")
        async def command(ack: Any, command: Json) -> None:
            heard["command"] = command
            await ack()

        @app.action("outside")
        async def outside(ack: Any, body: Json, client: Any) -> None:
            heard["outside"] = body
            await ack()
            results["open"] = (await client.views_open(trigger_id=body["trigger_id"], view=MODAL)).data

        @app.action("inside")
        async def inside(ack: Any, body: Json) -> None:
            heard["inside"] = body
            await ack()

        @app.options("pick")
        async def pick(ack: Any, body: Json) -> None:
            heard["pick"] = body
            await ack(options=[])

        @app.view("ask")
        async def ask(ack: Any, body: Json) -> None:
            heard["ask"] = body
            await ack(response_action="errors", errors={"version": "Choose one."})

        @app.view_closed("ask")
        async def closed(ack: Any, body: Json) -> None:
            heard["closed"] = body
            await ack()

        @app.event("app_home_opened")
        async def home(body: Json) -> None:
            heard["home"] = body

    return set_up


async def test_what_slack_sends(start: Any) -> None:
    sandbox = await start(limits=False, granted=EVERYTHING)
    client, heard, results = sandbox.client(), dict[str, Json](), dict[str, Json]()

    async def until(held: dict[str, Json], name: str) -> Json:
        for _ in range(300):
            if name in held:
                return held[name]
            await asyncio.sleep(0.01)
        raise AssertionError(f"{name} never came")

    async with sandbox.bolt(listening(heard, results)):
        await sandbox.post("command", user="dev", channel="deploys", text="deploy")
        row = [{"type": "actions", "elements": [button("outside")]}]
        posted = await client.chat_postMessage(**CHANNEL, text="x", blocks=row)
        reply = await client.chat_postMessage(**CHANNEL, text="x", blocks=row, thread_ts=posted["ts"])
        await sandbox.post("click", user="dev", channel="deploys", ts=reply["ts"], action_id="outside")
        view = (await until(results, "open"))["view"]
        ask = {"user": "dev", "view_id": view["id"]}
        await sandbox.post("click", **ask, action_id="inside")
        await sandbox.post("options", **ask, action_id="pick", value="")
        await sandbox.post("submit", **ask, values={})
        await sandbox.post("dismiss", **ask)
        await client.views_publish(user_id="U0DEV", view={"type": "home", "blocks": row})
        await sandbox.post("home", user="dev")
        home = await until(heard, "home")
    fits(heard["command"], COMMAND)
    fits(view, VIEW)
    for body in (heard[name] for name in ("outside", "inside", "ask", "closed", "pick")):
        fits(body["user"], ACTOR)
        fits(body["team"], "id domain")
    outside = heard["outside"]
    fits(outside, f"{INTERACTION} container trigger_id channel message state response_url actions")
    fits(outside["container"], "type message_ts channel_id is_ephemeral thread_ts")
    fits(outside["message"], SAID)
    fits(outside["actions"][0], "action_id block_id text value type action_ts; style url confirm")
    fits(heard["inside"], f"{INTERACTION} container trigger_id view actions")
    fits(heard["inside"]["container"], "type view_id")
    fits(heard["pick"], f"{INTERACTION} container action_id block_id value view")
    fits(heard["ask"], f"{INTERACTION} trigger_id view response_urls")
    fits(heard["closed"], f"{INTERACTION} view is_cleared")
    for name in ("inside", "pick", "ask", "closed"):
        fits(heard[name]["view"], VIEW)
    fits(home, EVENT)
    fits(home["authorizations"][0], "enterprise_id team_id user_id is_bot is_enterprise_install")
    fits(home["event"], "type user channel event_ts tab; view")
    fits(home["event"]["view"], VIEW)


async def test_what_a_socket_carries(start: Any) -> None:
    sandbox = await start(limits=False, granted=EVERYTHING)
    opened = await sandbox.client("xapp-sandbox").apps_connections_open(app_token="xapp-sandbox")
    fits(opened.data, "ok url")
    async with sandbox.http.ws_connect(opened["url"]) as socket:
        hello = await socket.receive_json()
        fits(hello, "type num_connections debug_info connection_info")
        fits(hello["debug_info"], "host started build_number approximate_connection_time")
        asked = asyncio.ensure_future(sandbox.post("command", user="dev", channel="deploys", text="x"))
        envelope = await socket.receive_json()
        fits(envelope, "envelope_id type accepts_response_payload payload")
        await socket.send_json({"envelope_id": envelope["envelope_id"]})
        await asked
        await sandbox.post("home", user="dev")
        envelope = await socket.receive_json()
        fits(envelope, "envelope_id type accepts_response_payload payload retry_attempt retry_reason")
        await socket.send_json({"envelope_id": envelope["envelope_id"]})
        await sandbox.post("fault", socket="warning")
        fits(await socket.receive_json(), "type reason debug_info")
