"""A hundred servers in one environment: the lab's two, and 98 more that are nothing but SSH and the real chom-host."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lab.bot_process import CHOM_TOML, HOST, PROBES, Bot
from tests.lab.conftest import Lab
from tests.lab.laravel import publish
from tests.lab.releases import BUILDS
from tests.lab.slack import Slack, slack
from tests.lab.test_3_deploys import DONE, current, releases, served
from tests.support.farm import Farm
from tests.support.redis import free_port, redis_server
from tests.support.rules import one_lead_text

pytestmark = [pytest.mark.timeout(500), pytest.mark.usefixtures("production")]
BAD = "app57"
SECONDS = 200.0
"""A hundred servers and the bot share the cores of this machine."""
BESIDE = """\
[hosts.{name}]
address = "{address}"
port = {port}
user = "{user}"
host_key = {key}
"""


@pytest.fixture(scope="module")
def farm(bot: Bot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    """app3 to app100, which know the key that the bot has been let in with on app1 and app2."""
    farm = Farm(tmp_path_factory.mktemp("farm"), 98, 2, first=3, client_key=bot.directory / "id_ed25519")
    asyncio.run(farm.__aenter__())
    try:
        yield farm
    finally:
        asyncio.run(farm.__aexit__())


def write(directory: Path, bot: Bot, lab: Lab, farm: Farm) -> None:
    """What a bot needs that has all hundred; app1 has the database, and no stand-in of PHP is asked for one."""
    real = [HOST.format(name=one.name, address=one.address, php=one.base.php, key=json.dumps(one.host_key()))
            for one in lab.apps]  # fmt: skip
    beside = [BESIDE.format(name=one.name, address=one.address, port=one.port, user=one.user,
                            key=json.dumps(one.host_key)) for one in farm.logins().values()]  # fmt: skip
    text = CHOM_TOML.format(
        directory=directory,
        listen=free_port(),
        names=json.dumps([*(one.name for one in lab.apps), *farm.names]),
        probes="\n".join(PROBES.format(address=one.address) for one in lab.apps),
        hosts="\n".join([*real, *beside]),
    )
    text = text.replace(f"{directory}/id_ed25519", f"{bot.directory}/id_ed25519")
    (directory / "chom.toml").write_text(text.replace('smoke = ["database", "queue"]\n', ""))
    (directory / "rules.toml").write_text(one_lead_text())
    (served_now,) = [build for build in BUILDS if build.version == "v2.0"]
    publish(directory / "artifacts", [replace(served_now, version=version) for version in ("v4.0", "v4.1")])


@pytest.fixture(scope="module")
def hundred(bot: Bot, lab: Lab, farm: Farm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slack]:
    """A Slack of its own, in which a bot serves that has these hundred servers and a Redis of its own."""
    directory = tmp_path_factory.mktemp("hundred")
    write(directory, bot, lab, farm)
    with redis_server(directory / "redis", fsync="always") as redis:
        mine = Bot(directory, redis.url)
        with slack(mine.told) as channel:
            mine.slack_url = channel.address
            try:
                mine.start()
                channel.ready()
                yield channel
            finally:
                mine.close()


def all_serve(lab: Lab, farm: Farm, version: str) -> None:
    """One release, whole, on all hundred, and nothing half done beside it."""
    assert [served(one) for one in lab.apps] == [f"CHOM {version}"] * 2
    assert {farm.served(name) for name in farm.names} | {current(lab.app2)} == {current(lab.app1)}
    newest = {max(path.name for path in (farm.root(name) / "www/releases").iterdir()) for name in farm.names}
    assert newest | {releases(one)[-1] for one in lab.apps} == {current(lab.app1)}


def test_a_deploy_to_a_hundred_servers(hundred: Slack, lab: Lab, farm: Farm) -> None:
    title = "Deploy v4.0 to production"
    hundred.ask_and_approve("deploy v4.0", title)
    card = hundred.card_says(title, DONE, SECONDS)
    copied = "Copy on app1 to app100: v4.0 is unpacked"
    hundred.until(lambda _: any(copied in said for said in hundred.thread(card)), f"the thread says {copied!r}")
    all_serve(lab, farm, "v4.0")


def test_one_bad_server_of_a_hundred_is_named_and_all_go_back(hundred: Slack, lab: Lab, farm: Farm) -> None:
    title = "Deploy v4.1 to production"
    with farm.unwell(BAD):
        hundred.ask_and_approve("deploy v4.1", title)
        card = hundred.card_says(title, "Turned back.", SECONDS)
    assert f"The health check failed on {BAD} (" in card["text"], card["text"]
    assert set(re.findall(r"app\d+", card["text"])) <= {BAD, "app1", "app100"}, "the others are counted, not listed"
    all_serve(lab, farm, "v4.0")
