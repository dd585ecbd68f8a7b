"""Every window in each of its states, as it was read aloud and agreed to; CHOM_SNAPSHOTS=write takes new pictures."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.desk.offers import Offered, Versions, Wanted
from bot.slack.acts import deploy_form, reject_form
from bot.slack.acts.deploy_form import NONE, suggestions
from bot.slack.acts.modal import Held, entered
from bot.slack.acts.windows import at_field
from bot.slack.cards.pressed import Beginning, Wish, read_click
from bot.slack.messages import texts
from bot.slack.messages.start import Now, start_card
from bot.slack.words import ago
from policies.change import Person
from tests.slack.changes import AT, CHANGE, PEOPLE, after
from tests.slack.check import buttons, check, words_of
from tests.slack.forms import CHOICES, HELD, LINK, LISTS, MODALS, STARTS, WANTED, check_modal, check_options
from tests.slack.test_hostile import FEW, NASTY
from tests.slack.views import STAGES, VERSIONS

HERE = Path(__file__).parent / "form_snapshots"
PICTURES: dict[str, Any] = (
    {name: modal.view() for name, modal in MODALS.items()}
    | {name: asdict(card) for name, card in STARTS.items()}
    | {f"list_{name}": {"above": above, "options": options} for name, (above, options) in LISTS.items()}
)


@pytest.mark.parametrize("name", PICTURES)
def test_it_looks_as_it_was_agreed(name: str) -> None:
    path, made = HERE / f"{name}.json", json.dumps(PICTURES[name], indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("CHOM_SNAPSHOTS") == "write":
        HERE.mkdir(exist_ok=True)
        path.write_text(made, encoding="utf-8")
    assert made == path.read_text(encoding="utf-8")


def test_there_is_no_other_picture() -> None:
    assert {path.stem for path in HERE.iterdir()} == set(PICTURES)


@pytest.mark.parametrize("name", MODALS)
def test_slack_takes_each_window(name: str) -> None:
    check_modal(MODALS[name])


@pytest.mark.parametrize("name", STARTS)
def test_slack_takes_each_beginning_and_a_screen_reader_reads_sentences(name: str) -> None:
    check(STARTS[name])
    assert STARTS[name].text[-1] == "."


@pytest.mark.parametrize("name", LISTS)
def test_slack_takes_each_list(name: str) -> None:
    above, options = LISTS[name]
    check_options(options)
    assert len(above) <= 75


# --- what a form says ----------------------------------------------------


def values(modal: Any) -> dict[str, str]:
    """What a person finds filled in."""
    found: dict[str, str] = {}
    for block in modal.blocks:
        if block["type"] == "input":
            element = block["element"]
            first = element.get("initial_option", {}).get("value") or element.get("initial_value", "")
            found[block["block_id"]] = first
    return found


def test_a_form_begins_with_what_is_usual_and_keeps_what_was_typed() -> None:
    assert values(MODALS["deploy"]) == {
        "version": "",
        "environment": "production",
        "strategy": "blue-green",
        "category": NONE,
        "reason": "",
    }
    for name in ("deploy_filled", "deploy_refused", "deploy_trouble", "deploy_two_ways"):
        assert values(MODALS[name]) == asdict(WANTED)


def test_an_environment_that_is_not_there_is_the_usual_one() -> None:
    assert values(deploy_form.form(CHOICES, Wanted(environment="home"), HELD))["environment"] == "production"


def test_what_is_live_is_found_by_typing_it_and_the_newest_stands_first() -> None:
    assert [o["value"] for o in LISTS["all"][1]] == ["v1.3", "v1.2", "v1.1"]
    assert [o["value"] for o in LISTS["typed"][1]] == ["v1.2"]
    assert [o["value"] for o in LISTS["live"][1]] == ["v1.1"]
    assert LISTS["none_fits"][1] == []


def test_a_hundred_versions_are_offered_at_most_and_the_rest_is_found_by_typing() -> None:
    many = Versions(tuple(Offered(f"v1.{n}", "c" * 40, AT) for n in range(500, 0, -1)))
    _, options = suggestions(many, "", AT)
    assert len(options) == 100 and options[0]["value"] == "v1.500"
    assert [o["value"] for o in suggestions(many, "v1.7", AT)[1]][-1] == "v1.7"


def test_without_a_list_a_version_can_be_typed() -> None:
    assert [o["value"] for o in LISTS["trouble_typed"][1]] == ["v1.2"]
    assert [o["value"] for o in LISTS["trouble"][1]] == [NONE]


def test_the_window_in_which_a_request_is_rejected_names_version_environment_and_what_it_means() -> None:
    shown = json.dumps(MODALS["reject"].view(), ensure_ascii=False)
    assert "Deploy v1.2 to production" in shown and "nothing is started" in shown
    assert "production stays as it is" in shown and "Dana Dev" in shown and "the new checkout" in shown


def test_a_window_holds_the_digest_that_was_shown_and_reads_it_back() -> None:
    held = Held.load(MODALS["reject"].view()["private_metadata"])
    assert (held.change, held.digest, held.channel) == (CHANGE.id, CHANGE.digest, "C0DEPLOYS")
    assert Held.load(HELD.dump()) == HELD
    assert Held().token != Held().token


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"channel": "C1"}', "x" * 3000])
def test_what_it_did_not_write_it_does_not_read(text: str) -> None:
    with pytest.raises(ValueError):
        Held.load(text)


def test_what_people_put_in_is_read_whatever_the_shape() -> None:
    state: dict[str, Any] = {
        "version": {"chom_version": {"type": "external_select", "selected_option": {"value": "v1.2"}}},
        "environment": {"chom_environment": {"type": "static_select", "selected_option": None}},
        "reason": {"chom_reason": {"type": "plain_text_input", "value": "a\nb"}},
    }
    assert deploy_form.filled({"state": {"values": state}}) == Wanted("v1.2", "", "", "a\nb")
    for chosen, asked in (("3", "3"), (NONE, ""), ("1", ""), ("x", "")):
        state["category"] = {"chom_category": {"type": "static_select", "selected_option": {"value": chosen}}}
        assert deploy_form.filled({"state": {"values": state}}).category == asked
    for broken in ({}, {"state": None}, {"state": {"values": []}}, {"state": {"values": {"reason": 3}}}):
        assert entered(broken, "reason") == ""


def test_times_are_said_as_people_say_them() -> None:
    said = [ago(AT, after(s)) for s in (-5, 10, 61, 3600, 7300, 86400, 86400 * 60, 86400 * 90)]
    assert said[:3] == ["just now", "just now", "1 minute ago"]
    assert said[3:] == ["1 hour ago", "2 hours ago", "1 day ago", "60 days ago", "on 23 November 2026"]


# --- what /chom alone offers ---------------------------------------------


def test_what_waits_for_me_comes_first_and_leads_to_its_card() -> None:
    offered = buttons(STARTS["start_waits_for_me"])
    assert list(offered) == ["See the card", "Deploy…", "Roll back…"]
    assert offered["See the card"]["url"] == LINK
    assert "waits for your approval" in words_of(STARTS["start_waits_for_me"])
    assert next(iter(buttons(STARTS["start_waits_for_me_no_card_yet"]))) == "Show it"


def test_a_run_comes_before_what_could_be_begun_and_no_rollback_is_offered_beside_it() -> None:
    offered = buttons(STARTS["start_running"])
    assert list(offered) == ["Watch it", "What is live", "Deploy…"]
    assert "running, step " in words_of(STARTS["start_running"])


def test_in_quiet_times_it_is_deploy_roll_back_and_what_is_live() -> None:
    for name in ("start_quiet", "start_after_a_deploy"):
        assert list(buttons(STARTS[name])) == ["Deploy…", "Roll back…", "What is live"]
    assert "waits for your approval" not in words_of(STARTS["start_mine_waits"])


def test_a_rollback_asks_first_and_names_what_it_means() -> None:
    button = buttons(STARTS["start_after_a_deploy"])["Roll back…"]
    asked = json.dumps(button["confirm"], ensure_ascii=False)
    assert "v1.2" in asked and "production" in asked and "starts at once" in asked
    assert read_click(button["action_id"], button["value"]) == Beginning(Wish.ROLL_BACK, "production")


@pytest.mark.parametrize("value", ["two words", "<!channel>", "x" * 33, "rm;", "--", "production\n"])
def test_a_beginning_that_is_not_ours_is_none(value: str) -> None:
    assert read_click("chom_ask_rollback", value) is None


# --- hostile words -------------------------------------------------------


@FEW
@given(NASTY, NASTY, NASTY, NASTY)
def test_windows_of_hostile_words(name: str, reason: str, title: str, said: str) -> None:
    people = PEOPLE | {"dev": Person("dev", name, frozenset())}
    plan = replace(CHANGE.plan, title=title, version=said[:64], environment=reason[:32])
    seen = replace(
        STAGES["waiting"], change=replace(CHANGE, reason=reason, plan=plan, environment=title), people=people
    )
    wanted = Wanted(said, title, name, reason)
    for link in ("", LINK):
        check_modal(deploy_form.form(CHOICES, wanted, Held(respond=said), texts.said(said, link)))
        check_modal(deploy_form.asked(seen, "C0DEPLOYS", link))
        check(start_card(Now((seen,), {CHANGE.id: link} if link else {}, title[:32] or "x", (), said), PEOPLE["lead"]))
    check_modal(deploy_form.looking(wanted, "C0DEPLOYS"))
    check_modal(reject_form.form(seen, Held(respond=said)))
    check_modal(reject_form.slow(said))
    assert len(at_field(said)) <= 400


@FEW
@given(NASTY, NASTY, st.lists(NASTY, max_size=3).map(tuple))
def test_lists_of_hostile_words(query: str, said: str, unseen: tuple[str, ...]) -> None:
    for versions in (replace(VERSIONS, unseen=unseen), Versions((), said), Versions(())):
        above, options = suggestions(versions, query, AT)
        check_options(options)
        assert len(deploy_form.heading(above)["text"]) <= 75
