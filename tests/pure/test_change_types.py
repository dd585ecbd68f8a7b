"""Standard changes and emergencies: who alone may let them through, past what, and for how long."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from actions.engine.plan import Plan
from policies.change import Allowed, Change, ChangeType, Refused, Role, Waiting, Why
from policies.judge import may_decide
from policies.review import is_sentence
from policies.rules import SHIPPED, load, parse_rules
from tests.pure.making import AT, CTO, DEV, LENA, OPS, PEOPLE, TEAM, approval, change, deploy, verdict

RULES = load()
HIGH = parse_rules(SHIPPED.read_text() + '\n[[rules]]\ncategory = 3\nbecause = "It is a major version."\n')


def back(**facts: Any) -> Plan:
    known = {"migrations_left": (), "migrations_left_known": True, "strategy": "rollback"}
    return replace(deploy(), action="rollback", facts={**known, **facts})


def standard(requester: str = "dev") -> Change:
    asked = change(RULES.classify(back(), "production"), requester, plan=back())
    assert asked.requirement.type is ChangeType.STANDARD
    return asked


def emergency(requester: str = "dev") -> Change:
    asked = HIGH.classify(deploy(), "production", emergency=True)
    assert asked.type is ChangeType.EMERGENCY
    return change(asked, requester, emergency="The checkout is down.")


@pytest.mark.parametrize("who", [LENA, OPS, CTO])
def test_one_person_is_enough_for_a_rollback_also_the_one_who_asked(who: object) -> None:
    for requester in ("dev", who.id):  # type: ignore[attr-defined]
        asked = standard(requester)
        assert may_decide(asked, who, PEOPLE) == ""  # type: ignore[arg-type]
        assert isinstance(verdict(asked, approval(who, asked)), Allowed)  # type: ignore[arg-type]


@pytest.mark.parametrize("who", [DEV, TEAM])
def test_nobody_else_is(who: object) -> None:
    asked = standard()
    assert isinstance(verdict(asked, approval(who, asked)), Waiting)  # type: ignore[arg-type]
    said = "Only a Tech Lead, a DevOps engineer, the CTO or an on-call engineer can decide this."
    assert may_decide(asked, who, PEOPLE).startswith(said)  # type: ignore[arg-type]


def test_asking_alone_starts_nothing() -> None:
    assert verdict(standard("lena")).said == (
        "Waiting for a Tech Lead, a DevOps engineer, the CTO or an on-call engineer: Carla, Lena, Otto or Tom. "
        "A rollback to a release that is kept is a standard change, so one person is enough."
    )


@pytest.mark.parametrize("facts", [{"migrations_left": ("m3",)}, {"migrations_left_known": False}])
def test_a_way_back_that_does_not_know_the_database_is_no_standard_change(facts: dict[str, Any]) -> None:
    asked = RULES.classify(back(**facts), "production")
    assert asked.type is ChangeType.NORMAL and not asked.own


def test_a_deploy_is_no_standard_change_and_where_nobody_approves_nothing_is() -> None:
    assert RULES.classify(deploy(), "production").type is ChangeType.NORMAL
    for plan, pressing in ((back(), False), (deploy(), True)):
        free = RULES.classify(plan, "staging", emergency=pressing)
        assert (free.type, free.needs) == (ChangeType.NORMAL, ())


@pytest.mark.parametrize(("who", "enough"), [(OPS, True), (LENA, True), (CTO, False), (TEAM, False), (DEV, False)])
def test_on_call_or_a_tech_lead_alone_lets_an_emergency_through(who: object, enough: bool) -> None:
    for requester in ("dev", who.id):  # type: ignore[attr-defined]
        asked = emergency(requester)
        assert isinstance(verdict(asked, approval(who, asked)), Allowed) is enough  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "enough"),
    [
        ("An index was missing.", True),
        ("all well", False),
        ("x - . !", False),
        ("索引がなかったので追加した。", True),
        ("已添加缺失的索引", True),
        ("ดัชนีหายไปจึงเพิ่มแล้ว", True),
        ("색인이 없었다", False),
        ("색인이 없어서 추가했다", True),
        ("インデックス", False),
        ("。、！", False),
    ],
)
def test_a_review_is_a_sentence_in_every_script(said: str, enough: bool) -> None:
    assert is_sentence(said) is enough


def test_an_emergency_names_what_it_goes_past_and_who_hears_of_it() -> None:
    asked = emergency()
    assert asked.requirement.bypassed == ("staging", "drill", "checks", "branch", "strategy")
    assert asked.requirement.tell == (Role.CTO,)
    assert verdict(asked).said == (
        "Waiting for an on-call engineer or a Tech Lead: Lena, Otto or Tom. Emergency: The checkout is down. "
        "Bypassed: Staging, DR drill, CI checks, Branch and Strategy."
    )


@pytest.mark.parametrize("facts", [{"strategy": "canary"}, {"strategy": "blue-green", "destructive": ("m3",)}])
def test_a_strategy_that_the_category_allows_is_not_called_bypassed(facts: dict[str, Any]) -> None:
    plan = replace(deploy(), facts={**deploy().facts, **facts})
    asked = change(HIGH.classify(plan, "production", emergency=True), plan=plan, emergency="The checkout is down.")
    assert asked.requirement.bypassed == ("staging", "drill", "checks", "branch")
    assert verdict(asked).said.endswith("Bypassed: Staging, DR drill, CI checks and Branch.")
    assert isinstance(verdict(asked, approval(OPS, asked)), Allowed)


def test_only_what_the_table_names_is_passed() -> None:
    text = SHIPPED.read_text().replace(
        'bypass = ["staging", "checks", "branch", "drill", "strategy"]', 'bypass = ["drill"]'
    )
    strict = parse_rules(text + '\n[[rules]]\ncategory = 3\nbecause = "x"\n')
    asked = change(strict.classify(deploy(), "production", emergency=True))
    assert asked.requirement.bypassed == ("drill",) and "staging" in asked.requirement.evidence
    assert isinstance(refused := verdict(asked, approval(OPS, asked)), Refused) and refused.why is Why.STRATEGY


def test_the_permission_of_an_emergency_is_gone_after_its_time() -> None:
    asked = emergency()
    given = approval(OPS, asked, minutes=5)
    assert isinstance(verdict(asked, given, now=AT + timedelta(minutes=34)), Allowed)
    refused = verdict(asked, given, now=AT + timedelta(minutes=35))
    assert refused == Refused("It was not approved and started within 30 minutes.", Why.EXPIRED)


def test_an_emergency_that_nobody_answers_lapses_in_the_same_time() -> None:
    assert isinstance(verdict(emergency(), now=AT + timedelta(minutes=30)), Refused)


def test_a_table_without_emergencies_or_standard_changes_knows_none() -> None:
    text = SHIPPED.read_text()
    text = text[: text.index("[standard]")] + text[text.index("# A rule without") :]
    bare = parse_rules(text)
    assert bare.emergency is None
    assert bare.classify(back(), "production").type is ChangeType.NORMAL
    assert bare.classify(deploy(), "production", emergency=True).type is ChangeType.NORMAL
