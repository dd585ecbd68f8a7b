"""The night when Slack is down: everything typed in a shell, against real servers, and no bot that serves."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator

import pytest
from typer.testing import CliRunner

from bot.cli import cli
from bot.shell import login
from bot.store import Store
from bot.store.decisions import Act
from tests.journeys.scene import crash
from tests.journeys.terminal import Terminal
from tests.journeys.town import GOOD, MIGRATIONS, SLOW, Town, eventually

OLGA = '[people.ops]\nname = "Olga Ops"\nroles = ["devops"]\n'


class Night:
    """A town that begins anew, without a bot that serves and without Slack."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.terminals: list[Terminal] = []
        town.begin_anew()

    def env(self, person: str, more: str = "") -> dict[str, str]:
        """The environment of a shell in which whoever runs this test is that person of the town's chom.toml."""
        text = self.town.toml(self.town.servers[:1]).read_text().replace('unix = ["lead"]\n', "") + OLGA
        config = self.town.directory / f"{person}.toml"
        config.write_text(text.replace(f"[people.{person}]\n", f'[people.{person}]\nunix = ["{login()}"]\n') + more)
        env = {key: value for key, value in os.environ.items() if not key.startswith("SLACK_")}
        return env | {"CHOM_REDIS_URL": self.town.redis.url, "CHOM_CONFIG": str(config)}

    async def types(self, person: str, *words: str) -> Terminal:
        """The command, begun."""
        self.terminals.append(Terminal(self.town, self.env(person), *words))
        return self.terminals[-1]

    async def hears(self, person: str, *words: str, status: int = 0) -> str:
        """All that the command says, once it has ended with that status."""
        return await (await self.types(person, *words)).ends(status)


@pytest.fixture
async def night(town: Town) -> AsyncIterator[Night]:
    one = Night(town)
    yield one
    for terminal in one.terminals:
        await terminal.close()


async def test_from_a_plan_to_history(night: Night) -> None:
    """Planned, asked for, refused to its asker, approved by the Tech Lead, walked by the shells themselves, told."""
    plan = await night.hears("dev", "plan", "deploy", GOOD)
    assert plan.startswith(f"Deploy {GOOD} to production\n")
    assert re.search(r"\n  [0-9]+\. .*2 migrations.* \(cannot be undone\)\n", plan), plan
    assert f"cannot be undone: The database keeps {MIGRATIONS[0]} and {MIGRATIONS[1]}." in plan
    assert "  Category 1 because " in plan and "Only a plan: nothing has been started" in plan
    assert "Lee Lead can approve it." in plan
    with night.town.redis.client() as client:
        assert client.keys("chom:change:*") == [], "a plan leaves nothing behind"

    deploy = await night.types("dev", "deploy", GOOD, "reason=the new checkout")
    change = await deploy.until(r"In a shell: chom-bot approve (chg-\w+)")
    assert "Waiting for a Tech Lead: Lee Lead." in deploy.said and "(“the new checkout”)" in deploy.said
    own = await night.hears("dev", "approve", change, status=2)
    assert own.startswith("You asked for this yourself, so somebody else has to decide it. Waiting for a Tech Lead")
    assert own.count("Lee Lead") == 1
    assert own.endswith(f" every change needs a Tech Lead. To withdraw it: `chom-bot stop {change}`.\n")
    which = await night.hears("lead", "approve", status=2)
    assert which == (
        f"Say which of what waits: Deploy {GOOD} to production ({change}). For example: `chom-bot approve {change}`.\n"
    )
    approve = await night.hears("lead", "approve", change)
    for said in (approve, await deploy.ends()):
        assert f"{GOOD} is live on production" in said.splitlines()[-1]
    assert f"production: app1 {GOOD}" in await night.hears("lead", "status", "of", "production")

    history = await night.hears("dev", "history")
    assert f"Deploy {GOOD} to production ({change})\n    done: {GOOD} is live on production. It took " in history
    assert "    asked for by Dana Dev (“the new checkout”); approved by Lee Lead.\n" in history


