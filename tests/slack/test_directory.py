"""Who may act at all, and which roles count, as Slack says it; and what counts while Slack says nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from bot.desk.roster import Roster
from bot.slack.connection.directory import REFUSED, Ages, Directory, standing_of
from bot.slack.connection.web import new_client, new_session
from policies.change import Account, Person, Role
from policies.people import Standing
from tests.slack.changes import PEOPLE
from tests.slack.support import Slack, start_slack, until

LEAD = Account("T0CHOM", "U0LEAD")
LEADS = {Role.TECH_LEAD: "S0LEADS"}


@dataclass
class Door:
    """Before the stand-in: counts the calls, and marks users as Slack would."""

    marks: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    def asked(self, method: str) -> int:
        return self.calls.count(method)

    def middleware(self) -> Any:
        @web.middleware
        async def door(request: web.Request, handler: Any) -> web.StreamResponse:
            method = request.path.rpartition("/")[2]
            self.calls.append(method)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            try:
                user = request.query.get("user", "")
                if method == "users.info" and user in self.marks:
                    return web.json_response({"ok": True, "user": {"id": user, "team_id": "T0CHOM"} | self.marks[user]})
                return await handler(request)
            finally:
                self.at_once -= 1

        return door


class Watch:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Kept(dict[str, str]):
    """What the store keeps."""

    async def roster(self) -> dict[str, str]:
        return self

    async def set_roster(self, about: str, text: str) -> None:
        self[about] = text


@dataclass
class Office:
    slack: Slack
    door: Door
    clock: Watch = field(default_factory=Watch)
    kept: Kept = field(default_factory=Kept)

    @asynccontextmanager
    async def directory(
        self, groups: dict[Role, str] | None = None, ages: Ages | None = None, people: dict[str, Person] = PEOPLE
    ) -> AsyncIterator[tuple[Directory, Roster]]:
        """One bot's; `keep` is left to the test."""
        roster = Roster(people, team="T0CHOM", groups=groups, memory=self.kept)
        session, settings = new_session(), self.slack.settings()
        client = new_client(settings, session, token=settings.bot_token, retrying=False)
        try:
            yield Directory(client, roster, "T0CHOM", self.clock, ages or Ages(answer=0.5)), roster
        finally:
            await session.close()

    @asynccontextmanager
    async def kept_up(self, groups: dict[Role, str], **more: Any) -> AsyncIterator[tuple[Directory, Roster]]:
        """One bot's, asking again and again."""
        async with self.directory(groups, **more) as (directory, roster):
            keeping = asyncio.create_task(directory.keep())
            try:
                yield directory, roster
            finally:
                keeping.cancel()
                await asyncio.gather(keeping, return_exceptions=True)

    async def fails(self, method: str, how: str = "500") -> None:
        await self.slack.stand_in.fault({"slack": how, "method": method, "seconds": 600})

    async def works(self) -> None:
        await self.slack.stand_in.fault({"slack": "up"})


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    door = Door()
    slack = await start_slack(door.middleware(), limits=True)
    yield Office(slack, door)
    await slack.server.close()


MARKS: list[tuple[dict[str, Any], Standing]] = [
    ({}, Standing.MEMBER),
    ({"is_admin": True, "is_app_user": True}, Standing.MEMBER),
    ({"is_restricted": True}, Standing.GUEST),
    ({"is_restricted": True, "is_ultra_restricted": True}, Standing.GUEST),
    ({"is_bot": True}, Standing.BOT),
    ({"is_workflow_bot": True}, Standing.BOT),
    ({"id": "USLACKBOT"}, Standing.BOT),
    ({"deleted": True, "is_restricted": True}, Standing.GONE),
    ({"is_stranger": True}, Standing.STRANGER),
    ({"team_id": "T0OTHER"}, Standing.STRANGER),
    ({"team_id": None}, Standing.STRANGER),
    ({"team_id": "T0OTHER", "enterprise_user": {"id": "W1", "teams": ["T0CHOM"]}}, Standing.MEMBER),
    ({"team_id": "T0OTHER", "enterprise_user": {"id": "W1", "teams": ["T0THIRD"]}}, Standing.STRANGER),
]


