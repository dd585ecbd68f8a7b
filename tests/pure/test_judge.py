"""The judge, case by case: who was asked, what was said, and the sentence that a person reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from policies.change import (
    Allowed,
    Blocked,
    Calendar,
    Evidence,
    Need,
    Refused,
    Requirement,
    Role,
    Waiting,
    Why,
    Window,
    Word,
)
from tests.pure.making import (
    AT,
    CTO,
    DEV,
    LENA,
    NOW,
    ONE,
    OPS,
    PEOPLE,
    TEAM,
    THREE,
    TOM,
    TWO,
    approval,
    change,
    only,
    person,
    verdict,
)

BECAUSE = "Category 2 because of 3 migrations."
GREEN = Evidence("staging", True, "Healthy in staging for 30 minutes.", AT)


def test_of_two_looks_of_one_moment_the_worse_counts() -> None:
    asked = change(TWO)
    worse = Evidence("staging", True, "Healthy in staging for 30 minutes.", AT, expires=AT)
    for shown in ([GREEN, worse], [worse, GREEN]):
        waiting = verdict(asked, approval(LENA, asked), evidence=shown)
        assert isinstance(waiting, Waiting) and waiting.evidence == ("staging",)


# --- category 1, whole ------------------------------------------------------


def test_it_waits_for_a_tech_lead_by_name() -> None:
    asked = verdict(change())
    assert asked == Waiting(f"Waiting for a Tech Lead: Lena or Tom. {ONE.because}", (Need(Role.TECH_LEAD),))


def test_a_tech_lead_allows_it() -> None:
    asked = change()
    assert verdict(asked, approval(LENA, asked)) == Allowed("Approved by Lena (Tech Lead).", {"lena": Role.TECH_LEAD})


@pytest.mark.parametrize("who", [DEV, OPS, CTO, TEAM, "stranger"])
def test_nobody_else_does(who: object) -> None:
    asked = change()
    assert isinstance(verdict(asked, approval(who, asked)), Waiting)  # type: ignore[arg-type]


def test_a_tech_lead_who_asked_waits_for_the_other_one() -> None:
    asked = change(requester="lena")
    waiting = verdict(asked, approval(LENA, asked))
    assert waiting == Waiting(f"Waiting for a Tech Lead: Tom. {ONE.because}", (Need(Role.TECH_LEAD),))


def test_where_nobody_could_approve_it_says_so_and_what_to_do() -> None:
    asked = change(requester="lena")
    waiting = verdict(asked, people=only(DEV, LENA))
    assert waiting.said == (
        "Nobody can approve this now: it still needs a Tech Lead, and chom.toml has nobody left who is one. "
        "Lena asked for it and cannot approve it too. Ask an operator to give another person that role. "
        f"{ONE.because}"
    )
    assert isinstance(waiting, Waiting)
    assert "Lena asked" not in verdict(change(), people=only(DEV, OPS)).said


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("rollback", "rollback"),
        ('deploy v1.2 reason="it is `down`" rolling by=25% to production', "deploy v1.2 rolling to production by=25%"),
    ],
)
def test_where_nobody_could_approve_it_and_an_emergency_could_go_it_says_what_to_type(text: str, typed: str) -> None:
    asked = replace(change(replace(ONE, alone=(Role.ON_CALL, Role.TECH_LEAD)), requester="lena"), text=text)
    assert (
        f'If it cannot wait, type `{typed} emergency="why"`: Lena can approve that alone. '
        f"Or ask an operator to give another person that role. {ONE.because}"
    ) in verdict(asked, people=only(DEV, LENA)).said
    assert "cannot wait" not in verdict(asked).said + verdict(replace(asked, requester="dev"), people=only(DEV)).said


def test_nobody_is_needed_where_the_rules_need_nobody() -> None:
    asked = change(Requirement(1, "Staging needs no approval.", ()))
    assert verdict(asked) == Allowed("Staging needs no approval.")


# --- rejected, void, expired ------------------------------------------------


def test_a_reject_ends_it_whoever_else_approved() -> None:
    asked = change()
    no = approval(TOM, asked, 2, Word.REJECT, reason="Friday evening.")
    assert verdict(asked, approval(LENA, asked), no) == Refused("Tom rejected it: Friday evening.", Why.REJECTED)
    assert verdict(asked, replace(no, reason="")).said == "Tom rejected it."
    assert isinstance(verdict(asked, no, now=NOW + timedelta(days=9)), Refused)


@pytest.mark.parametrize("who", [DEV, OPS, TEAM, "stranger"])
def test_a_reject_by_somebody_who_may_not_approve_is_nothing(who: object) -> None:
    asked = change()
    no = approval(who, asked, 2, Word.REJECT)  # type: ignore[arg-type]
    assert isinstance(verdict(asked, approval(LENA, asked), no), Allowed)


def test_an_approval_of_another_digest_is_void() -> None:
    asked = change()
    stale = approval(LENA, asked, digest="0" * 64)
    refused = verdict(asked, stale)
    assert isinstance(refused, Refused)
    assert refused.why is Why.VOID
    assert refused.said == "What was approved is not what would be done now, so the approval no longer holds."
    assert isinstance(verdict(asked, stale, approval(TOM, asked)), Allowed)


def test_changed_rules_or_a_changed_plan_make_approvals_void() -> None:
    asked = change()
    given = approval(LENA, asked)
    for moved in (replace(asked, rules="f" * 64), replace(asked, plan=replace(asked.plan, commit="f" * 40))):
        refused = verdict(moved, given)
        assert isinstance(refused, Refused)
        assert refused.why is Why.VOID


def test_a_request_that_nobody_answers_expires() -> None:
    asked = change()
    almost = AT + ONE.expires - timedelta(seconds=1)
    assert isinstance(verdict(asked, now=almost), Waiting)
    assert verdict(asked, now=AT + ONE.expires) == Refused(
        "It was not approved and started within 4 hours.", Why.EXPIRED
    )


def test_an_approval_holds_for_its_own_time_and_then_the_request_expires() -> None:
    asked = change()
    late = approval(LENA, asked, minutes=239)
    assert isinstance(verdict(asked, late, now=AT + timedelta(hours=5)), Allowed)
    refused = verdict(asked, late, now=AT + timedelta(hours=7, minutes=59))
    assert isinstance(refused, Refused)
    assert refused.why is Why.EXPIRED


def test_a_request_that_somebody_answered_waits_for_as_long_as_that_answer_holds() -> None:
    asked = change(TWO)
    half = approval(LENA, asked, minutes=200)
    assert isinstance(verdict(asked, half, now=AT + timedelta(hours=5)), Waiting)
    refused = verdict(asked, half, now=AT + timedelta(minutes=200) + TWO.expires)
    assert isinstance(refused, Refused)
    assert refused.why is Why.EXPIRED


# --- roles and counts -------------------------------------------------------


def test_two_roles_need_two_people() -> None:
    asked = change(TWO)
    waiting = verdict(asked, evidence=[GREEN])
    assert waiting.said == f"Waiting for a Tech Lead (Lena or Tom) and a DevOps engineer (Otto). {BECAUSE}"
    half = verdict(asked, approval(TOM, asked), evidence=[GREEN])
    assert half == Waiting(
        f"Waiting for a DevOps engineer: Otto. Approved by Tom (Tech Lead). {BECAUSE}",
        (Need(Role.DEVOPS),),
        approvers={"tom": Role.TECH_LEAD},
    )
    both = verdict(asked, approval(OPS, asked), approval(TOM, asked), evidence=[GREEN])
    assert both == Allowed(
        "Approved by Otto (DevOps engineer) and Tom (Tech Lead).", {"ops": Role.DEVOPS, "tom": Role.TECH_LEAD}
    )


def test_one_person_with_both_roles_counts_once() -> None:
    asked, both = change(TWO), person("ada", "Ada", Role.TECH_LEAD, Role.DEVOPS)
    people = {**PEOPLE, "ada": both}
    mine = [approval("ada", asked), approval("ada", asked, 2)]
    assert isinstance(verdict(asked, *mine, evidence=[GREEN], people=people), Waiting)
    assert isinstance(verdict(asked, *mine, approval(OPS, asked), evidence=[GREEN], people=people), Allowed)
    assert isinstance(verdict(asked, *mine, approval(TOM, asked), evidence=[GREEN], people=people), Allowed)


def test_a_person_with_two_roles_is_put_where_somebody_can_complete_it() -> None:
    """Only Ada is a DevOps engineer besides being Tech Lead: as the DevOps engineer she leaves a place for Tom."""
    asked, ada = change(TWO), person("ada", "Ada", Role.TECH_LEAD, Role.DEVOPS)
    waiting = verdict(asked, approval("ada", asked), evidence=[GREEN], people=only(DEV, TOM, ada))
    assert waiting.said == f"Waiting for a Tech Lead: Tom. Approved by Ada (DevOps engineer). {BECAUSE}"


def test_counts_are_people() -> None:
    asked = change(Requirement(2, "x", (Need(Role.TECH_LEAD, 2),)))
    assert verdict(asked).said == "Waiting for 2 Tech Leads: Lena or Tom. x."
    assert (
        verdict(asked, approval(LENA, asked)).said == "Waiting for a Tech Lead: Tom. Approved by Lena (Tech Lead). x."
    )
    assert isinstance(verdict(asked, approval(LENA, asked), approval(TOM, asked)), Allowed)


# --- evidence, windows, strategies ------------------------------------------


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        ([], "How it does in staging is not known yet."),
        (
            [replace(GREEN, holds=False, said="v1.2 has been healthy for 12 of 30 minutes.")],
            "v1.2 has been healthy",
        ),
        ([replace(GREEN, expires=NOW)], "Evidence has expired: staging (Healthy in staging for 30 minutes)."),
        ([GREEN, replace(GREEN, holds=False, said="Staging is ill.", at=NOW)], "Staging is ill."),
        ([GREEN, replace(GREEN, holds=False, said="Staging is ill.")], "Staging is ill."),
        ([replace(GREEN, name="drill")], "How it does in staging is not known yet."),
    ],
)
def test_evidence_that_does_not_stand_is_waited_for(evidence: list[Evidence], said: str) -> None:
    asked = change(TWO)
    waiting = verdict(asked, approval(LENA, asked), approval(OPS, asked), evidence=evidence)
    assert isinstance(waiting, Waiting)
    assert waiting.evidence == ("staging",)
    assert waiting.missing == ()
    assert waiting.said.startswith(said)


def test_newer_evidence_that_stands_heals_older_that_did_not() -> None:
    asked = change(TWO)
    ill = replace(GREEN, holds=False, said="Staging is ill.")
    healed = replace(GREEN, at=NOW)
    assert isinstance(verdict(asked, approval(LENA, asked), approval(OPS, asked), evidence=[healed, ill]), Allowed)


def freeze(hours: float, start: float = -1, environment: str = "production", why: str = "Black Friday") -> Window:
    return Window(environment, NOW + timedelta(hours=start), NOW + timedelta(hours=hours), why)


def test_a_closed_window_blocks_what_is_ready_and_is_named_to_what_waits() -> None:
    asked = change()
    calendar = Calendar((freeze(2), freeze(3, environment="staging", why="other"), freeze(9, start=8, why="later")))
    blocked = verdict(asked, approval(LENA, asked), calendar=calendar)
    assert blocked == Blocked(
        "No change may start on production until 2026-11-24T00:31:51Z: Black Friday. Approved by Lena (Tech Lead).",
        NOW + timedelta(hours=2),
    )
    waiting = verdict(asked, calendar=calendar)
    assert isinstance(waiting, Waiting)
    assert waiting.said.endswith(
        f"No change may start on production until 2026-11-24T00:31:51Z: Black Friday. {ONE.because}"
    )
    assert isinstance(verdict(asked, approval(LENA, asked), calendar=calendar, now=blocked.until), Allowed)


def test_windows_that_touch_are_one() -> None:
    asked = change()
    calendar = Calendar((freeze(3, start=2), freeze(2), freeze(5, start=2.5)))
    blocked = verdict(asked, approval(LENA, asked), calendar=calendar)
    assert isinstance(blocked, Blocked)
    assert blocked.until == NOW + timedelta(hours=5)


def test_a_strategy_that_the_category_does_not_allow_is_refused() -> None:
    refused = verdict(change(THREE))
    assert refused == Refused(
        "A change of category 3 has to go out as canary, not as blue-green. "
        "Category 3 because of the new major version. Type `deploy v1.2 canary to production`.",
        Why.STRATEGY,
    )
    typed = 'deploy v1.2 emergency="it is `down`" by=5% category=3 reason=“why not”'
    told = 'Type `deploy v1.2 canary to production emergency="it is \'down\'" category=3 reason="why not"`.'
    assert verdict(replace(change(THREE), text=typed)).said.endswith(told), "all that was typed is kept"
    made = change().plan
    asked = change(THREE, plan=replace(made, facts={**made.facts, "strategy": "canary"}))
    assert (
        verdict(asked).said
        == "Waiting for the CTO (Carla) and a team member (Tina). Category 3 because of the new major version."
    )
