"""The conversation about a change through the real Bolt, desk, policy and store; only the servers are imagined."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from actions.engine.fleet import Release
from tests.journeys.office import OLD, Office, open_office
from tests.slack.changes import PEOPLE
from tests.slack.support import seen_text, until
from tests.support.redis import RedisServer


@pytest.fixture
async def office(redis: RedisServer) -> AsyncIterator[Office]:
    async with open_office(redis) as made:
        yield made


async def test_from_a_wish_to_what_is_live_and_back_again(office: Office) -> None:
    await office.type('deploy v1.2 reason="the new checkout"')
    await until(lambda: "Approval needed" in office.card())
    assert "<@U0LEAD>" in office.card() and "m2" in office.card() and "the new checkout" in office.card()
    await office.click("chom_approve", "lead")
    await until(lambda: office.starts.runs)
    (change,) = office.starts.runs
    await office.walk(change)
    await until(lambda: "Done. v1.2 is live on production." in office.card())
    assert "Approved by *Lea Lead*" in office.card()
    office.servers.releases += (Release("20261123_000000", "v1.2", "c" * 40, "d" * 64, (1_795_000_000,), ("m1", "m2")),)
    office.servers.current = "20261123_000000"
    await office.click("chom_rollback", "dev")
    await until(lambda: len(office.cards()) == 2 and "Roll back production: v1.2 → v1.1" in office.card())
    assert "chom_rollback" in str(office.cards()[0]) and len(office.starts.runs) == 1


async def test_who_asked_cannot_approve_and_neither_can_who_has_no_such_role(office: Office) -> None:
    await office.type("deploy v1.2", "lead")
    await until(lambda: "Nobody can approve this now" in office.card())
    assert "chom_approve" not in str(office.cards()[-1])
    (change,) = await office.store.waiting()
    pressed = f"{change}:{(await office.store.change(change)).digest}"
    await office.click("chom_approve", "lead", value=pressed)
    assert "You asked for this yourself" in await office.whispered("lead", "asked for this")
    await office.click("chom_approve", "devops", value=pressed)
    assert "Tech Lead" in await office.whispered("devops", "decide")
    assert office.starts.runs == [] and "Approved by" not in office.card()


async def test_who_could_approve_what_waits_and_what_is_no_emergency_has_no_review(office: Office) -> None:
    await office.type("deploy v1.2")
    await until(lambda: "Approval needed" in office.card())
    (change,) = await office.store.waiting()
    await office.type("who", "cto")
    told = await office.whispered("cto", "Still needs a Tech Lead: Lea Lead can approve it.")
    assert "Deploy v1.2 to production" in told and "Category 1 because every change needs a Tech Lead." in told
    await office.type("who v1.3", "dev")
    assert "Deploy v1.3 to production" in await office.whispered("dev", "Still needs a Tech Lead")
    await office.type(f'review {change} "all well"', "cto")
    await office.whispered("cto", "was no emergency, so there is nothing to review.")
    assert await office.store.waiting() == [change]


async def test_one_click_delivered_a_thousand_times_and_two_people_at_once_are_one_start(office: Office) -> None:
    await office.type("deploy v1.2")
    await until(lambda: "Approval needed" in office.card())
    office.slack.stand_in.workspace.faults.copies = 1000
    await office.click("chom_approve", "lead")
    office.slack.stand_in.workspace.faults.copies = 1
    value = f"{(change := (await office.store.waiting() or office.starts.runs)[0])}:{await digest_of(office, change)}"
    ts = office.cards()[-1]["ts"]
    acts = office.slack.stand_in.acts
    people = ["lead", "devops", "cto", "dev"] * 10
    await asyncio.gather(*(acts.click(who, "deploys", ts, "chom_approve", value) for who in people))
    await until(lambda: office.starts.runs)
    await asyncio.sleep(0.3)
    assert office.starts.runs == [change]
    approvals, rev = await office.store.approvals(change)
    assert [a.person for a in approvals] == ["lead"] and rev == 1
    assert await office.store.length(change) == 1


async def digest_of(office: Office, change: str) -> str:
    return (await office.store.change(change)).digest


async def test_a_rejection_ends_it_and_the_old_button_says_so(office: Office) -> None:
    await office.type("deploy v1.2")
    await until(lambda: "Approval needed" in office.card())
    value = office.cards()[-1]["blocks"][-2]["elements"][0]["value"]
    await office.click("chom_reject", "lead")
    window = await office.window("lead", "chom_reject")
    await office.slack.stand_in.acts.submit("lead", window["id"], {"reason": "Not on a *Friday*."})
    await until(lambda: "Rejected by Lea Lead" in office.card() and "Not on a" in office.card())
    assert window["id"] not in office.slack.stand_in.memory.views
    assert "chom_" not in str(office.cards()[-1]["blocks"])
    await office.click("chom_approve", "lead", value=value)
    told = await office.whispered("lead", "reject")
    assert "Open its card" in told and office.starts.runs == []


async def test_a_rejection_of_what_was_withdrawn_meanwhile_is_refused_at_its_field(office: Office) -> None:
    await office.type("deploy v1.2")
    await until(lambda: "Approval needed" in office.card())
    await office.click("chom_reject", "lead")
    window = await office.window("lead", "chom_reject")
    await office.type("stop")
    await until(lambda: "Withdrawn." in office.card())
    await office.slack.stand_in.acts.submit("lead", window["id"], {"reason": "too late"})
    assert "Dana Dev withdrew the request" in window["errors"]["reason"]


async def test_by_the_form_from_the_list_over_a_fault_to_the_card_and_the_start(office: Office) -> None:
    acts = office.slack.stand_in.acts
    await office.type("deploy")
    form = await office.window("dev", "chom_deploy")
    (offered,) = await acts.suggest("dev", form["id"], "chom_version", "")
    labels = [option["text"]["text"] for option in offered["options"]]
    assert labels == ["v1.2", "v1.1 · live on production and staging", "v1.3"]
    await acts.submit("dev", form["id"], {"version": "v1.1"})
    assert form["errors"] == {"version": "v1.1 is live on production already."}
    await acts.submit("dev", form["id"], {"version": "v1.2", "reason": 'it\'s "the" new checkout\n<!channel>'})
    await until(lambda: "Approval needed" in office.card() and "|Open its card>" in seen_text(form | {"text": ""}))
    assert 'it\'s "the" new checkout &lt;!channel&gt;' in office.card() and len(office.cards()) == 1
    (change,) = await office.store.waiting()
    await office.click("chom_approve", "lead")
    await until(lambda: office.starts.runs)
    assert office.starts.runs == [change]


async def test_a_form_for_a_busy_environment_says_who_has_it(office: Office) -> None:
    await office.type("deploy v1.2 to staging")
    await until(lambda: office.starts.runs and office.cards())
    await office.type("deploy", "cto")
    form = await office.window("cto", "chom_deploy")
    await office.slack.stand_in.acts.submit("cto", form["id"], {"version": "v1.3", "environment": "staging"})
    assert "Deploy v1.2 to staging has been running since" in form["errors"]["environment"] and len(office.cards()) == 1


async def test_chom_alone_leads_the_tech_lead_to_what_waits(office: Office) -> None:
    await office.type("deploy v1.2")
    await until(lambda: "Approval needed" in office.card())
    await office.type("", "lead")
    told = await office.whispered("lead", "waits for your approval")
    assert "Deploy v1.2 to production" in told
    assert office.cards()[0]["ts"].replace(".", "") in str(office.slack.whispers("lead")[-1]["blocks"])


async def test_a_second_deploy_while_one_runs_says_who_has_it_with_a_link(office: Office) -> None:
    await office.type("deploy v1.2")
    await until(lambda: "Approval needed" in office.card())
    await office.click("chom_approve", "lead")
    await until(lambda: "Starting" in office.card())
    await office.type("deploy v1.3", "cto")
    told = await office.whispered("cto", "has been running since")
    assert "Dana Dev" in told and "Deploy v1.2" in told and "`/chom stop`" in told
    link = f"{office.slack.base}/archives/C0DEPLOYS/p{office.cards()[0]['ts'].replace('.', '')}"
    assert link in told and len(office.cards()) == 1


async def test_what_moved_since_it_was_asked_voids_it_on_the_card(office: Office) -> None:
    await office.type("deploy v1.2")
    await until(lambda: "Approval needed" in office.card())
    office.servers.current = OLD.id
    await office.click("chom_approve", "lead")
    await office.whispered("lead", "production serves v1.0 now")
    await until(lambda: "No longer valid." in office.card())
    assert office.starts.runs == []


async def test_staging_needs_nobody_and_is_stopped_by_its_button(office: Office) -> None:
    await office.type("deploy v1.2 to staging")
    await until(lambda: "Starting" in office.card())
    assert len(office.starts.runs) == 1
    await office.click("chom_stop", "dev")
    await until(lambda: "Stopping, as Dana Dev asked." in office.card())
    await office.type("stop staging", "lead")
    await office.whispered("lead", "Dana Dev has pressed Stop")


async def test_a_request_is_withdrawn_by_who_made_it(office: Office) -> None:
    await office.type("deploy v1.2")
    await until(lambda: "Approval needed" in office.card())
    await office.type("stop")
    await office.whispered("dev", "Withdrawn: Deploy v1.2 to production")
    await until(lambda: "Withdrawn." in office.card())


async def test_a_plan_and_the_status_start_nothing(office: Office) -> None:
    await office.type("plan deploy v1.2")
    assert "m2" in await office.whispered("dev", "nothing has been started")
    await office.type("status")
    told = await office.whispered("dev", "serves v1.1 on production-1")
    assert "serves v1.1 on staging-1" in told
    assert office.slack.messages() == [] and await office.store.recent() == []


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("depoly v1.2", "Did you mean"),
        ("deploy v9.9", "The newest are v1.3 and v1.2"),
        ("deploy v1.2; rm -rf /", "is not a version"),
        ("deploy --flag", ""),
        ("deploy ../x", "is not a version"),
        ("deploy $(reboot)", "is not a version"),
        ("deploy <!channel>", "is not a version"),
        ("deploy v1.2 to moon", 'no environment "moon"'),
        ("deploy " + "x" * 10_000, ""),
        ("deploy \u202ev1.2\u2066", ""),
        ("deploy v1.1", "already live"),
    ],
)
async def test_bad_input_gets_a_sentence_and_nothing_else(office: Office, typed: str, words: str) -> None:
    await office.type(typed)
    told = await office.whispered("dev", words)
    assert len(told) < 4000 and not re.search(r"<!(?!date)|[\u202a-\u202e\u2066-\u2069]|Traceback", told)
    assert office.slack.messages() == [] and office.starts.runs == []


async def test_a_card_says_nothing_that_its_reader_could_not_act_on(office: Office) -> None:
    """Read at a bus stop: what, to where, by whom, and who is next, in the first two lines and in the notification."""
    await office.type("deploy v1.2")
    await until(lambda: "Approval needed" in office.card())
    card = office.cards()[-1]
    first = "\n".join(block["text"]["text"] for block in card["blocks"][:2])
    for text in (first, card["text"]):
        assert "v1.2" in text and "production" in text and "Tech Lead" in text
    assert replace(PEOPLE["dev"]).name in card["text"]
