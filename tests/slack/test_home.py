"""Every state of the Home, as it was read aloud and agreed to; CHOM_SNAPSHOTS=write takes new pictures."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from slack_sdk.models.views import View

from actions.engine.journal import Ended, Outcome
from bot.desk.view import ChangeView, Overview, PastRun, Served, Serving
from bot.sandbox.slack.blocks import Surface, checked_view
from bot.slack.cards.pressed import Beginning, Wish, read_click
from bot.slack.messages.home import MOST_BLOCKS, Home, refused_home, stranger_home, waits_for
from bot.slack.messages.home import home as home_of
from policies.change import Account, Allowed, Person, Role
from tests.slack.changes import CHANGE, PEOPLE, after, yes
from tests.slack.check import check_blocks, texts_in
from tests.slack.journals import FINISHED, TURNED
from tests.slack.test_hostile import FEW, NASTY
from tests.slack.views import GO, STAGES, view

HERE = Path(__file__).parent / "homes"
LINK = "https://chom.slack.com/archives/C0DEPLOYS/p1795442531000100"


def home(all_: Overview, who: Person) -> Home:
    """That person's."""
    return home_of(all_, waits_for(all_, who))


def named(id_: str, seen: ChangeView, **more: object) -> ChangeView:
    """The same change under another id."""
    return replace(seen, change=replace(seen.change, id=id_, **more))


def past(id_: str, entries: Sequence, **more: object) -> PastRun:
    seen = named(id_, view(GO, yes(), entries=entries), **more)
    return PastRun(seen, after(41), entries[-1].at)


def serving(environment: str, *hosts: str, version: str = "v1.1", **troubles: str) -> Serving:
    seen = tuple(Served(host, version, after(-86_400), after(90)) for host in hosts)
    return Serving(environment, seen, troubles)


LIVE = (serving("production", "app1", "app2"), serving("staging", "stage1", version="v1.2"))
RECENT = (past("chg-done22", FINISHED), past("chg-back22", TURNED, requester="lead", reason=""))
WAITS, RUNS = STAGES["waiting"], STAGES["running"]


def seen(
    waiting: Sequence[ChangeView] = (),
    running: Sequence[ChangeView] = (),
    live: Sequence[Serving] = LIVE,
    recent: Sequence[PastRun] = RECENT,
    *,
    linked: bool = True,
    reviews: Sequence[ChangeView] = (),
) -> Overview:
    """An overview in which everything has a card."""
    ids = [v.change.id for v in (*waiting, *running, *reviews, *(run.view for run in recent))]
    return Overview(
        tuple(waiting),
        tuple(running),
        tuple(live),
        tuple(recent),
        dict.fromkeys(ids, LINK if linked else ""),
        "production",
        tuple(reviews),
    )


MANY = [named(f"chg-many{n:02d}", WAITS) for n in range(30)]
MIXED = Serving(
    "production",
    (
        Served("app1", "v1.2", after(57), after(90)),
        Served("app2", "v1.1", after(-86_400), after(60)),
        Served("app3", "", None, after(90)),
    ),
    {"app2": "app2 does not answer: ssh 10.0.0.12:22, no session within 10 s."},
)
ELSEWHERE = replace(WAITS, change=replace(CHANGE, id="chg-stag22", environment="staging"))
STRANGER = Account("T0CHOM", "U0NEW")
UNKNOWN = "chom.toml lists nobody with your Slack account (T0CHOM:U0NEW). Ask an operator to add it under [people]."

OWED = PastRun(STAGES["emergency_done"], after(41), after(65))

PICTURES: dict[str, Home] = {
    "quiet": home(seen(), PEOPLE["dev"]),
    "new": home(Overview(live=(Serving("production"),), environment="production"), PEOPLE["dev"]),
    "waits_for_me": home(seen([WAITS]), PEOPLE["lead"]),
    "waits_for_others": home(seen([WAITS]), PEOPLE["dev"]),
    "approved_not_started": home(seen([replace(WAITS, verdict=GO)]), PEOPLE["lead"]),
    "emergency": home(seen([STAGES["emergency"]]), PEOPLE["lead"]),
    "review_for_me": home(seen(recent=[OWED], reviews=[OWED.view]), PEOPLE["lead"]),
    "review_for_others": home(seen(recent=[OWED], reviews=[OWED.view]), PEOPLE["devops"]),
    "asks_me": home(seen(running=[STAGES["asked"]]), PEOPLE["devops"]),
    "running": home(seen(running=[RUNS]), PEOPLE["lead"]),
    "running_and_waiting": home(seen([ELSEWHERE], [RUNS]), PEOPLE["lead"]),
    "turning_back": home(seen(running=[STAGES["turning_back"]]), PEOPLE["dev"]),
    "host_away": home(seen(running=[STAGES["host_away"]], live=(MIXED,)), PEOPLE["devops"]),
    "no_cards_yet": home(seen([ELSEWHERE], [RUNS], linked=False), PEOPLE["lead"]),
    "a_lot": home(seen(MANY, [RUNS] * 30, [LIVE[0]] * 30, [RECENT[0]] * 30), PEOPLE["lead"]),
    "stranger": stranger_home(STRANGER, UNKNOWN, PEOPLE),
    "guest": refused_home(
        "You are a guest in this Slack workspace, and guests cannot ask for or decide anything here."
    ),
    "stranger_alone": stranger_home(STRANGER, UNKNOWN, {"dev": PEOPLE["dev"]}),
}


