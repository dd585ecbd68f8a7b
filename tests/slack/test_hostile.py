"""Words of users and servers, as bad as can be: no message breaks, nobody is called, nothing is formatted."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from actions.engine.journal import Asked, Done, Ended, Failed, Outcome, Started, TurnedBack, Waiting, Way
from actions.engine.words import took
from bot.desk.estimate import Usual
from bot.desk.view import EnvironmentStatus, PastRun
from bot.slack.acts import reviews
from bot.slack.cards.details import details
from bot.slack.cards.explained import explained
from bot.slack.cards.live import change_card, preview_card
from bot.slack.messages import notices, texts, thread
from bot.slack.words import code, code_block, inline, listed, plain
from policies.change import Person, Refused, Why
from policies.change import Waiting as NotYet
from policies.review import Review
from tests.slack.changes import CHANGE, PEOPLE, URGENT, after, no, yes
from tests.slack.check import check
from tests.slack.forms import HELD, check_modal
from tests.slack.journals import FINISHED, OPENED
from tests.slack.views import GO, view

NASTY = st.one_of(
    st.sampled_from(
        [
            "<!channel>",
            "<!here|x>",
            "<@U0VICTIM>",
            "<!subteam^S1>",
            "<https://evil.example|click>",
            "&lt;!channel&gt;",
            "```\nout\n<!everyone>",
            "`*_~bold~_*`",
            "*x* _y_ ~z~ :fire: @here @channel #general",
            "\u202egnp.exe\u2066\x00\x1b[31m",
            "> quote\n> more",
            "&" * 4000,
            "<" * 4000,
            "a" * 10_000,
            "\n" * 50,
            "😀" * 3000,
            "\x1b",
            "",
        ]
    ),
    st.text(max_size=200),
)
FEW = settings(max_examples=60, deadline=None)


@FEW
@given(NASTY, NASTY, NASTY, NASTY)
def test_a_card_of_hostile_words(name: str, reason: str, title: str, said: str) -> None:
    people = PEOPLE | {"dev": Person("dev", name, frozenset())}
    plan = replace(CHANGE.plan, title=title, version=said[:40])
    change = replace(CHANGE, reason=reason, text=said, plan=plan)
    for verdict in (NotYet(said), GO, Refused(said, Why.REJECTED), Refused(said, Why.VOID)):
        for opinions in ((), (yes(change=change), no(reason))):
            seen = replace(view(verdict, *opinions, change=change), people=people)
            check(change_card(seen))
            check(preview_card(seen))
            check(texts.asked(seen, "C0DEPLOYS"))
            check(texts.stopping(seen))
            check(texts.approval_counted(seen))
            check(texts.status((EnvironmentStatus(said, None, title, None, (seen,)),)))
    check(details(view(change=change)))
    check(explained((view(change=change),)))
    urgent = replace(URGENT, emergency=said, plan=plan, requester="dev")
    live = replace(view(GO, yes(change=urgent), entries=FINISHED, change=urgent), people=people)
    closed = replace(live, reviewed=Review("dev", "", after(99), reason))
    for seen in (replace(view(change=urgent), people=people), live, closed):
        check(change_card(seen))
        check(texts.reviewed(seen))
        check(notices.emergency(seen))
        check(notices.reminder(seen))
        check(notices.ready(seen))
        check(notices.review_owed(seen, 2))
        check_modal(reviews.form(seen, HELD))
        check_modal(reviews.slow(said))
        check(texts.history((PastRun(seen, after(1), None),), said))
    check(texts.said(said, "https://chom.slack.com/archives/C0DEPLOYS/p1"))
    check(texts.helped(said))
    check(texts.not_asked(said))
    check(texts.trouble(said))
    check(texts.old_copy("https://chom.slack.com/archives/C0DEPLOYS/p1"))


@FEW
@given(NASTY, NASTY, st.lists(NASTY, max_size=25))
def test_a_run_of_hostile_servers(host: str, why: str, lines: list[str]) -> None:
    entries = [
        Started(after(1), "stage", host, Way.FORWARD),
        Done(after(2), "stage", host, Way.FORWARD, why, tuple(lines)),
        Started(after(2), "health", "app1", Way.FORWARD),
        Failed(after(3), "health", "app1", Way.FORWARD, why, tuple(lines), tuple(lines)),
        TurnedBack(after(4), why, "dev"),
        Waiting(after(5), host, Way.BACK, why),
    ]
    asked = Asked(after(6), "stage", host[:100], why, ("try again", (why or "x")[:60]))
    ended = Ended(after(7), Outcome.TURNED_BACK, why)
    usual = Usual({"stage": len(why) * 1e6, "health": 0.0}, 1e12)
    for journal in (entries[:1], entries, [*entries, asked], [*entries, ended]):
        seen = replace(view(GO, yes(), entries=[OPENED, *journal]), usual=usual)
        check(change_card(seen))
        check(details(seen))
        check(texts.stopping(seen))
        check(texts.history((PastRun(seen, after(1), None),), why))
        for told in thread.thread([OPENED, *journal], 0, seen):
            check(told.card)


@FEW
@given(NASTY, st.integers(2, 400))
def test_cutting_cuts_no_entity_and_keeps_the_limit(text: str, limit: int) -> None:
    for made in (plain(text, limit), inline(text, limit)):
        assert len(made) <= limit
        assert not re.search(r"&(?!amp;|lt;|gt;)", made)
    assert len(code_block([text] * 30)) <= 2900
    assert code_block([text] * 30).count("`") == 6
    assert code(text).count("`") == 2


def test_nothing_inside_a_sentence_formats() -> None:
    made = inline("*bold* _it_ ~no~ `code` :fire: snake_case_name 20261123_140211")
    assert not set("*~`") & set(made)
    assert "_it_" not in made and ":fire:" not in made
    assert "snake_case_name" in made and "20261123_140211" in made


def test_secrets_of_an_output_are_struck_out() -> None:
    shown = code_block(["DB_PASSWORD=hunter22", "token xoxb-1234-abcd", "redis://:pa55word@10.0.0.1/0"])
    assert "hunter22" not in shown and "xoxb-1234" not in shown and "pa55word" not in shown


def test_the_end_of_a_long_output_is_what_is_kept() -> None:
    shown = code_block([f"line {n} " + "x" * 300 for n in range(40)])
    assert "line 39" in shown and "line 1 " not in shown


def test_times_and_lists_read_as_people_say_them() -> None:
    assert [took(after(0), after(s)) for s in (0, 42, 60, 185, 3600, 7805)] == [
        "less than 1 s",
        "42 s",
        "1 min",
        "3 min 5 s",
        "1 h",
        "2 h 10 min",
    ]
    assert listed([]) == "" and listed(["a"]) == "a" and listed(["a", "b", "c"]) == "a, b and c"
    assert listed([str(n) for n in range(20)], 4) == "0, 1, 2 and 17 more"


def test_a_command_in_a_sentence_is_shown_as_it_is_typed_in_slack() -> None:
    made = texts.said("Wait, or stop it with `stop`; `v1.2` stays.")
    shown = made.blocks[0]["text"]["text"]
    assert shown == "Wait, or stop it with `/chom stop`; `v1.2` stays."
    assert made.text == "Wait, or stop it with /chom stop; v1.2 stays."
