"""Whatever was typed can be said again: nothing in the quotation runs, broadcasts, hides or fills the screen."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.engine.words import (
    QUOTED,
    capital,
    counted,
    hidden,
    in_utc,
    instant,
    joined,
    megabytes,
    moment,
    named,
    plain,
    quote,
    servers,
    with_times,
)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("v1.2;", '"v1.2;"'),
        ("$(x)", '"$(x)"'),
        ("../x", '"../x"'),
        ("<!channel>", '"‹!channel›"'),
        ("<@U123>", '"‹＠U123›"'),
        ("&lt;!here&gt;", '"＆lt;!here＆gt;"'),
        ("*bold* _it_ ~no~ `code`", '"∗bold∗ ＿it＿ ∼no∼ ˋcodeˋ"'),
        ('say "hi"', "\"say 'hi'\""),
        ("https://evil.example/x", '"https: //evil.example/x"'),
        ("a\u202eb\u200bc\ufeffd\u2066e", '"abcde"'),
        ("two\nlines\tand\u2028more", '"two lines and more"'),
        ("\x1b[31mred\x07", '"[31mred"'),
        ("\ud800x", '"x"'),
        ("", '""'),
        ("x" * 41, '"' + "x" * 39 + '…"'),
        ("\u200b" * 100_000 + "x", '"…"'),
    ],
)
def test_a_quotation_is_safe_and_short(typed: str, said: str) -> None:
    assert quote(typed) == said


@given(st.text(max_size=300))
def test_no_text_escapes_its_quotation(text: str) -> None:
    said = quote(text)
    inside = said[1:-1]
    assert said[0] == said[-1] == '"'
    assert len(inside) <= QUOTED
    assert not set(inside) & set('<>&@`*_~"\n')
    assert "://" not in inside
    assert not hidden(said)
    assert all(unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in said)
    said.encode()


@given(st.text(max_size=300))
def test_plain_text_is_one_visible_line_and_stays_so(text: str) -> None:
    once = plain(text)
    assert plain(once) == once
    assert not hidden(once)
    assert "  " not in once
    assert once == once.strip()


@pytest.mark.parametrize(
    ("names", "said"),
    [([], ""), (["a"], "a"), (["a", "b"], "a or b"), (["a", "b", "c"], "a, b or c")],
)
def test_names_are_joined_as_people_join_them(names: list[str], said: str) -> None:
    assert joined(names, "or") == said


def test_numbers_are_said_as_people_say_them() -> None:
    assert [counted(1, "migration"), counted(1200, "migration")] == ["1 migration", "1,200 migrations"]
    assert [megabytes(400_000), megabytes(312_400_000)] == ["0.4 MB", "312 MB"]
    assert [megabytes(size) for size in (0, 1, 4096, 99_999, 100_000)] == ["0 kB", "1 kB", "5 kB", "100 kB", "0.1 MB"]
    assert moment(datetime(2026, 11, 3, 9, 5, tzinfo=UTC)) == "3 November 2026, 09:05 UTC"


def test_a_time_in_a_sentence_is_shown_as_its_reader_wants_it() -> None:
    said = f"Closed until {instant(datetime(2026, 11, 23, 22, 21, 51, tzinfo=UTC))}; v1.2 waits."
    assert said == "Closed until 2026-11-23T22:21:51Z; v1.2 waits."
    assert in_utc(said) == "Closed until 2026-11-23 22:21 UTC; v1.2 waits."
    assert with_times(said, lambda at: f"<{at:%S}>") == "Closed until <51>; v1.2 waits."
    assert (
        in_utc("2026-02-31T00:00:00Z and 1_2026-02-01T00:00:00Z") == "2026-02-31T00:00:00Z and 1_2026-02-01T00:00:00Z"
    )


def test_servers_are_named_where_they_are_few_and_counted_where_they_are_many() -> None:
    assert servers(("app1", "app2")) == "app1 and app2"
    assert servers([f"app{n}" for n in range(11, 21)]) == "10 servers (app11 to app20)"
    assert servers([f"app{n}" for n in range(1, 101, 2)]) == "50 servers"


def test_neighbours_are_one_name_and_the_rest_is_counted() -> None:
    hundred = [f"app{n}" for n in range(1, 101)]
    assert named(hundred) == "app1 to app100"
    assert named([host for host in hundred if host != "app42"]) == "app1 to app41 and app43 to app100"
    assert named(hundred[:4]) == "app1, app2, app3 and app4"
    assert named([f"web-{n:03}" for n in range(8, 14)]) == "web-008 to web-013"
    assert named(hundred[::2]) == "app1, app3, app5, app7, app9, app11, app13 and 43 more"
    assert named(["db", *hundred], show=lambda name: f"`{name}`") == "`db` and `app1` to `app100`"
    assert named([]) == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("app1 was switched back to v1.0.", "app1 was switched back to v1.0."),
        ("app1, app2 and app3 were switched back.", "app1, app2 and app3 were switched back."),
        ("web: it does not answer.", "web: it does not answer."),
        ("website is down.", "Website is down."),
        ("production serves v1.1 now.", "production serves v1.1 now."),
        ("jan de Vries stopped it.", "jan de Vries stopped it."),
        ("v1.1 serves as before.", "v1.1 serves as before."),
        ("shared/.env is another file.", "shared/.env is another file."),
        ("the health check failed on app1.", "The health check failed on app1."),
        ("about 2 min left.", "About 2 min left."),
        ("", ""),
    ],
)
def test_a_sentence_gets_its_capital_and_a_name_is_never_changed(text: str, said: str) -> None:
    assert capital(text, ("web", "landsraad", "production", "jan de Vries", "")) == said