@pytest.mark.timeout(300)
async def test_an_emergency_is_explained_approved_and_reviewed(night: Night) -> None:
    """What would be asked, the rules tried, who could approve what waits, and who closes its review."""
    explained = await night.hears("dev", "policy", "explain", GOOD)
    assert explained.startswith(
        f"Deploy {GOOD} to production, if Dana Dev asks for it\n  ◷ Waiting for a Tech Lead: Lee Lead. Category 1"
    )
    as_lead = await night.hears("dev", "policy", "explain", GOOD, "--as", "lead")
    assert "if Lee Lead asks for it\n" in as_lead and "Nobody can approve this now" in as_lead
    assert f'type `chom-bot deploy {GOOD} emergency="why"`: Lee Lead can approve that alone.' in " ".join(
        as_lead.split()
    )
    nobody = await night.hears("dev", "policy", "explain", GOOD, "--as", "mallory", status=2)
    assert nobody.startswith('chom.toml names nobody as "mallory"; it names ')
    assert "    ◷ Still needs a Tech Lead: Lee Lead can approve it.\n" in explained
    assert re.fullmatch(r"\d+ cases, 0 failures\.\n", await night.hears("dev", "policy", "test"))

    deploy = await night.types("dev", "deploy", GOOD, "emergency=the shop answers 500")
    change = await deploy.until(r"In a shell: chom-bot approve (chg-\w+)")
    who = await night.hears("ops", "who")
    assert who.startswith(f"EMERGENCY: Deploy {GOOD} to production\n") and "Lee Lead can approve it." in who
    await night.hears("lead", "approve", change)
    await deploy.ends()

    own = await night.hears("lead", "review", change, "all well", status=2)
    assert own == "You asked for this emergency or approved it, so somebody else has to review it. Olga Ops can.\n"
    assert f"waits for its review: EMERGENCY: Deploy {GOOD}" in await night.hears("ops", "status")
    said = "An index was missing; a test finds that now."
    assert await night.hears("ops", "review", change, said) == f"Reviewed: EMERGENCY: Deploy {GOOD} to production.\n"
    assert f"reviewed by Olga Ops: “{said}”" in await night.hears("dev", "history")
    store = Store(night.town.redis.url)
    acts = [(one.act, one.person) for one in await store.decisions(change) if one.act is not Act.ASKED]
    await store.close()
    assert acts == [
        (Act.APPROVED, "lead"),
        (Act.OVERRIDDEN, "lead"),
        (Act.REFUSED, "lead"),
        (Act.REVIEWED, "ops"),
    ]


async def test_a_question_is_answered_in_a_shell(night: Night) -> None:
    """The server loses a migration, and nobody can press a button."""
    (server, *_) = night.town.servers
    deploy = await night.types("dev", "deploy", SLOW)
    change = await deploy.until(r"chom-bot approve (chg-\w+)")
    asks_nothing = await night.hears("lead", "answer", change, "turn", "back", status=2)
    assert f"Deploy {SLOW} to production asks nothing now" in asks_nothing
    approve = await night.types("lead", "approve", change)
    await eventually(lambda: f"migrated {MIGRATIONS[0]}" in server.effects())
    await crash(server)
    assert await approve.until(r"In a shell: chom-bot answer (chg-\w+) turn back") == change
    wrong = await night.hears("lead", "answer", change, "perhaps", status=2)
    assert 'The answers are: try again, turn back. "perhaps" is none of them.' in wrong
    answer = await night.types("lead", "answer", change, "turn", "back")
    for one in (answer, approve, deploy):
        assert f"{SLOW} is not live on production: the answer was “turn back”." in await one.ends(1)