@pytest.mark.parametrize(("marks", "standing"), MARKS)
def test_a_user_object_is_read_to_the_members_disadvantage(marks: dict[str, Any], standing: Standing) -> None:
    assert standing_of({"id": "U1", "team_id": "T0CHOM"} | marks, "T0CHOM") is standing


# --- accounts ----------------------------------------------------------------


async def test_a_member_is_asked_about_once_in_five_minutes_however_many_ask_at_once(office: Office) -> None:
    async with office.directory() as (directory, _):
        assert await asyncio.gather(*(directory.refused(LEAD) for _ in range(50))) == [""] * 50
        office.clock.time += timedelta(seconds=299)
        assert await directory.refused(LEAD) == ""
        assert office.door.asked("users.info") == 1
        office.clock.time += timedelta(seconds=2)
        assert await directory.refused(LEAD) == ""
        assert office.door.asked("users.info") == 2


@pytest.mark.parametrize(
    ("mark", "standing"),
    [({"is_restricted": True}, Standing.GUEST), ({"is_bot": True}, Standing.BOT), ({"deleted": True}, Standing.GONE)],
)
async def test_who_is_no_full_member_is_refused_and_counts_for_nothing(
    office: Office, mark: dict[str, Any], standing: Standing
) -> None:
    office.door.marks["U0LEAD"] = mark
    async with office.directory() as (directory, roster):
        assert await directory.refused(LEAD) == REFUSED[standing]
        assert roster.people()["lead"].accounts == ()
        assert await directory.refused(Account("T0CHOM", "U0DEV")) == ""


async def test_an_account_that_slack_does_not_know_is_no_members(office: Office) -> None:
    people = {"ghost": Person("ghost", "Ghost", frozenset({Role.CTO}), (Account("T0CHOM", "U0NOBODY"),))}
    async with office.directory(people=people) as (directory, _):
        assert await directory.refused(Account("T0CHOM", "U0NOBODY")) == REFUSED[Standing.STRANGER]


async def test_another_workspace_is_refused_and_nobodys_account_is_left_to_the_desk_without_a_question(
    office: Office,
) -> None:
    async with office.directory() as (directory, _):
        assert await directory.refused(Account("T0OTHER", "U0LEAD")) == REFUSED[Standing.STRANGER]
        assert await directory.refused(Account("T0CHOM", "U0UNKNOWN")) == ""
    assert office.door.calls == []


