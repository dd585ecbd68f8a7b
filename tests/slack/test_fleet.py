"""A hundred servers on a phone: counts, the slowest, the bad one by its name, and never a hundred lines."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from actions.engine.journal import Entry
from bot.desk.view import EnvironmentStatus, Overview, Served, Serving
from bot.sandbox.slack.blocks import Surface
from bot.shell import printed
from bot.slack.blocks import Card
from bot.slack.cards.details import details
from bot.slack.cards.live import change_card, preview_card
from bot.slack.messages import log_file, texts
from bot.slack.messages.home import home
from bot.slack.messages.thread import thread
from tests.slack import fleet
from tests.slack.changes import AT, V10
from tests.slack.check import check, check_blocks, texts_in, words_of
from tests.slack.fleet import BAD, HUNDRED, seen

MOMENTS: dict[str, list[Entry]] = {
    name: value for name, value in vars(fleet).items() if name.isupper() and isinstance(value, list)
}


def cards(entries: list[Entry]) -> dict[str, Card]:
    view = seen(entries)
    told = {f"thread {n}": said.card for n, said in enumerate(thread(entries, 0, view))}
    return {"card": change_card(view), "preview": preview_card(view), "details": details(view), **told}


@pytest.mark.parametrize("moment", MOMENTS)
def test_slack_takes_all_of_it_and_a_phone_shows_it(moment: str) -> None:
    for name, card in cards(MOMENTS[moment]).items():
        check(card)
        words = words_of(card)
        assert len(set(re.findall(r"app\d+", words))) <= 12, f"{name} lists servers"
        assert len(words.splitlines()) <= 30, words
        assert len(words) < 2500, name
    assert len(thread(MOMENTS[moment], 0, seen(MOMENTS[moment]))) <= 5


def told(entries: list[Entry]) -> str:
    return "\n".join(said.card.text for said in thread(entries, 0, seen(entries)))


def test_the_card_counts_and_names_the_slowest() -> None:
    card = change_card(seen(fleet.STAGING))
    assert "60 of 100 servers done" in words_of(card) and "60 of 100 servers done" in card.text
    last = change_card(seen(fleet.LAST))
    assert "98 of 100 servers done, still on `app42` and `app77`" in words_of(last)
    assert "still on app42 and app77" in last.text
    told = words_of(details(seen(fleet.STAGED)))
    assert "done in 47 s (longest on `app42` 47 s, `app77` 47 s and " in told


def test_one_bad_server_among_ninety_nine_is_named_on_the_card_and_in_the_thread() -> None:
    card = words_of(change_card(seen(fleet.UNWELL)))
    assert f"The health check failed on {BAD} (/health of v1.2 answers HTTP 500)." in card
    assert f"failed on `{BAD}`: /health of v1.2 answers HTTP 500 (done on 99 of 100 servers)" in card
    assert f"Health check on {BAD} failed: /health of v1.2 answers HTTP 500" in told(fleet.UNWELL)
    assert "Health check on app1 to app41 and app43 to app100: /health of v1.2 answers HTTP 200" in told(fleet.UNWELL)
    assert f"*Waiting for {BAD}.*" in words_of(change_card(seen(fleet.AWAY)))
    assert f"99 of 100 servers done, still on `{BAD}`" in words_of(change_card(seen(fleet.HALF_BACK)))


def test_a_hundred_bad_ones_share_few_lines() -> None:
    text = told(fleet.ALL_UNWELL)
    assert "Health check on app1 failed: connection 0 refused" in text
    assert "Health check failed on app5 to app100 too" in text
    card = words_of(change_card(seen(fleet.ALL_UNWELL)))
    assert "failed on `app1` to `app100`, on `app1`: connection 0 refused" in card
    assert "Waiting for app5 to app100 too" in told(fleet.ALL_AWAY)


def test_a_step_that_goes_well_is_told_once_at_its_end() -> None:
    assert "Copy on" not in told(fleet.STAGING), "a message every few seconds, each of some servers"
    assert "Copy on app1 to app100: v1.2 is unpacked" in told(fleet.STAGED)
    assert "Copy on" in told(fleet.AWAY), "something happened meanwhile"
    assert told(fleet.DONE).count("to app100") == 5


def test_titles_count_and_the_details_say_which() -> None:
    titles = [step.title for step in fleet.PLAN.steps]
    assert titles[1] == "Copy v1.2 to 100 servers (app1 to app100), beside v1.1"
    assert titles[4] == "Switch 100 servers (app1 to app100) from v1.1 to v1.2"
    assert "On `app1` to `app100`" in words_of(details(seen(fleet.STAGING)))


def test_the_log_of_a_failed_run_is_the_bad_servers() -> None:
    hosts = {host for _, host in log_file.pieces_of(fleet.TURNED)}
    assert BAD in hosts and len(hosts) == 4
    lines = list(log_file.log_lines(seen(fleet.TURNED), fleet.TURNED, {}))
    assert "Of 100 servers this is what app42, app1, app2 and app3 wrote" in lines[2] and len(lines) < 60


def serving(*away: str) -> Serving:
    since = datetime.fromtimestamp(1_792_000_002, UTC)
    return Serving(
        "production",
        tuple(Served(host, "v1.1", since, AT) for host in HUNDRED),
        {host: f"{host} does not answer: ssh ops@{host}:22, no answer within 10 s." for host in away},
    )


@pytest.mark.parametrize("away", [(), (BAD,), HUNDRED], ids=["all well", "one away", "all away"])
def test_home_shows_an_environment_of_a_hundred(away: tuple[str, ...]) -> None:
    blocks = list(home(Overview(live=(serving(*away),), environment="production"), ()).blocks)
    check_blocks(blocks, Surface.HOME)
    shown = "\n".join(text for _, text in texts_in(blocks))
    assert "on app1 to app100" in shown
    assert shown.count("does not answer") == min(4, len(away))
    assert ("✗ The same with app5 to app100." in shown) == (len(away) > 4)


def test_status_says_what_most_serve_and_who_differs() -> None:
    odd = replace(fleet.MANY.hosts[41], current=V10.id)
    mixed = replace(fleet.MANY, hosts=tuple(odd if host.name == BAD else host for host in fleet.MANY.hosts))
    status = EnvironmentStatus("production", mixed, "", None, ())
    card = texts.status((status,))
    check(card)
    assert "v1.1 on app1 to app41 and app43 to app100 and v1.0 on app42" in card.text
    away = replace(status, trouble="app9 does not answer: ssh, 3 times.")
    assert "v1.1 on app1" in texts.status((away,)).text and "app9 does not answer" in words_of(texts.status((away,)))
    assert printed.status(away)[1:] == ["    app9 does not answer: ssh, 3 times."]
    assert printed.status(status) == ["production: v1.1 on app1 to app41 and app43 to app100, v1.0 on app42"]