async def test_a_run_whose_bot_is_dead_is_stopped_and_walked_in_a_shell(night: Night) -> None:
    """The bot that took it died in a migration, and so did the first shell that stopped it."""
    (server, *_) = night.town.servers
    deploy = await night.types("dev", "deploy", SLOW)
    change = await deploy.until(r"chom-bot approve (chg-\w+)")
    deploy.kill()
    approve = await night.types("lead", "approve", change)
    await eventually(lambda: f"migrated {MIGRATIONS[0]}" in server.effects())
    approve.kill()
    with night.town.redis.client() as client:
        await eventually(lambda: not client.exists(f"chom:lease:{change}"))
    told = await night.hears("dev", "status")
    assert f"No bot goes on with it now. To go on here: `chom-bot follow {change}`; to turn it back: " in told
    follow = await night.types("dev", "follow")
    await follow.until(r"  (Started by Lee Lead)\n")
    with night.town.redis.client() as client:
        await eventually(lambda: client.exists(f"chom:lease:{change}"))
    assert "No bot goes on" not in await night.hears("dev", "status")
    follow.kill()
    stop = await night.types("lead", "stop", change)
    await stop.until(r"(pressed Stop)")
    stop.kill()
    said = await night.hears("lead", "stop", "production", status=1)
    assert "Lee Lead has pressed Stop (20" in said and "and it is stopping." in said
    assert f"{SLOW} is not live on production" in said
    assert (await night.hears("dev", "follow", change, status=1)).splitlines()[-1] == said.splitlines()[-1]


async def test_reject_and_stop_and_nothing_that_waits(night: Night) -> None:
    deploy = await night.types("dev", "deploy", GOOD)
    first = await deploy.until(r"chom-bot approve (chg-\w+)")
    rejected = await night.hears("lead", "reject", first, "not", "on", "a", "Friday")
    assert "Lee Lead" in rejected and "not on a Friday" in rejected
    assert await night.hears("lead", "reject", status=2) == "Nothing waits for an approval.\n"
    assert await night.hears("dev", "stop", status=2) == (
        "Nothing is running and nothing waits, so there is nothing to stop.\n"
    )
    assert "so there is nothing to follow." in await night.hears("dev", "follow", status=2)
    again = await night.types("dev", "deploy", GOOD)
    await again.until(r"chom-bot approve (chg-\w+)")
    said = await night.hears("dev", "stop", "production")
    assert f"Withdrawn: Deploy {GOOD} to production.\n" in said
    assert "Dana Dev withdrew the request before it started (20" in said
    assert "withdrew" in await again.ends(1)
    history = await night.hears("lead", "history")
    assert "withdrawn" in history and "rejected" in history and "not on a Friday" in history, history


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("deploy --flag", '"--flag" is not understood; there are no dashes here, options are written key=value.'),
        ("deploy ../x", '"../x" is not a version; one looks like v1.2 or v1.0.1.'),
        ("plan", "Say what to plan, for example `chom-bot plan deploy v1.2`."),
        ("plan aprove", "There is no command \"aprove\". Did you mean: chom-bot approve <change>?"),
        ("plan status", "status has no plan."),
        ("status of moon", 'There is no environment "moon"; there is production.'),
        ("history moon", 'There is no environment "moon"; there is production.'),
        ("stop chg-nothing", "There is no change chg-nothing. `chom-bot history` lists the last ones."),
        ("deploy v9.9", "v1.5"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_a_sentence(night: Night, words: str, said: str) -> None:
    told = CliRunner().invoke(cli, words.split(), env=night.env("dev"))
    assert (told.exit_code, told.stdout) == (2, "")
    assert said in told.stderr


async def test_a_login_that_nobody_has(night: Night) -> None:
    told = await night.hears("nobody", "plan", "deploy", GOOD, status=2)
    assert f'Nobody in chom.toml has the Unix login "{login()}".' in told
    assert await night.hears("nobody", "approve", "chg-aaaaaa", status=2) == told
    store = Store(night.town.redis.url)
    (refused,) = await store.decisions("chg-aaaaaa")
    await store.close()
    assert (refused.act, refused.account, refused.person) == (Act.REFUSED, f"unix:{login()}", "")
    assert refused.said.startswith("approve: Nobody in chom.toml has the Unix login")


async def test_slacks_tokens_are_needed_to_serve_and_not_in_a_shell(night: Night) -> None:
    env = night.env("dev", '[slack]\nteam = "T0CHOM"\nchannel = "C0DEPLOYS"\n')
    for words, status, said in (
        ("status", 0, "production: app1"),
        ("serve", 2, 'SLACK_BOT_TOKEN is not set to a bot token ("xoxb-…").'),
    ):
        night.terminals.append(Terminal(night.town, env, words))
        assert said in await night.terminals[-1].ends(status)
