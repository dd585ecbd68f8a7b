"""Who counts as what: accounts that are no member's speak for nobody, and a tied role is only its group's members'."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.desk.roster import Roster
from policies.change import Account, Person, Role
from policies.people import Standing, narrowed

ONE, TWO, OTHER = Account("T1", "U1"), Account("T1", "U2"), Account("T1", "U3")
LENA = Person("lena", "Lena", frozenset({Role.TECH_LEAD, Role.DEVOPS}), (ONE, TWO), ("lena",))
TOM = Person("tom", "Tom", frozenset({Role.TECH_LEAD}), (OTHER,))
PEOPLE = {"lena": LENA, "tom": TOM}
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_what_is_not_known_counts_as_the_configuration_has_it() -> None:
    assert narrowed(PEOPLE, {}, {}) == PEOPLE


@pytest.mark.parametrize("standing", [s for s in Standing if s is not Standing.MEMBER])
def test_an_account_that_is_no_members_speaks_for_nobody(standing: Standing) -> None:
    made = narrowed(PEOPLE, {ONE: standing, TWO: Standing.MEMBER}, {})
    assert made["lena"].accounts == (TWO,) and made["lena"].roles == LENA.roles
    assert not made["lena"].speaks_as("T1:U1") and made["lena"].speaks_as("T1:U2")
    assert made["lena"].speaks_as("unix:lena") and made["tom"] == TOM


@pytest.mark.parametrize("account", [ONE, TWO])
def test_one_account_in_the_group_is_enough(account: Account) -> None:
    made = narrowed(PEOPLE, {}, {Role.TECH_LEAD: {account}})
    assert made["lena"].roles == LENA.roles and made["tom"].roles == frozenset()


def test_a_guest_in_the_group_is_still_a_guest() -> None:
    made = narrowed(PEOPLE, {ONE: Standing.GUEST}, {Role.TECH_LEAD: {ONE}})
    assert made["lena"].roles == {Role.DEVOPS}


def test_a_group_of_nobody_gives_the_role_to_nobody() -> None:
    made = narrowed(PEOPLE, {}, {Role.TECH_LEAD: ()})
    assert made["lena"].roles == {Role.DEVOPS} and made["tom"].roles == frozenset()


ACCOUNTS = st.sampled_from([ONE, TWO, OTHER])


@given(
    st.dictionaries(ACCOUNTS, st.sampled_from(list(Standing))),
    st.dictionaries(st.sampled_from(list(Role)), st.sets(ACCOUNTS)),
)
def test_nobody_ever_gains_anything(standings: dict[Account, Standing], members: dict[Role, set[Account]]) -> None:
    made = narrowed(PEOPLE, standings, members)
    assert made.keys() == PEOPLE.keys()
    for id_, person in made.items():
        assert person.roles <= PEOPLE[id_].roles and set(person.accounts) <= set(PEOPLE[id_].accounts)
        assert (person.name, person.unix) == (PEOPLE[id_].name, PEOPLE[id_].unix)
    assert narrowed(made, standings, members) == made


# --- the roster --------------------------------------------------------------


class Kept(dict[str, str]):
    """What the store keeps."""

    async def roster(self) -> dict[str, str]:
        return self

    async def set_roster(self, about: str, text: str) -> None:
        self[about] = text


def roster(kept: Kept) -> Roster:
    return Roster(PEOPLE, team="T1", groups={Role.TECH_LEAD: "S1"}, memory=kept)


async def test_what_one_bot_heard_counts_for_the_others_and_after_a_restart() -> None:
    kept = Kept()
    first, second = roster(kept), roster(kept)
    assert first.people() == PEOPLE
    await first.learn_group("S1", ("U3", "U9"), NOON)
    await first.learn_account(OTHER, Standing.MEMBER, NOON)
    await first.learn_account(TWO, Standing.GUEST, NOON)
    assert second.people() == PEOPLE
    await second.load()
    assert second.people() == first.people()
    assert second.people()["lena"].roles == {Role.DEVOPS} and second.people()["lena"].accounts == (ONE,)
    assert second.people()["tom"] == TOM


async def test_what_was_heard_later_counts_whatever_the_order_of_reading() -> None:
    kept = Kept()
    old, new = roster(kept), roster(kept)
    await new.learn_group("S1", ("U1",), NOON)
    kept_new = dict(kept)
    await old.learn_group("S1", ("U3",), NOON - timedelta(minutes=5))
    await new.load()
    assert new.people()["lena"].roles == LENA.roles
    kept.update(kept_new)
    await old.load()
    assert old.people() == new.people()


async def test_what_was_kept_and_cannot_be_read_is_as_if_it_were_not() -> None:
    kept = Kept({"group:S1": "{", "account:T1:U1": '{"standing": "emperor"}', "group:S9": "[]"})
    made = roster(kept)
    await made.load()
    assert made.people() == PEOPLE and made.group("S1") is None


async def test_the_remark_says_why_a_role_does_not_count() -> None:
    made = roster(Kept())
    assert made.remark("tom") == "" and made.remark("nobody") == ""
    await made.learn_group("S1", ("U1",), NOON)
    assert made.remark("tom") == (
        "chom.toml names you as Tech Lead only while you are in the Slack user group S1, and you are not in it."
    )
    assert made.remark("lena") == ""


async def test_the_note_says_how_old_the_knowledge_is() -> None:
    made = roster(Kept())
    assert "has not said who is in the user groups" in made.note(NOON)
    await made.learn_group("S1", ("U1",), NOON)
    assert made.note(NOON + timedelta(minutes=9)) == ""
    assert "known as of 2026-11-23T12:00:00Z" in made.note(NOON + timedelta(minutes=11))
    assert Roster(PEOPLE).note(NOON) == ""
