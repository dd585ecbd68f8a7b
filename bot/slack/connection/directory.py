"""Asks Slack what accounts are and who is in which user group: the roster remembers it, and what is not said is logged.

No acknowledgement waits for it. Where Slack cannot say, what it said last counts, else chom.toml.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from actions.engine.ports import Clock
from bot.desk.roster import OfAccount, OfGroup, Roster
from bot.slack.connection.web import CallFailed, Client, Failure, Trouble, advice, look
from bot.store import StoreDown
from policies.change import Account
from policies.people import Standing

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ages:
    """In seconds, but for `most`."""

    act: float = 300.0
    """What Slack said of an account is believed so long before it is asked again at an act."""
    rest: float = 3600.0
    """The same for accounts that do nothing."""
    group: float = 60.0
    """What Slack said of a user group is believed so long; all bots together ask once in that time."""
    answer: float = 5.0
    """Longest wait for an answer."""
    most: int = 20
    """Accounts asked about in a row (Slack: 100 a minute)."""


REFUSED: Mapping[Standing, str] = {
    Standing.GUEST: "You are a guest in this Slack workspace, and guests cannot ask for or decide anything here. "
    "A full member has to.",
    Standing.BOT: "Bots and workflows cannot ask for or decide anything here. A person has to.",
    Standing.GONE: "Your Slack account is deactivated, so it cannot ask for or decide anything here.",
    Standing.STRANGER: "You belong to another Slack workspace. Only members of this one can ask for or decide "
    "anything here.",
}
_NO_MEMBER = frozenset({"user_not_found", "users_not_found", "user_not_visible"})
_NO_GROUP = "no_such_subteam"


class Directory:
    """Asks about what chom.toml names, and about nothing else; so what it remembers is bounded."""

    def __init__(self, client: Client, roster: Roster, team: str, clock: Clock, ages: Ages | None = None) -> None:
        self._client, self._roster, self._team, self._clock = client, roster, team, clock
        self._ages = ages or Ages()
        self._asking: dict[Account, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._began = asyncio.Event()
        """Set once every group was asked about."""
        self._unsaid: dict[str, str] = {}
        """What Slack does not say now, and why: logged when it changes."""

    async def refused(self, account: Account) -> str:
        """Why that account may not ask or decide, as a sentence; "" where nothing is known against it."""
        if account.team != self._team:
            return REFUSED[Standing.STRANGER]
        if account not in self._roster.accounts:
            return ""  # the desk refuses it: it is nobody's
        await self._first_round()
        async with self._asking[account]:
            if self._is_old(self._roster.account(account), self._ages.act):
                await self._ask_account(account)
        return self.known(account)

    def known(self, account: Account) -> str:
        """As `refused`, going by what Slack has said so far."""
        if account.team != self._team:
            return REFUSED[Standing.STRANGER]
        said = self._roster.account(account)
        return REFUSED.get(said.standing, "") if said else ""

    async def keep(self) -> None:
        """Keep the roster fresh, one question at a time, until cancelled."""
        while True:
            pause = await self._ask_groups()
            self._began.set()
            await self._ask_accounts()
            await asyncio.sleep(max(pause, self._ages.group))

    async def _first_round(self) -> None:
        if not self._roster.groups:
            return
        try:
            async with asyncio.timeout(self._ages.answer):
                await self._began.wait()
        except TimeoutError:
            self._note("who is in the user groups", "it has not answered yet")

    def _is_old(self, said: OfAccount | OfGroup | None, seconds: float) -> bool:
        return said is None or self._clock.now() - said.at >= timedelta(seconds=seconds)

    # --- accounts ------------------------------------------------------------

    async def _ask_accounts(self) -> None:
        """Those about whom nothing was asked for long, so that who is waited for can indeed decide."""
        mine = [account for account in self._roster.accounts if account.team == self._team]
        old = [account for account in mine if self._is_old(self._roster.account(account), self._ages.rest)]
        for account in old[: self._ages.most]:
            if not await self._ask_account(account):
                return

    async def _ask_account(self, account: Account) -> bool:
        """Whether Slack said what it is."""
        what = f"what the account {account.team}:{account.user} is"
        try:
            user = (await self._look("users.info", {"user": account.user})).get("user")
        except CallFailed as failed:
            if failed.failure.error not in _NO_MEMBER:
                self._unheard(what, failed.failure)
                return False
            user = {"is_stranger": True}
        if not isinstance(user, dict):
            self._note(what, "its answer names nobody")
            return False
        self._note(what, "")
        standing = standing_of(cast("dict[str, Any]", user), self._team)
        await _keeping(self._roster.learn_account(account, standing, self._clock.now()))
        return True

    # --- groups --------------------------------------------------------------

    async def _ask_groups(self) -> float:
        """Each that no bot has asked about lately. Seconds for which Slack wants no more such questions."""
        await _keeping(self._roster.load())
        for group in sorted(set(self._roster.groups.values())):
            if not self._is_old(self._roster.group(group), self._ages.group * 0.9):
                continue
            failure = await self._ask_group(group)
            if failure and failure.trouble is Trouble.SLOWER:
                return failure.after
        return 0.0

    async def _ask_group(self, group: str) -> Failure | None:
        what = f"who is in the user group {group}"
        try:
            users = (await self._look("usergroups.users.list", {"usergroup": group})).get("users")
        except CallFailed as failed:
            if failed.failure.error != _NO_GROUP:
                self._unheard(what, failed.failure)
                return failed.failure
            users, why = [], "there is no such group. Until slack.groups is mended, nobody has the roles tied to it"
        else:
            why = ""
        self._note(what, why, logging.ERROR)
        named = tuple(str(user) for user in cast("list[object]", users)) if isinstance(users, list) else ()
        await _keeping(self._roster.learn_group(group, named, self._clock.now()))
        return None

    # --- asking --------------------------------------------------------------

    async def _look(self, method: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        """What Slack answers. Raises CallFailed."""
        try:
            async with asyncio.timeout(self._ages.answer):
                return (await look(self._client, method, params)).data
        except TimeoutError:
            raise CallFailed(method, Failure(Trouble.LATER, "no answer in time")) from None

    def _unheard(self, what: str, failure: Failure) -> None:
        setup = failure.trouble is Trouble.SETUP
        why = advice(failure.error) if setup else failure.error
        self._note(what, f"{why.rstrip('.')}. What it said last counts, else chom.toml", setup and logging.ERROR)

    def _note(self, what: str, why: str, level: int = logging.WARNING) -> None:
        """Log what Slack does not say, and that it says it again, each once."""
        before = self._unsaid.get(what, "")
        if why and why != before:
            logger.log(level or logging.WARNING, "Slack does not say %s: %s.", what, why)
        elif before and not why:
            logger.info("Slack says again %s", what)
        self._unsaid[what] = why


def standing_of(user: Mapping[str, Any], team: str) -> Standing:
    """Of a user object of Slack's, seen from this workspace."""

    def is_(*marks: str) -> bool:
        return any(user.get(mark) is True for mark in marks)

    company: Mapping[str, Any] = user.get("enterprise_user") or {}
    if is_("is_stranger") or team not in (user.get("team_id"), *company.get("teams", ())):
        return Standing.STRANGER
    if is_("deleted"):
        return Standing.GONE
    if is_("is_bot", "is_workflow_bot", "is_connector_bot") or user.get("id") == "USLACKBOT":
        return Standing.BOT
    return Standing.GUEST if is_("is_restricted", "is_ultra_restricted") else Standing.MEMBER


async def _keeping(act: Awaitable[None]) -> None:
    """What could not be kept counts here all the same."""
    try:
        await act
    except StoreDown as down:
        logger.warning("what Slack says of people is not kept: %s", down)