def check_home(made: Home) -> None:
    """Slack takes it, and so do slack_sdk's models."""
    assert made.blocks and len(made.blocks) <= MOST_BLOCKS
    check_blocks(list(made.blocks), Surface.HOME)
    checked_view(made.view())
    parsed = View(**made.view())
    parsed.validate_json()
    assert len(parsed.to_dict()["blocks"]) == len(made.blocks)


def words_of(made: Home) -> str:
    return "\n".join(text for _, text in texts_in(list(made.blocks)))


def part(made: Home, title: str) -> str:
    """What stands under that heading."""
    found, inside = [], False
    for block in made.blocks:
        if block["type"] == "header":
            inside = block["text"]["text"] == title
        elif inside:
            found += [text for _, text in texts_in(block)]
    return "\n".join(found)


@pytest.mark.parametrize("name", PICTURES)
def test_it_looks_as_it_was_agreed(name: str) -> None:
    made = json.dumps(PICTURES[name].view(), indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("CHOM_SNAPSHOTS") == "write":
        HERE.mkdir(exist_ok=True)
        (HERE / f"{name}.json").write_text(made, encoding="utf-8")
    assert made == (HERE / f"{name}.json").read_text(encoding="utf-8")


def test_there_are_no_other_pictures() -> None:
    assert {path.stem for path in HERE.iterdir()} == set(PICTURES)


@pytest.mark.parametrize("name", PICTURES)
def test_slack_takes_it(name: str) -> None:
    check_home(PICTURES[name])


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_makes_a_home_for_everybody(stage: str, who: str) -> None:
    one = STAGES[stage]
    if one.run.ended:
        check_home(home(seen(recent=[PastRun(one, after(41), one.run.ended.at)]), PEOPLE[who]))
    else:
        check_home(home(seen([] if one.run.seq else [one], [one] if one.run.seq else []), PEOPLE[who]))


def test_what_waits_is_under_the_name_of_who_can_act() -> None:
    for who, mine in (("lead", True), ("dev", False), ("devops", False), ("cto", False)):
        made = home(seen([WAITS]), PEOPLE[who])
        assert ("Deploy v1.2" in part(made, "Waits for you")) == mine
        assert ("Deploy v1.2" in part(made, "Waits for others")) == (not mine)
        assert ("1 decision waits for you" in words_of(made)) == mine


def test_the_place_that_is_meant_comes_first_and_a_server_of_its_name_is_not_said_twice() -> None:
    places = [serving("staging", "staging", version="v1.2"), serving("production", "app1")]
    told = part(home(seen(live=places), PEOPLE["dev"]), "Live")
    assert told.startswith("*production · v1.1*\nSince") and " on app1\n*staging · v1.2*\nSince" in told
    assert "on staging" not in told


def test_a_place_that_never_answered_is_not_said_to_serve_nothing() -> None:
    made = home(seen(live=[Serving("production", (), {"app1": "app1 does not answer."})]), PEOPLE["dev"])
    assert part(made, "Live") == "*production · not known*\n✗ app1 does not answer."


def test_who_has_said_yes_already_is_not_asked_again() -> None:
    made = home(seen([STAGES["waiting_half"]]), PEOPLE["lead"])
    assert part(made, "Waits for you") == "Nothing waits for you."
    assert "Deploy v1.2" in part(home(seen([STAGES["waiting_half"]]), PEOPLE["devops"]), "Waits for you")


def test_a_question_waits_for_those_who_may_answer_it() -> None:
    asked, question = seen(running=[STAGES["asked"]]), STAGES["asked"].run.question
    assert question and question.question in part(home(asked, PEOPLE["devops"]), "Waits for you")
    assert part(home(asked, PEOPLE["dev"]), "Waits for you") == "Nothing waits for you."


def test_nobody_is_asked_to_approve_their_own() -> None:
    own = named("chg-own222", WAITS, requester="lead")
    assert part(home(seen([own]), PEOPLE["lead"]), "Waits for you") == "Nothing waits for you."
    allowed = replace(own, verdict=Allowed("x"))
    assert part(home(seen([allowed]), PEOPLE["lead"]), "Waits for you") == "Nothing waits for you."


def test_every_row_leads_to_its_card() -> None:
    made = home(seen([ELSEWHERE], [RUNS]), PEOPLE["lead"])
    (open_,) = [block["accessory"] for block in made.blocks if "accessory" in block]
    assert (open_["url"], open_["action_id"], open_["value"]) == (LINK, "chom_open_card", "chg-stag22")
    for title in ("Running", "Recent"):
        assert f"<{LINK}|" in part(made, title)
    assert "<http" not in words_of(PICTURES["no_cards_yet"]) and "url" not in str(PICTURES["no_cards_yet"].view())


def test_one_button_opens_the_form_and_its_id_is_unique() -> None:
    for name, made in PICTURES.items():
        found = [e for b in made.blocks for e in b.get("elements", []) if "action_id" in e]
        clicks = [read_click(button["action_id"], button["value"]) for button in found]
        assert clicks == ([] if name.startswith(("stranger", "guest")) else [Beginning(Wish.DEPLOY, "production")])


def test_a_stranger_sees_whom_to_ask_and_nothing_else() -> None:
    told = words_of(PICTURES["stranger"])
    assert "<@U0DEVOPS> (DevOps)" in told and '`slack = ["T0CHOM:U0NEW"]`' in told
    assert "v1.1" not in told and "production" not in told
    assert "whoever runs the bot" in words_of(PICTURES["stranger_alone"])


def test_more_than_fits_is_counted() -> None:
    made = PICTURES["a_lot"]
    assert [part(made, title).count("… and 21 more") for title in ("Waits for you", "Live")] == [1, 1]
    assert [part(made, title).count("… and 23 more") for title in ("Running", "Recent")] == [1, 1]


def test_trouble_is_said_with_what_was_last_seen() -> None:
    told = part(PICTURES["host_away"], "Live")
    assert "*production · v1.2, v1.1 and nothing*\nv1.2 since" in told
    assert "on app1\n" in told and "Nothing on app3\n✗ app2 does not answer" in told
    assert "It was last seen <!date^" in told


def test_a_home_is_a_function_of_what_is_and_not_of_the_hour() -> None:
    """But for how long a run takes still, which is told by the minute."""
    later = [replace(WAITS, now=after(999)), replace(RUNS, now=after(95))]
    assert home(seen(later[:1], later[1:]), PEOPLE["lead"]) == home(seen([WAITS], [RUNS]), PEOPLE["lead"])


def test_progress_is_no_news_and_a_decision_is() -> None:
    quiet = home(seen(running=[STAGES["running_half"]]), PEOPLE["dev"])
    on = home(seen(running=[RUNS]), PEOPLE["dev"])
    assert quiet.news == on.news and quiet.blocks != on.blocks
    assert home(seen(running=[STAGES["stopping"]]), PEOPLE["dev"]).news != on.news
    assert home(seen([WAITS]), PEOPLE["dev"]).news != home(seen(), PEOPLE["dev"]).news


@FEW
@given(NASTY, NASTY, NASTY, NASTY)
def test_a_home_of_hostile_words(name: str, reason: str, title: str, said: str) -> None:
    people = PEOPLE | {"dev": Person("dev", name, frozenset({Role.DEVOPS}))}
    plan = replace(CHANGE.plan, title=title, environment=said)
    change = replace(CHANGE, reason=reason, text=said, plan=plan, environment=said)
    waits, runs = replace(WAITS, change=change, people=people), replace(STAGES["asked"], change=change, people=people)
    ended = [*FINISHED[:-1], Ended(after(99), Outcome.DONE, said)]
    over = PastRun(view(GO, yes(), entries=ended, change=change), after(41), after(99))
    live = Serving(said, (Served(name, title, after(1), after(2)),), {name: said, "app1": reason})
    for who in (people["lead"], people["dev"]):
        check_home(home(seen([waits], [runs], [live], [over]), who))
    check_home(stranger_home(STRANGER, said, people))
