"""chom-bot check: a whole set-up is said to be whole, every fault is said at once, and nothing is started by it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from actions.engine.fleet import Artifact
from bot.checking.servers import servers
from bot.config import Secrets, load
from bot.sandbox.keep import any_port
from bot.sandbox.slack.people import Granted
from bot.slack.connection.manifest import manifest
from bot.starting import template
from tests.journeys.set_up import SLACK, SetUp, faults
from tests.journeys.town import GOOD, Town
from tests.slack.support import start_slack
from tests.support.redis import redis_server


@pytest.fixture
async def whole(town: Town) -> AsyncIterator[SetUp]:
    """Two servers, a Redis, a Slack and artifacts that lack nothing."""
    town.begin_anew()
    slack = await start_slack(limits=False)
    text = town.toml(town.servers).read_text() + SLACK
    text = text.replace('name = "Dana Dev"\n', 'name = "Dana Dev"\nslack = ["T0CHOM:U0DEV"]\n')
    yield SetUp(town, slack, text.replace("[people.lead]\n", '[people.lead]\nslack = ["T0CHOM:U0LEAD"]\n'))
    await slack.server.close()


@pytest.fixture
def forgetful(tmp_path: Path) -> Iterator[str]:
    """The address of a Redis that forgets."""
    with redis_server(tmp_path / "forgets", aof=False) as one:
        yield one.url


async def test_a_whole_set_up_and_nothing_is_started(whole: SetUp) -> None:
    with whole.town.redis.client() as client:
        before = client.keys("*")
        said = await whole.check(0)
        assert client.keys("*") == before
    assert faults(said) == []
    for line in (
        "ok     Redis: 127.0.0.1:",
        "/ and in its channel\n",
        "ok     app1: ",
        "ok     app2: ",
        "lets the bot in and lacks nothing; ",
        "ok     production from outside: every probe is answered",
        "note   CHOM_CONFIG_KEY: CHOM_CONFIG_KEY is not set, so no change of the servers'",
        "note   people: Only Lee Lead can approve for production, and so nobody what Lee Lead asks for.",
        "Nothing is missing. Next: chom-bot serve, and the first deploy.",
    ):
        assert line in said, said
    assert f"the newest, {GOOD}, is whole" in said
    assert whole.slack.messages() == []
    for server in whole.town.servers:
        assert {path.name.partition("~")[0] for path in (server.state / "jobs").iterdir()} == {"chg-first"}


@pytest.fixture
def spoiled(whole: SetUp) -> Iterator[Path]:
    """A server without PHP and .env, and a key that others can read; mended afterwards."""
    app1, _ = whole.town.servers
    (app1.www / "shared/.env").unlink()
    app1.config.write_text(app1.config.read_text().replace(str(app1.root / "bin/php"), "/nowhere/php"))
    app1.client_key.chmod(0o644)
    yield app1.client_key
    app1.client_key.chmod(0o600)
    app1.clean()


async def test_everything_that_is_wrong_is_said_at_once(whole: SetUp, forgetful: str, spoiled: Path) -> None:
    """Redis, Slack, each server with a fault of its own, artifacts, people, the site: each with what to do."""
    key, app2 = spoiled, whole.town.servers[1]
    app2.new_host_key()
    await app2.kill()
    await app2.start()
    whole.env |= {"CHOM_REDIS_URL": forgetful, "SLACK_BOT_TOKEN": "xoxb-wrong", "SLACK_APP_TOKEN": "xapp-wrong"}
    whole.text = whole.text.replace('roles = ["tech-lead"]\n', "").replace(whole.town.shop.url, "http://127.0.0.1:1")
    whole.text = whole.text.replace(str(whole.town.directory / "artifacts"), "/nowhere/artifacts")
    whole.text = whole.text.replace("[bot]\n", '[bot]\nlisten = "192.0.2.1:8080"\n')
    whole.env |= {"CHOM_CONFIG_KEY": "wrong"}
    try:
        said = await whole.check()
    finally:
        app2._host_key = app2.directory / "host_key"
        await app2.kill()
        await app2.start()
    found = faults(said)
    for words in (
        f"this machine: Others on this machine can read the SSH key {key}. Keep it to the bot: chmod 600 {key}",
        "this machine: There is no directory /nowhere/artifacts",
        "listen: The bot cannot listen on 192.0.2.1:8080 (Cannot assign requested address); change listen under [bot]",
        "CHOM_CONFIG_KEY is no key, or no list of keys with commas; `chom-bot config key` makes one.",
        "people: A deploy to production needs a Tech Lead, and chom.toml has nobody: give more people roles = [",
        "forgets at a crash: appendonly is off",
        "Slack: Slack does not accept the bot token. Set SLACK_BOT_TOKEN",
        "Slack: Slack does not accept the app token (invalid_auth). Set SLACK_APP_TOKEN",
        "artifacts: The list of versions cannot be had: /nowhere/artifacts/index.json cannot be read",
        "app1: /nowhere/php cannot be run; install PHP",
        "/shared/.env is missing; put it there, readable for ",
        "app2: app2 does not answer: ssh ops@127.0.0.1:",
        "is pinned. The server may have been replaced",
        "http://127.0.0.1:1/app1: connection refused. It is asked from this machine after every switch",
    ):
        assert any(words in fault for fault in found), (words, said)
    assert f"{len(found)} faults. Nothing was started, and nothing was changed on a server." in said


async def spoiled_slack(whole: SetUp, change: Any) -> list[str]:
    change(whole)
    return faults(await whole.check())


def _no_channel(whole: SetUp) -> None:
    whole.text = whole.text.replace("C0DEPLOYS", "C0NOWHERE")


def _other_workspace(whole: SetUp) -> None:
    whole.text = whole.text.replace("T0CHOM", "T0OTHER")


def _people(whole: SetUp) -> None:
    whole.text = whole.text.replace("U0DEV", "U0NOBODY").replace('"T0CHOM:U0LEAD"', '"T0CHOM:U0GUEST", "T0CHOM:U0GONE"')


def _group(whole: SetUp) -> None:
    whole.text += '[slack.groups]\ntech-lead = "S0NOWHERE"\n'


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_no_channel, ["Slack: The channel C0NOWHERE: Slack knows no such channel, or the bot may not see it."]),
        (_other_workspace, ["Slack: SLACK_BOT_TOKEN belongs to the workspace T0CHOM; chom.toml says T0OTHER."]),
        (
            _people,
            [
                "Slack: people.dev: Slack knows no U0NOBODY; copy the member ID from the profile.",
                "Slack: people.lead: U0GUEST is a guest in this workspace, and guests are refused",
                "Slack: people.lead: U0GONE is deactivated, and refused",
            ],
        ),
        (_group, ["Slack: slack.groups: Slack knows no user group S0NOWHERE, so nobody has the role tech-lead."]),
    ],
)
async def test_what_slack_knows_better(whole: SetUp, change: Any, said: list[str]) -> None:
    found = await spoiled_slack(whole, change)
    assert len(found) == len(said) and all(any(fault.startswith(words) for fault in found) for words in said), found


@web.middleware
async def outside(request: web.Request, handler: Any) -> web.StreamResponse:
    """A workspace in which nobody has invited the bot."""
    if request.path.endswith("/conversations.history"):
        return web.json_response({"ok": False, "error": "not_in_channel"})
    return await handler(request)


async def test_a_bot_that_nobody_invited(whole: SetUp) -> None:
    slack = await start_slack(outside, limits=False)
    try:
        (fault,) = faults(await replace(whole, slack=slack).check())
    finally:
        await slack.server.close()
    assert fault == "Slack: The channel C0DEPLOYS: The bot is not in its channel. Type /invite @chom there."


@pytest.mark.parametrize(
    ("scopes", "status", "said"),
    [
        ({"channels:history", "groups:history"}, 0, "note   Slack: Whether the bot is in its channel C0DEPLOYS cannot"),
        ({"files:write", "users:read"}, 1, "FAULT  Slack: The Slack app lacks files:write, users:read. Install it"),
    ],
)
async def test_scopes_that_the_app_was_not_given(whole: SetUp, scopes: set[str], status: int, said: str) -> None:
    made = manifest()
    bot = made["oauth_config"]["scopes"]
    bot["bot"] = [scope for scope in bot["bot"] if scope not in scopes]
    slack = await start_slack(limits=False, granted=Granted.by(made))
    try:
        assert said in await replace(whole, slack=slack).check(status)
    finally:
        await slack.server.close()


async def test_a_missing_secret_does_not_hide_the_rest(whole: SetUp) -> None:
    whole.env |= {"CHOM_REDIS_URL": "", "SLACK_BOT_TOKEN": ""}
    lies = whole.town.directory / "secrets.env"
    lies.touch(0o600)
    said = await whole.check()
    assert [fault for fault in faults(said) if fault.startswith("secrets: ")] == faults(said)
    assert f"note   secrets: Secrets are read from the environment; those in {lies} are in it after: set -a; . " in said
    assert "secrets: CHOM_REDIS_URL is not set" in said and "secrets: SLACK_BOT_TOKEN is not set" in said
    assert "ok     app1: " in said and "ok     artifacts: " in said


async def test_a_broken_file_is_said_with_its_lines_and_no_file_says_what_writes_one(whole: SetUp) -> None:
    whole.text = whole.text.replace("patience = 20.0", 'patience = "long"')
    said = await whole.check()
    assert "check.toml:4: bot.patience has to be a number" in said and "The rest can be looked at when these" in said
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "bot", "check", "--config", "/nowhere/chom.toml"],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert (process.returncode, out.decode()) == (
        1,
        "There is no /nowhere/chom.toml; chom-bot init writes one. Or name another with --config.\n",
    )


async def test_the_examples_that_nobody_replaced_are_named(whole: SetUp) -> None:
    whole.text = template().replace('address = "10.0.0.11"', f'address = "127.0.0.1"\nport = {any_port()}')
    found = faults(await whole.check())
    for words in (
        "slack.team is still the example's, 'T0123ABCD'; put in your own.",
        "slack.channel is still the example's, 'C0123ABCD'; put in your own.",
        "hosts.app1.host_key is still the example's; put in what ssh-keyscan -t ed25519 127.0.0.1 prints after the",
        "people.lea is still the example's; put in your own people and their member IDs.",
        "people.dana is still the example's",
    ):
        assert any(words in fault for fault in found), (words, found)


async def test_a_redis_of_another_program_is_noted(whole: SetUp) -> None:
    with whole.town.redis.client() as client:
        client.set("laravel_cache:user:7", "x")
        said = await whole.check(0)
        client.delete("laravel_cache:user:7")
    assert "holds keys that are not the bot's (laravel_cache:user:7): give the bot a Redis of its own" in said


async def test_an_older_chom_host_is_told_by_its_sha256(whole: SetUp, tmp_path: Path) -> None:
    app1 = whole.town.servers[0]
    older = tmp_path / "chom-host"
    older.write_bytes(app1.agent.read_bytes() + b"\n")
    kept, app1.agent = app1.agent, older
    await app1.kill()
    await app1.start()
    try:
        found = faults(await whole.check())
    finally:
        app1.agent = kept
        await app1.kill()
        await app1.start()
    (fault,) = found
    assert "app1: app1 runs another chom-host (" in fault and "run `chom-bot host install app1`" in fault


async def test_what_a_server_has_to_have_for_its_environment(whole: SetUp) -> None:
    """Room for the newest version, services that may be reloaded there, a way to back up, a canary pool; and a use."""
    text = whole.text.replace('hosts = ["app1", "app2"]', 'hosts = ["app1"]\nreload = ["redis-server"]')
    text += "[hosts.app1.canary]\n[hosts.app2.canary]\n"
    config = whole.town.directory / "other.toml"
    await asyncio.to_thread(config.write_text, text)
    huge = Artifact("v9.9", "1" * 40, "2" * 64, 10**15)

    async def newest() -> Artifact:
        return huge

    app2 = whole.town.servers[1].config
    had = await asyncio.to_thread(app2.read_text)
    await asyncio.to_thread(app2.write_text, json.dumps({**json.loads(had), "canary": ""}))
    try:
        one, two = await servers(load(config, {}, secrets=Secrets.NONE), asyncio.create_task(newest()))
    finally:
        await asyncio.to_thread(app2.write_text, had)
    assert one.what == "app1" and (len(one.faults), len(two.faults)) == (2, 2)
    assert one.faults[0] == (
        "production reloads redis-server, and only php8.2-fpm may be reloaded there; run `chom-bot host install`."
    )
    assert one.faults[1].endswith(" MB are free, and v9.9 needs about 3,000,000,000 MB; make room.")
    assert two.faults[0] == "It has none of what [hosts.app2.canary] says; run `chom-bot host install app2`."
    assert two.notes == ("No environment has app2 among its hosts, so nothing is ever deployed there.",)