@pytest.mark.parametrize("how", ["500", "429", "down", "slow"])
async def test_while_slack_cannot_say_what_it_said_last_counts_and_the_log_says_so(
    office: Office, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    office.door.marks["U0DEV"] = {"is_restricted": True}
    dev, ops = Account("T0CHOM", "U0DEV"), Account("T0CHOM", "U0DEVOPS")
    async with office.directory(ages=Ages(answer=0.2)) as (directory, _):
        await directory.refused(LEAD)
        await directory.refused(dev)
        office.door.marks.clear()
        await office.fails("" if how == "down" else "users.info", how)
        office.clock.time += timedelta(hours=9)
        said = [await directory.refused(account) for account in (LEAD, dev, ops, LEAD)]
        assert said == ["", REFUSED[Standing.GUEST], "", ""]
        told = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
        assert len(told) == 3 and all("What it said last counts, else chom.toml." in line for line in told)
        await office.works()
        assert await directory.refused(dev) == ""


async def test_a_known_guest_stays_refused_after_a_restart_without_slack(office: Office) -> None:
    office.door.marks["U0LEAD"] = {"is_ultra_restricted": True}
    async with office.directory() as (directory, _):
        await directory.refused(LEAD)
    await office.fails("users.info")
    office.clock.time += timedelta(days=1)
    async with office.directory() as (directory, roster):
        await roster.load()
        assert await directory.refused(LEAD) == REFUSED[Standing.GUEST]


async def test_those_who_do_nothing_are_looked_at_too(office: Office) -> None:
    office.door.marks["U0CTO"] = {"deleted": True}
    async with office.kept_up({}) as (_, roster):
        await until(lambda: not roster.people()["cto"].accounts)
        assert roster.people()["lead"] == PEOPLE["lead"]
    assert office.door.asked("users.info") == len(PEOPLE) and office.door.most_at_once == 1


# --- user groups -------------------------------------------------------------


async def test_a_role_counts_only_while_one_is_in_its_group(office: Office) -> None:
    both = PEOPLE | {"dev": Person("dev", "Dana", frozenset({Role.TECH_LEAD}), PEOPLE["dev"].accounts)}
    async with office.kept_up(LEADS, people=both) as (directory, roster):
        assert await directory.refused(Account("T0CHOM", "U0DEV")) == ""
        assert roster.people()["lead"].roles == {Role.TECH_LEAD}
        assert roster.people()["dev"].roles == frozenset()
        assert "S0LEADS" in roster.remark("dev")


async def test_an_act_waits_for_the_first_word_on_the_groups_but_not_for_ever(office: Office) -> None:
    await office.fails("usergroups.users.list", "slow")
    async with office.kept_up(LEADS, ages=Ages(answer=0.3)) as (directory, roster):
        begun = asyncio.get_running_loop().time()
        assert await directory.refused(LEAD) == ""
        assert asyncio.get_running_loop().time() - begun < 1.0
        assert roster.people()["lead"].roles == {Role.TECH_LEAD}


@pytest.mark.parametrize("how", ["500", "429"])
async def test_while_slack_cannot_say_who_is_in_a_group_its_last_word_counts_else_chom_toml(
    office: Office, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    await office.fails("usergroups.users.list", how)
    async with office.kept_up({Role.DEVOPS: "S0LEADS"}) as (_, roster):
        await until(lambda: "does not say who is in the user group S0LEADS" in caplog.text)
        assert roster.people() == PEOPLE
        assert "has not said" in roster.note(office.clock.now())
    await office.works()
    async with office.kept_up({Role.DEVOPS: "S0LEADS"}) as (_, roster):
        await until(lambda: Role.DEVOPS not in roster.people()["devops"].roles)
    await office.fails("usergroups.users.list", how)
    office.clock.time += timedelta(hours=2)
    async with office.kept_up({Role.DEVOPS: "S0LEADS"}) as (_, roster):
        await until(lambda: roster.people() != PEOPLE)
        assert "known as of 2026-11-23T12:00:00Z" in roster.note(office.clock.now())


async def test_a_group_that_is_not_there_gives_its_role_to_nobody_and_the_log_says_so(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    async with office.kept_up({Role.TECH_LEAD: "S0TYPO"}) as (_, roster):
        await until(lambda: roster.group("S0TYPO"))
        assert roster.people()["lead"].roles == frozenset()
    (line,) = [record for record in caplog.records if "S0TYPO" in record.getMessage()]
    assert line.levelno == logging.ERROR and "there is no such group" in line.getMessage()


async def test_three_bots_together_ask_once_a_minute_and_one_question_at_a_time(office: Office) -> None:
    groups = {Role.TECH_LEAD: "S0LEADS", Role.DEVOPS: "S0DEVOPS", Role.CTO: "S0CTO"}
    for account in (a for person in PEOPLE.values() for a in person.accounts):
        await Roster(PEOPLE, memory=office.kept).learn_account(account, Standing.MEMBER, office.clock.now())
    async with office.kept_up(groups) as one:
        await until(lambda: all(one[1].group(g) for g in groups.values()))
        async with office.kept_up(groups) as two, office.kept_up(groups) as three:
            await asyncio.gather(*(directory.refused(LEAD) for directory, _ in (one, two, three)))
            assert one[1].people() == two[1].people() == three[1].people()
    assert office.door.asked("usergroups.users.list") == 3 and office.door.most_at_once == 1


async def test_asked_without_pause_slack_is_obeyed_when_it_says_later(office: Office) -> None:
    """20 a minute are allowed; the stand-in counts."""
    async with office.kept_up(LEADS, ages=Ages(group=0.0)) as (_, roster):
        await until(lambda: office.door.asked("usergroups.users.list") > 20)
        await asyncio.sleep(0.3)
        assert office.door.asked("usergroups.users.list") == 21
        assert roster.people()["lead"].roles == {Role.TECH_LEAD}
