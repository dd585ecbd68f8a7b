"""The beginning and the end of a bot in Slack: set up wrong, Slack down, requests under way, too many."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from bot.slack.app import SlackFace, Waits
from bot.slack.connection.manifest import manifest
from bot.slack.connection.web import SlackUnusable
from policies.change import Account
from tests.slack.conftest import Faced, faced
from tests.slack.support import BRISK, FakeDesk, FakeMemory, RealClock, Slack, start_slack, until


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    """A Slack without a bot."""
    made = await start_slack(limits=False)
    yield made
    await made.server.close()


def face_of(slack: Slack, desk: FakeDesk | None = None, **more: str) -> SlackFace:
    return SlackFace(desk or FakeDesk(), slack.settings(**more), FakeMemory(), RealClock(), BRISK)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"bot_token": "xoxb-wrong"}, "Slack does not accept the bot token"),
        ({"app_token": "xapp-wrong"}, "Slack does not accept the app token"),
        ({"team": "T0OTHER"}, "belongs to the workspace T0CHOM; chom.toml says T0OTHER"),
    ],
)
async def test_what_is_set_up_wrong_is_said_at_the_start(slack: Slack, more: dict[str, str], said: str) -> None:
    face = face_of(slack, **more)
    with pytest.raises(SlackUnusable, match=re.escape(said)):
        await face.start()
    assert not face.connected
    await face.close()


async def test_a_missing_scope_is_named_at_the_start() -> None:
    slack = await start_slack(limits=False, granted=granted_without("chat:write"))
    face = face_of(slack)
    with pytest.raises(SlackUnusable, match="lacks chat:write"):
        await face.start()
    await face.close()
    await slack.server.close()


def granted_without(scope: str):
    """The app as it was installed, one scope short."""
    from bot.sandbox.slack.people import Granted

    made = manifest()
    made["oauth_config"]["scopes"]["bot"].remove(scope)
    return Granted.by(made)


async def test_a_slack_that_is_down_at_the_start_is_connected_to_when_it_is_back(
    slack: Slack,
) -> None:
    await slack.stand_in.fault({"slack": "down", "seconds": 60})
    face = SlackFace(FakeDesk(), slack.settings(), FakeMemory(), RealClock(), Waits(boot=0.2))
    await face.start()
    assert not face.connected
    await slack.stand_in.fault({"slack": "up"})
    await until(lambda: face.connected)
    await face.close()


async def test_what_was_acked_is_ended_before_the_bot_goes() -> None:
    async with faced("socket") as bot:
        free = asyncio.Event()
        bot.desk.before = free.wait
        await bot.type("deploy v1.2")
        await until(lambda: bot.desk.asked)
        await bot.face.stop_intake()
        assert not bot.face.connected
        assert await bot.type("deploy v1.3") != "acked"
        free.set()
        await bot.face.close()
        assert len(bot.slack.whispers("dev")) == 2 and len(bot.desk.asked) == 1


async def test_too_much_at_once_is_said_in_the_ack_and_nothing_is_done(bot: Faced) -> None:
    free = asyncio.Event()
    bot.desk.before = free.wait
    bot.face._errands._most = 3
    for _ in range(3):
        assert await bot.type("deploy v1.2") == "acked"
    await bot.type("deploy v1.2")
    assert "Try again in a minute" in (await bot.slack.whisper("dev"))["text"]
    assert len(bot.desk.asked) == 3
    free.set()


async def test_an_answer_that_slack_will_not_take_by_response_url_goes_the_other_way(bot: Faced) -> None:
    from bot.slack.acts.asker import Asker, Teller
    from bot.slack.messages.texts import said

    teller: Teller = bot.face._teller
    asker = Asker(Account("T0CHOM", "U0DEV"), "C0DEPLOYS", f"{bot.slack.base}/actions/T0CHOM/gone", "1")
    await teller.tell(asker, said("Here it is."))
    assert (await bot.slack.whisper("dev"))["text"] == "Here it is."
