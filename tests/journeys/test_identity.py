"""Who one is: team and user id, whatever account or name one comes with; and everything twice, on lines that break."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest

from bot.sandbox.slack.carrier import Kind
from bot.slack.app import SlackFace
from bot.store.decisions import Act
from policies.change import Account, Need, Person, Requirement, Role
from policies.people import Standing
from tests.journeys.office import Office, open_office
from tests.slack.changes import PEOPLE
from tests.slack.support import BRISK, RealClock, until
from tests.support.redis import RedisServer
from tests.support.rules import lead_and_devops

LEAD2 = Account("T0CHOM", "U0LEAD2")
TWICE = PEOPLE | {
    "lead": replace(PEOPLE["lead"], accounts=(*PEOPLE["lead"].accounts, LEAD2), unix=("lea",)),
    "devops": replace(PEOPLE["devops"], roles=frozenset({Role.TECH_LEAD, Role.DEVOPS})),
}
"""Lea has two accounts and a login; Omar may approve too."""
OUTSIDE = PEOPLE | {
    name: Person(name, name, frozenset({Role.TECH_LEAD}), (Account(team, user),))
    for name, team, user in (
        ("guest", "T0CHOM", "U0GUEST"),
        ("visitor", "T0CHOM", "U0VISITOR"),
        ("gone", "T0CHOM", "U0GONE"),
        ("stranger", "T0ELSEWHERE", "U0STRANGER"),
    )
}
"""chom.toml names them, as Tech Leads at that."""


@pytest.fixture
async def doors(redis: RedisServer) -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def waiting(office: Office, by: str = "dev") -> str:
    """A deploy that waits for a Tech Lead; its id."""
    await office.type("deploy v1.2", by)
    await until(lambda: "Approval needed" in office.card())
    return (await office.store.waiting())[0]


# --- one person --------------------------------------------------------------


@pytest.mark.parametrize(("asks", "decides"), [("lead", "lead2"), ("lead2", "lead")])
async def test_ones_own_request_is_not_approved_with_ones_second_account(
    doors: AsyncExitStack, redis: RedisServer, asks: str, decides: str
) -> None:
    office = await doors.enter_async_context(open_office(redis, TWICE))
    change = await waiting(office, asks)
    await office.click("chom_approve", decides)
    await office.whispered(decides, "You asked for this yourself")
    view = await office.desk.view(change)
    with pytest.raises(Exception, match="You asked for this yourself"):
        await office.desk.approve(change, view.change.digest, office.desk.unix_person("lea"), "unix:lea")
    assert (await office.store.approvals(change))[1] == 0 and office.starts.runs == []


async def test_two_approvals_are_of_two_people_whatever_the_accounts(doors: AsyncExitStack, redis: RedisServer) -> None:
    both = replace(TWICE["lead"], roles=frozenset({Role.TECH_LEAD, Role.DEVOPS}))
    office = await doors.enter_async_context(open_office(redis, TWICE | {"lead": both}, rules=lead_and_devops()))
    change = await waiting(office)
    for account in ("T0CHOM:U0LEAD", "T0CHOM:U0LEAD2", "unix:lea"):
        view = await office.desk.approve(change, (await office.store.change(change)).digest, both, account)
        assert view.verdict.kind == "waiting" and len(view.verdict.missing) == 1
    assert [a.person for a in view.approvals] == ["lead"] and office.starts.runs == []
    await office.desk.approve(change, view.change.digest, office.desk.people["devops"], "T0CHOM:U0DEVOPS")
    assert office.starts.runs == [change]


async def needing(office: Office, *needs: Need) -> str:
    """A change that waits for all of them, whatever the rules say, and so never starts; its id."""
    first = await office.desk.preview("deploy v1.2", PEOPLE["dev"])
    change = replace(first.change, requirement=Requirement(2, "because.", needs))
    await office.store.put_change(change)
    return change.id


async def test_an_approval_of_an_account_that_is_no_members_any_more_is_given_again_with_another(
    doors: AsyncExitStack, redis: RedisServer
) -> None:
    office = await doors.enter_async_context(open_office(redis, TWICE))
    change = await needing(office, Need(Role.TECH_LEAD), Need(Role.TECH_LEAD))
    digest = (await office.store.change(change)).digest
    await office.desk.approve(change, digest, office.desk.people["lead"], "T0CHOM:U0LEAD2")
    await office.desk.roster.learn_account(LEAD2, Standing.GONE, RealClock().now())
    assert (await office.desk.view(change)).verdict.approvers == {}
    view = await office.desk.approve(change, digest, office.desk.people["lead"], "T0CHOM:U0LEAD")
    assert view.verdict.approvers == {"lead": Role.TECH_LEAD}


# --- who is outside ----------------------------------------------------------


@pytest.mark.parametrize("who", ["guest", "visitor"])
async def test_a_guest_can_do_nothing_though_chom_toml_names_them(
    doors: AsyncExitStack, redis: RedisServer, who: str
) -> None:
    office = await doors.enter_async_context(open_office(redis, OUTSIDE))
    change = await waiting(office)
    for typed in ("deploy v1.3", "plan deploy v1.3", "status", "history", "stop", "rollback"):
        await office.type(typed, who)
    for action in ("chom_approve", "chom_reject", "chom_show_plan"):
        await office.click(action, who)
    await until(lambda: len(office.slack.whispers(who)) == 9)
    assert {m["text"] for m in office.slack.whispers(who)} == {
        "You are a guest in this Slack workspace, and guests cannot ask for or decide anything here. "
        "A full member has to."
    }
    assert len(await office.store.recent()) == 1 and office.starts.runs == []
    digest = (await office.store.change(change)).digest
    refused = [one for one in await office.store.decisions(change) if one.act is Act.REFUSED]
    assert {(one.account, one.person) for one in refused} == {(f"T0CHOM:U0{who.upper()}", who)}
    assert [(one.digest, one.rules) for one in refused] == [(digest, office.desk.rules.sha256)] * 3
    wanted = [one.said.partition(": ")[0] for one in await office.store.decisions("")]
    assert sorted(wanted) == ["deploy v1.3", "history", "plan deploy v1.3", "rollback", "status", "stop"]
    await until(lambda: "Approval needed" in office.card() and "U0GUEST" not in office.card())
    await office.type("help", who)
    await until(lambda: len(office.slack.whispers(who)) == 10)


async def clicked_in_vain(office: Office, change: str) -> tuple[str, str]:
    """The account and the person whose last click on it is written down as refused."""
    last = (await office.store.decisions(change))[-1]
    assert last.act is Act.REFUSED and last.said.startswith("chom_approve: You belong to another Slack workspace.")
    assert (last.digest, last.rules) == ((await office.store.change(change)).digest, office.desk.rules.sha256)
    return last.account, last.person


async def test_a_stranger_in_the_shared_channel_can_click_and_nothing_comes_of_it(
    doors: AsyncExitStack, redis: RedisServer
) -> None:
    office = await doors.enter_async_context(open_office(redis, OUTSIDE))
    change = await waiting(office)
    await office.click("chom_approve", "stranger")
    await office.whispered("stranger", "You belong to another Slack workspace")
    assert await clicked_in_vain(office, change) == ("T0ELSEWHERE:U0STRANGER", "stranger")
    assert (await office.store.approvals(change))[1] == 0 and office.starts.runs == []


async def test_who_shares_only_the_user_id_with_a_tech_lead_is_a_stranger(
    doors: AsyncExitStack, redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    office = await doors.enter_async_context(open_office(redis))
    change = await waiting(office)
    card = office.cards()[-1]
    button = next(
        b for block in card["blocks"] for b in block.get("elements", ()) if b.get("action_id") == "chom_approve"
    )
    click: dict[str, Any] = {
        "type": "block_actions",
        "user": {"id": "U0LEAD", "team_id": "T0ELSEWHERE", "name": "lead"},
        "team": {"id": "T0CHOM"},
        "channel": {"id": "C0DEPLOYS"},
        "container": {"message_ts": card["ts"], "channel_id": "C0DEPLOYS"},
        "message": card,
        "trigger_id": "1.2.3",
        "response_url": "",
        "actions": [{"action_id": "chom_approve", "block_id": "b", "type": "button", "value": button["value"]}],
    }
    await office.slack.stand_in.carrier.deliver(Kind.INTERACTIVE, click)
    await until(lambda: "T0ELSEWHERE:U0LEAD is refused: You belong to another Slack workspace" in caplog.text)
    async with asyncio.timeout(5):
        while (await office.store.decisions(change))[-1].act is not Act.REFUSED:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert await clicked_in_vain(office, change) == ("T0ELSEWHERE:U0LEAD", "")
    assert (await office.store.approvals(change))[1] == 0 and office.starts.runs == []


# --- user groups -------------------------------------------------------------


async def test_a_tech_lead_of_chom_toml_who_is_not_in_the_group_is_told_why_they_cannot_approve(
    doors: AsyncExitStack, redis: RedisServer
) -> None:
    office = await doors.enter_async_context(open_office(redis, TWICE, {Role.TECH_LEAD: "S0LEADS"}))
    await waiting(office)
    await until(lambda: "<@U0LEAD>" in office.card() and "<@U0DEVOPS>" not in office.card())
    await office.click("chom_approve", "devops")
    told = await office.whispered("devops", "only while you are in the Slack user group S0LEADS")
    assert "Only a Tech Lead" in told and office.starts.runs == []
    await office.click("chom_approve", "lead")
    await until(lambda: office.starts.runs)


async def test_the_card_names_who_can_approve_now(doors: AsyncExitStack, redis: RedisServer) -> None:
    office = await doors.enter_async_context(open_office(redis, TWICE, {Role.TECH_LEAD: "S0LEADS"}))
    await waiting(office)
    await until(lambda: "<@U0LEAD>" in office.card() and "<@U0DEVOPS>" not in office.card())
    await office.desk.roster.learn_group("S0LEADS", ("U0DEVOPS",), RealClock().now())
    await until(lambda: "<@U0DEVOPS>" in office.card() and "<@U0LEAD>" not in office.card())


async def test_who_leaves_the_group_after_approving_counts_no_more(doors: AsyncExitStack, redis: RedisServer) -> None:
    office = await doors.enter_async_context(open_office(redis, TWICE, {Role.TECH_LEAD: "S0LEADS"}))
    change = await needing(office, Need(Role.TECH_LEAD), Need(Role.CTO))
    digest = (await office.store.change(change)).digest
    await office.desk.approve(change, digest, office.desk.people["lead"], "T0CHOM:U0LEAD")
    await office.desk.roster.learn_group("S0LEADS", (), RealClock().now())
    view = await office.desk.approve(change, digest, office.desk.people["cto"], "T0CHOM:U0CTO")
    assert view.verdict.approvers == {"cto": Role.CTO} and office.starts.runs == []


# --- at least once, on lines that break --------------------------------------


@pytest.mark.parametrize("fault", ["cut", "half", "unacked", "refresh_requested", "mute"])
async def test_everything_delivered_twice_to_two_bots_whose_lines_break_in_mid_approval_is_one_start(
    doors: AsyncExitStack, redis: RedisServer, fault: str
) -> None:
    office = await doors.enter_async_context(open_office(redis))
    second = SlackFace(office.desk, office.slack.settings(), office.store, RealClock(), BRISK)
    await second.start()
    doors.push_async_callback(second.close)
    change = await waiting(office)
    stand_in = office.slack.stand_in
    stand_in.sockets.ack_seconds = 1.0
    await stand_in.fault({"deliver": "twice"})
    ts, value = office.cards()[-1]["ts"], f"{change}:{(await office.store.change(change)).digest}"

    async def press() -> str:
        return str(await stand_in.acts.click("lead", "deploys", ts, "chom_approve", value))

    first = asyncio.create_task(press())
    await asyncio.sleep(0)
    await stand_in.fault({"socket": fault})
    outcomes = [*await asyncio.gather(first, press(), press())]
    while "acked" not in outcomes:  # the person sees that nothing came of it, and presses again
        outcomes.append(await press())
    await until(lambda: office.starts.runs)
    await asyncio.sleep(0.3)
    assert office.starts.runs == [change]
    assert [a.person for a in (await office.store.approvals(change))[0]] == ["lead"]
    assert await office.store.length(change) == 1
