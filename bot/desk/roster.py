"""Who counts as what at this moment: chom.toml, narrowed by what Slack last said of accounts and user groups."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from actions.engine.codec import dump, load
from actions.engine.words import instant
from policies.change import Account, People, Role
from policies.people import Standing, narrowed
from policies.sentences import ROLES

logger = logging.getLogger(__name__)
T = TypeVar("T")

OLD = timedelta(minutes=10)
"""What Slack said longer ago of a user group is worth a remark."""


@dataclass(frozen=True, slots=True)
class OfAccount:
    """What Slack said of an account, and when."""

    standing: Standing
    at: datetime


@dataclass(frozen=True, slots=True)
class OfGroup:
    """Whom Slack named as a user group's members, by user id, and when."""

    users: tuple[str, ...]
    at: datetime


class Memory(Protocol):
    """Where it is kept for other bots, for the shell, and for after a restart."""

    async def roster(self) -> Mapping[str, str]:
        """All that was kept."""
        ...

    async def set_roster(self, about: str, text: str) -> None:
        """Keep this about one account or group, in the place of what was known."""
        ...


class Roster:
    """Asked at each judgement. Before Slack has said anything, and of whatever it cannot say, chom.toml alone counts.

    `groups` ties roles to user groups of the workspace `team`: such a role counts for the group's members only.
    """

    def __init__(
        self,
        people: People,
        *,
        team: str = "",
        groups: Mapping[Role, str] | None = None,
        memory: Memory | None = None,
    ) -> None:
        self.configured, self.team, self.groups, self._memory = people, team, groups or {}, memory
        self.accounts = tuple(account for person in people.values() for account in person.accounts)
        """All that chom.toml names."""
        self._accounts: dict[Account, OfAccount] = {}
        self._groups: dict[str, OfGroup] = {}
        self._people = people

    def people(self) -> People:
        """Everybody of chom.toml, with the accounts and roles that count now."""
        return self._people

    def account(self, account: Account) -> OfAccount | None:
        """What Slack last said of it, None where it never did."""
        return self._accounts.get(account)

    def group(self, id_: str) -> OfGroup | None:
        """What Slack last said of it, None where it never did."""
        return self._groups.get(id_)

    def remark(self, person: str) -> str:
        """Why a role that chom.toml gives them does not count now, as a sentence; "" where all of them count."""
        if person not in self.configured:
            return ""
        lost = self.configured[person].roles - self._people[person].roles
        said = [
            f"chom.toml names you as {ROLES[role]} only while you are in the Slack user group {self.groups[role]}, "
            "and you are not in it."
            for role in sorted(lost)
        ]
        return " ".join(said)

    def note(self, now: datetime) -> str:
        """That what is known of the user groups is old, or nothing, as a sentence; "" where it is fresh."""
        told = [self._groups.get(group) for group in self.groups.values()]
        if not all(told):
            return (
                "Slack has not said who is in the user groups; until it does, the roles of chom.toml count as they are."
            )
        oldest = min((group.at for group in told if group), default=now)
        if now - oldest < OLD:
            return ""
        return f"Who is in Slack's user groups is known as of {instant(oldest)}; Slack has not said it since."

    # --- learning ------------------------------------------------------------

    async def learn_account(self, account: Account, standing: Standing, at: datetime) -> None:
        """Slack said this. Raises StoreDown where it could not be kept; it counts all the same."""
        said = self._accounts[account] = OfAccount(standing, at)
        self._narrow()
        if self._memory is not None:
            await self._memory.set_roster(f"account:{account.team}:{account.user}", dump(said))

    async def learn_group(self, id_: str, users: tuple[str, ...], at: datetime) -> None:
        """Slack said this. Raises StoreDown where it could not be kept; it counts all the same."""
        said = self._groups[id_] = OfGroup(users, at)
        self._narrow()
        if self._memory is not None:
            await self._memory.set_roster(f"group:{id_}", dump(said))

    async def load(self) -> None:
        """Take up what was kept, where it is newer. Raises StoreDown."""
        if self._memory is None:
            return
        kept = await self._memory.roster()
        for account in self.accounts:
            said = _read(OfAccount, kept.get(f"account:{account.team}:{account.user}"))
            mine = self._accounts.get(account)
            if said and (mine is None or mine.at < said.at):
                self._accounts[account] = said
        for id_ in self.groups.values():
            group = _read(OfGroup, kept.get(f"group:{id_}"))
            ours = self._groups.get(id_)
            if group and (ours is None or ours.at < group.at):
                self._groups[id_] = group
        self._narrow()

    def _narrow(self) -> None:
        standings = {account: said.standing for account, said in self._accounts.items()}
        members = {
            role: {Account(self.team, user) for user in said.users}
            for role, id_ in self.groups.items()
            if (said := self._groups.get(id_))
        }
        self._people = narrowed(self.configured, standings, members)


def _read(type_: type[T], text: str | None) -> T | None:
    if text is None:
        return None
    try:
        return load(type_, text)
    except ValueError:
        logger.warning("what was kept of Slack's people cannot be read, and is asked anew")
        return None
