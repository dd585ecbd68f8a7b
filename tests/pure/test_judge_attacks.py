"""Ways around the judge that do not work, and who is told that they may not decide."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policies.change import (
    Account,
    Allowed,
    Need,
    Requirement,
    Role,
    Waiting,
    Word,
)
from policies.judge import may_decide
from tests.pure.making import DEV, LENA, ONE, OPS, PEOPLE, approval, change, only, person, verdict


def test_the_requesters_second_account_is_the_requester() -> None:
    twice = replace(LENA, accounts=(Account("T1", "ULENA"), Account("T1", "UOTHER")))
    people = {**PEOPLE, "lena": twice}
    asked = change(requester="lena")
    for account in ("T1:ULENA", "T1:UOTHER", "unix:lena", ""):
        assert isinstance(verdict(asked, approval(LENA, asked, account=account), people=people), Waiting)
    assert may_decide(asked, twice, people).startswith("You asked for this yourself")


@pytest.mark.parametrize("account", ["T1:UDEV", "T9:ULENA", "T1:UGONE", "unix:root", "Lena"])
def test_an_account_that_is_not_that_persons_speaks_for_nobody(account: str) -> None:
    asked = change()
    assert isinstance(verdict(asked, approval(LENA, asked, account=account)), Waiting)
    assert isinstance(verdict(asked, approval(LENA, asked, 2, Word.REJECT, account=account)), Waiting)


@pytest.mark.parametrize("account", ["T1:ULENA", "unix:lena"])
def test_her_own_accounts_do(account: str) -> None:
    asked = change()
    assert isinstance(verdict(asked, approval(LENA, asked, account=account)), Allowed)


def test_a_display_name_twin_is_not_a_tech_lead() -> None:
    asked, twin = change(), person("twin", "Lena")
    assert isinstance(verdict(asked, approval("twin", asked), people={**PEOPLE, "twin": twin}), Waiting)


def test_a_role_lost_between_click_and_start_no_longer_counts() -> None:
    asked = change()
    given = approval(LENA, asked)
    demoted = {**PEOPLE, "lena": replace(LENA, roles=frozenset({Role.DEVOPS}))}
    assert verdict(asked, given, people=demoted).said == f"Waiting for a Tech Lead: Tom. {ONE.because}"
    gone = {id_: p for id_, p in PEOPLE.items() if id_ != "lena"}
    assert verdict(asked, given, people=gone).said == f"Waiting for a Tech Lead: Tom. {ONE.because}"


def test_a_thousand_clicks_of_one_person_are_one() -> None:
    asked = change(Requirement(1, "x", (Need(Role.TECH_LEAD, 2),)))
    clicks = [approval(LENA, asked, minutes=n / 100) for n in range(1000)]
    waiting = verdict(asked, *clicks)
    assert isinstance(waiting, Waiting)
    assert waiting.missing == (Need(Role.TECH_LEAD),)


# --- who may decide ---------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "requester", "said"),
    [
        (LENA, "dev", ""),
        (LENA, "lena", "You asked for this yourself, so somebody else has to decide it. Tom can."),
        (DEV, "dev", "You asked for this yourself, so somebody else has to decide it. Lena or Tom can."),
        (OPS, "dev", "Only a Tech Lead can decide this. Lena or Tom can."),
        (OPS, "lena", "Only a Tech Lead can decide this. Tom can."),
        (person("new", "Nora", Role.TECH_LEAD), "dev", "chom.toml no longer lists you, so you cannot decide this."),
    ],
)
def test_who_may_decide(who: object, requester: str, said: str) -> None:
    why_not = may_decide(change(requester=requester), who, PEOPLE)  # type: ignore[arg-type]
    assert why_not.startswith(said)
    assert bool(why_not) == bool(said)


def test_who_may_decide_says_when_nobody_can_or_nobody_has_to() -> None:
    said = may_decide(change(requester="lena"), LENA, only(DEV, LENA))
    assert said.endswith("Nobody else in chom.toml can either.")
    free = change(Requirement(1, "x", ()))
    assert may_decide(free, LENA, PEOPLE) == "Nobody has to approve this change."
