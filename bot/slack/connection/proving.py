"""Proves before the first deploy that the Slack app can do its work; says nothing in Slack and opens no connection."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from bot.config import Settings, SlackSettings
from bot.slack.connection.directory import standing_of
from bot.slack.connection.manifest import bot_scopes
from bot.slack.connection.web import (
    CALL_ERRORS,
    CallFailed,
    Client,
    Failure,
    SlackUnusable,
    Trouble,
    advice,
    look,
    new_client,
    new_session,
    socket_address,
    sort,
    who_am_i,
)
from policies.people import Standing

_STANDINGS = {
    Standing.GUEST: "is a guest in this workspace, and guests are refused",
    Standing.BOT: "is a bot, and bots are refused",
    Standing.GONE: "is deactivated, and refused",
    Standing.STRANGER: "is no member of this workspace, and strangers are refused",
}
_NO_MEMBER = frozenset({"user_not_found", "users_not_found", "user_not_visible"})


@dataclass(slots=True)
class Proof:
    """Sentences."""

    well: str = ""
    faults: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])


async def prove(settings: Settings) -> Proof:
    """Tokens, scopes, the channel, the people and the user groups that chom.toml names; every fault there is."""
    slack, proof = settings.slack, Proof()
    if slack is None:
        return Proof("chom.toml has no [slack], so the bot is used in a shell only")
    async with new_session() as session:
        client = new_client(slack, session, token=slack.bot_token, retrying=True)
        try:
            me = await who_am_i(client, slack, bot_scopes())
            proof.well = f"the bot is in {me.url or me.team}"
        except SlackUnusable as unusable:
            proof.faults.append(str(unusable))
        except CALL_ERRORS as error:
            proof.faults.append(f"Slack cannot be asked: {sort(error).error}. Is the way from this machine to it open?")
            return proof
        await _prove_way_in(client, slack, proof)
        if proof.well:
            await _prove_channel(client, slack, proof)
            await _prove_people(client, slack, settings, proof)
            await _prove_groups(client, slack, proof)
    return proof


async def _prove_way_in(client: Any, slack: SlackSettings, proof: Proof) -> None:
    """How Slack reaches the bot."""
    if slack.mode == "http":
        proof.notes.append(
            "Whether Slack reaches the bot, and signs with SLACK_SIGNING_SECRET, is seen at the first /chom: "
            "the addresses in the app's settings have to lead to `listen`."
        )
        return
    try:
        await socket_address(client, slack.app_token)
    except SlackUnusable as unusable:
        proof.faults.append(str(unusable))
    except CALL_ERRORS as error:
        proof.faults.append(f"Slack does not say where to connect: {sort(error).error}. Try again in a minute.")


async def _prove_channel(client: Client, slack: SlackSettings, proof: Proof) -> None:
    """By reading one message: what may be read by the bot is a channel that it is in."""
    failure = await _asked(client, "conversations.history", {"channel": slack.channel, "limit": "1"})
    if failure is None:
        proof.well += " and in its channel"
    elif failure.error == "missing_scope":
        proof.notes.append(
            f"Whether the bot is in its channel {slack.channel} cannot be seen without the optional scope "
            "channels:history (groups:history in a private channel); type /invite @chom there."
        )
    else:
        proof.faults.append(_words(f"the channel {slack.channel}", failure))


async def _prove_people(client: Client, slack: SlackSettings, settings: Settings, proof: Proof) -> None:
    for person in settings.people.values():
        for user in (account.user for account in person.accounts):
            try:
                answer = await look(client, "users.info", {"user": user})
            except CallFailed as failed:
                error = failed.failure.error
                if error in _NO_MEMBER:
                    proof.faults.append(
                        f"people.{person.id}: Slack knows no {user}; copy the member ID from the profile."
                    )
                else:
                    proof.faults.append(_words(f"people.{person.id}", failed.failure))
                continue
            told = cast("dict[str, Any]", answer.data.get("user") or {})
            if why := _STANDINGS.get(standing_of(told, slack.team)):
                proof.faults.append(f"people.{person.id}: {user} {why}; name another account, or take it away.")


async def _prove_groups(client: Client, slack: SlackSettings, proof: Proof) -> None:
    for role, group in slack.groups.items():
        failure = await _asked(client, "usergroups.users.list", {"usergroup": group})
        if failure and failure.error == "no_such_subteam":
            proof.faults.append(f"slack.groups: Slack knows no user group {group}, so nobody has the role {role}.")
        elif failure:
            proof.faults.append(_words(f"the user group {group}", failure))


async def _asked(client: Client, method: str, params: dict[str, str]) -> Failure | None:
    try:
        await look(client, method, params)
    except CallFailed as failed:
        return failed.failure
    return None


def _words(what: str, failure: Failure) -> str:
    why = advice(failure.error) if failure.trouble is Trouble.SETUP else f"Slack answers {failure.error}."
    return f"{what[:1].upper()}{what[1:]}: {why}"
