"""The form for a deploy as people go through it, over both ways into Slack: opened, searched, submitted, answered."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

from bot.desk.offers import Fault, Field
from bot.desk.planning import Refusal
from bot.slack.acts.windows import SETTLED
from tests.slack.changes import CHANGE
from tests.slack.conftest import Faced
from tests.slack.filling import FILLED, TEXT, filled_in, opened, says, searched, submit, turned, windows
from tests.slack.support import until
from tests.slack.views import STAGES

Json = dict[str, Any]


async def test_from_the_command_over_the_form_to_the_card(both: Faced) -> None:
    view = await opened(both)
    assert view["title"]["text"] == "Deploy a version"
    usual = {"strategy": "blue-green", "category": "-"}
    assert filled_in(view) == {"version": "", "environment": "production", "reason": "", **usual}
    both.desk.shows = STAGES["waiting"]
    both.memory.cards[CHANGE.id] = ("C0DEPLOYS", "1.000001")
    assert await submit(both, view) == "acked"
    told = await turned(both, view, "is asked for")
    assert f"{both.slack.base}/archives/C0DEPLOYS/p1000001|Open its card" in told
    assert view["submit"] is None and view["callback_id"] == "" and view["private_metadata"] == ""
    assert both.desk.asked == [("propose", TEXT, "dev")]
    assert both.slack.whispers("dev") == [] and both.slack.messages() == []


async def test_versions_are_searched_newest_first_with_what_is_live_where(both: Faced) -> None:
    view = await opened(both)
    labels = [o["text"]["text"] for o in await searched(both, view)]
    assert labels[:2] == ["v1.3", "v1.2 · live on staging"]
    found = await searched(both, view, "1.3")
    assert [o["value"] for o in found] == ["v1.3"] and "built" in found[0]["description"]["text"]


async def test_faults_are_said_at_their_fields_and_nothing_is_asked_for(both: Faced) -> None:
    both.desk.wrong = lambda wanted: (
        Fault(Field.VERSION, f"There is no version {wanted.version} any more; choose another one."),
        Fault(Field.ENVIRONMENT, "Dana Dev has staging since 14:02 UTC. Wait for its end, or stop it with `stop`."),
    )
    view = await opened(both)
    assert await submit(both, view) == "acked"
    assert view["errors"] == {
        "version": "There is no version v1.2 any more; choose another one.",
        "environment": "Dana Dev has staging since 14:02 UTC. Wait for its end, or stop it with /chom stop.",
    }
    assert both.desk.asked == [] and view["callback_id"] == "chom_deploy"


async def test_while_the_servers_are_looked_at_the_window_says_so(both: Faced) -> None:
    free = asyncio.Event()
    both.desk.before = free.wait
    view = await opened(both)
    begun = time.monotonic()
    assert await submit(both, view) == "acked"
    assert time.monotonic() - begun < 1 and "Looking at the servers" in says(view)
    free.set()
    await turned(both, view, "is asked for")


async def test_the_outcome_is_never_shown_before_slack_has_had_the_answer_to_the_submission(both: Faced) -> None:
    view = await opened(both)
    begun = time.monotonic()
    assert await submit(both, view) == "acked" and "Looking at the servers" in says(view)
    await turned(both, view, "is asked for")
    assert time.monotonic() - begun >= SETTLED


async def test_a_refusal_comes_back_with_the_form_as_it_was_filled_in(both: Faced) -> None:
    def refuse() -> None:
        raise Refusal("app2 does not answer: ssh, 3 times. Nothing was changed anywhere.", CHANGE.id)

    both.desk.before = refuse
    both.memory.cards[CHANGE.id] = ("C0DEPLOYS", "1.000001")
    view = await opened(both)
    await submit(both, view)
    told = await turned(both, view, "Not asked for.")
    assert "app2 does not answer" in told and "Open its card" in told
    assert filled_in(view) == {**FILLED, "strategy": "blue-green", "category": "-"}
    both.desk.before = lambda: None
    await submit(both, view)
    await turned(both, view, "is asked for")
    assert len(both.desk.asked) == 2


async def test_the_same_submission_delivered_twice_asks_once(both: Faced) -> None:
    view = await opened(both)
    await both.slack.stand_in.fault({"deliver": "twice"})
    await submit(both, view)
    await turned(both, view, "is asked for")
    await asyncio.sleep(0.2)
    assert len(both.desk.asked) == 1 and "is asked for" in says(view)


async def test_the_button_delivered_twice_opens_one_window(both: Faced) -> None:
    await both.slack.stand_in.fault({"deliver": "twice"})
    await opened(both)
    await asyncio.sleep(0.3)
    assert len(windows(both)) == 1 and both.slack.whispers("dev") == []


async def test_what_could_not_be_seen_in_time_is_said_above_the_list(both: Faced) -> None:
    both.desk.offers.there = replace(both.desk.offers.there, unseen=("production",))
    view = await opened(both)
    (group,) = await both.slack.stand_in.acts.suggest("dev", view["id"], "chom_version", "")
    assert group["label"]["text"] == "Not seen in time: what is live on production" and len(group["options"]) == 3


async def test_the_form_opens_from_its_button_too_and_where_it_was_pressed(bot: Faced) -> None:
    await bot.type("")
    ts = (await bot.slack.whisper("dev"))["ts"]
    await bot.click(ts, "chom_open_deploy", "staging", user="dev")
    await until(lambda: windows(bot))
    assert filled_in(windows(bot)[0])["environment"] == "staging"
