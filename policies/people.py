"""Which accounts and roles of the configuration count, given what is known of the workspace they belong to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from enum import StrEnum

from policies.change import Account, People, Person, Role


class Standing(StrEnum):
    """What an account is in the workspace. Only a member's may ask for anything or decide it."""

    MEMBER = "member"
    GUEST = "guest"
    BOT = "bot"
    GONE = "deactivated"
    STRANGER = "stranger"


def narrowed(
    people: People, standings: Mapping[Account, Standing], members: Mapping[Role, Collection[Account]]
) -> People:
    """The people with the accounts and roles that count.

    An account that is known to be no member's counts for nothing; one that is not known counts. A role in `members`
    counts for those who have one of their accounts, that counts, among its members; a role that is not there, for all.
    """
    return {id_: _narrowed(person, standings, members) for id_, person in people.items()}


def _narrowed(
    person: Person, standings: Mapping[Account, Standing], members: Mapping[Role, Collection[Account]]
) -> Person:
    accounts = tuple(a for a in person.accounts if standings.get(a, Standing.MEMBER) is Standing.MEMBER)
    roles = frozenset(
        role for role in person.roles if role not in members or any(account in members[role] for account in accounts)
    )
    return replace(person, accounts=accounts, roles=roles)
