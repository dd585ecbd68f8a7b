"""`python -m bot` as an operator meets it: what cannot work ends at once, with status 2 and a sentence."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncssh
import pytest

from bot.app import build
from bot.config import load
from bot.serving.serve import serve
from bot.slack.app import Waits
from bot.slack.connection.web import SlackUnusable
from policies.change import Requirement
from tests.slack.support import start_slack
from tests.store.samples import change
from tests.store.waiting import until
from tests.support.redis import RedisServer, free_port


@dataclass
class Place:
    """A configuration that can serve, and the means to spoil it."""

    directory: Path
    redis: RedisServer
    port: int
    slack_api: str = ""

    @property
    def config(self) -> Path:
        return self.directory / "chom.toml"

    def write(self, slack: bool = False) -> None:
        key = self.directory / "key"
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(key)
        key.chmod(0o600)
        public = " ".join(asyncssh.read_private_key(key).export_public_key().decode().split()[:2])
        (self.directory / "artifacts").mkdir(exist_ok=True)
        self.config.write_text(
            f'[bot]\nlisten = "127.0.0.1:{self.port}"\nstate_dir = "{self.directory}/state"\nssh_key = "{key}"\n'
            + ('[slack]\nteam = "T0CHOM"\nchannel = "C0DEPLOYS"\n' if slack else "")
            + f'[artifacts]\nsource = "{self.directory}/artifacts"\n'
            '[environments.production]\nhosts = ["app1"]\nprobes = [{url = "http://127.0.0.1:1/"}]\n'
            f'[hosts.app1]\naddress = "127.0.0.1"\nport = 1\nhost_key = "{public}"\n[people.dana]\nname = "Dana"\n'
        )

    def env(self, **more: str) -> dict[str, str]:
        told = {"CHOM_REDIS_URL": self.redis.url, "SLACK_API_URL": self.slack_api}
        return os.environ | told | {"SLACK_BOT_TOKEN": "xoxb-sandbox", "SLACK_APP_TOKEN": "xapp-sandbox"} | more

    def start(self, *words: str, **env: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "bot", *words, "--config", str(self.config)]
        return subprocess.Popen(command, env=self.env(**env), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def refused(self, *words: str, **env: str) -> str:
        """What it says on stderr as it ends with status 2."""
        process = self.start(*words, **env)
        try:
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
        assert (process.returncode, "Traceback" in err) == (2, False), err
        return err


@pytest.fixture
def place(tmp_path: Path, redis: RedisServer) -> Place:
    made = Place(tmp_path, redis, free_port())
    made.write()
    return made


def test_a_taken_port_is_named(place: Place) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", place.port))
        other.listen()
        said = place.refused("serve")
    assert f"127.0.0.1:{place.port} is taken by another program; stop it, or change listen under [bot]." in said


def test_what_cannot_be_a_configuration_is_said(place: Place) -> None:
    place.config.unlink()
    assert "There is no" in place.refused("serve")
    place.config.mkdir()
    assert "is a directory; name the file in it" in place.refused("serve")
    place.config.rmdir()
    place.config.write_bytes(b'[bot]\nlisten = "\xff"\n')
    assert "chom.toml:2: this is not UTF-8" in place.refused("status")


def test_what_would_fail_at_the_first_deploy_is_all_said_before_it(place: Place) -> None:
    key, directory = place.directory / "key", place.directory
    key.chmod(0o644)
    (directory / "state").write_text("a file")
    (directory / "artifacts").rmdir()
    said = place.refused("serve")
    assert f"chmod 600 {key}" in said
    assert f"{directory}/state is a file" in said
    assert f"There is no directory {directory}/artifacts" in said
    (directory / "state").unlink()
    (directory / "artifacts").mkdir()
    key.unlink()
    assert f'ssh-keygen -t ed25519 -N "" -f {key}' in place.refused("serve")
    key.write_text("junk")
    assert f"{key} is not an SSH private key" in place.refused("serve")
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(key, "pkcs8-pem", passphrase="hush")
    key.chmod(0o600)
    assert "has a passphrase" in place.refused("serve")


def test_it_serves_without_a_list_of_versions_and_warns(place: Place) -> None:
    process = place.start("serve")
    assert process.stderr
    said = ""
    try:
        while "serving as" not in said or "Until then nothing can be deployed." not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, "Traceback" in said + rest) == (0, False), said + rest


async def test_it_looks_at_what_was_left_approved(place: Place) -> None:
    bot = build(load(place.config, place.env()))
    asked = datetime.now(UTC) - timedelta(minutes=1)
    left = replace(change(), requirement=Requirement(1, "It needs nobody.", ()), at=asked)
    await bot.store.put_change(left)
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(bot, stop))
    try:
        await until(lambda: bot.store.refused(left.id), 10)
        said = await bot.store.refused(left.id)
        assert said and said.said.startswith("The rules changed since this was asked")
    finally:
        stop.set()
        await serving
        await bot.close()


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ({"SLACK_BOT_TOKEN": "xoxb-wrong"}, "Slack does not accept the bot token"),
        ({"SLACK_APP_TOKEN": "xapp-wrong"}, "Slack does not accept the app token"),
    ],
    ids=["bot", "app"],
)
async def test_a_token_that_slack_refuses_ends_it(place: Place, token: dict[str, str], said: str) -> None:
    slack = await start_slack(limits=False)
    place.write(slack=True)
    place.slack_api = f"{slack.base}/api/"
    try:
        assert said in await asyncio.to_thread(lambda: place.refused("serve", **token))
    finally:
        await slack.server.close()


async def test_a_token_that_slack_refuses_once_it_is_back_ends_it_too(place: Place) -> None:
    slack = await start_slack(limits=False)
    place.write(slack=True)
    place.slack_api = f"{slack.base}/api/"
    slack.stand_in.workspace.faults.set({"slack": "down", "seconds": 60})
    bot = build(load(place.config, place.env(SLACK_APP_TOKEN="xapp-wrong")))
    serving = asyncio.create_task(serve(bot, asyncio.Event(), Waits(boot=0.1)))
    try:
        await asyncio.sleep(1)
        assert not serving.done()
        slack.stand_in.workspace.faults.set({"slack": "up"})
        with pytest.raises(SlackUnusable, match="Slack does not accept the app token"):
            await asyncio.wait_for(serving, 60)
    finally:
        await bot.close()
        await slack.server.close()
