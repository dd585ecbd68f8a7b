"""The sandbox's servers as the bot meets them: its own configuration loader and SSH adapter, the real chom-host."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from actions.engine.fleet import Artifact
from actions.engine.plan import Call
from actions.engine.ports import Fenced, HostRefused, Job, Result, Unreachable
from actions.engine.ssh import HostLogin, SshHosts
from bot.config import Settings, load
from bot.sandbox.keep import Keep
from bot.sandbox.slack.errors import Impossible
from bot.sandbox.world import World
from tests.support.agent import AGENT_SHA256


def settings_of(world: World) -> Settings:
    """What the bot reads of the chom.toml."""
    return load(world.toml_path, world.bot_environment("http://127.0.0.1:1"))


def reach(world: World) -> SshHosts:
    """The bot's own adapter, with the bot's own settings."""
    settings = settings_of(world)
    logins = {
        h.name: HostLogin(h.name, h.address, h.port, h.user, h.host_key, settings.ssh_key)
        for h in settings.hosts.values()
    }

    async def path(artifact: Artifact) -> str:
        return str(world.directory / "artifacts" / f"chom-{artifact.version}.tar.gz")

    return SshHosts(logins, AGENT_SHA256, path)


def artifact(world: World, version: str) -> Artifact:
    listed = json.loads((world.directory / "artifacts/index.json").read_text())["releases"]
    found = next(entry for entry in listed if entry["version"] == version)
    return Artifact(version, found["commit"], found["sha256"], found["size"])


async def run(hosts: SshHosts, verb: str, fence: int = 2, **args: str | bool) -> Result:
    """One job on production."""
    job = Job(f"chg-aaaaaa/{verb}-{args['release']}/forward", Call(verb, args), fence, 60, "deployment_20261123_120000")
    return await hosts.run("production", job, lambda line: None)


async def stage(hosts: SshHosts, world: World, version: str, release: str) -> None:
    built = artifact(world, version)
    await hosts.upload("production", built, lambda sent, size: None)
    told = {"version": version, "commit": built.commit, "sha256": built.sha256}
    assert (await run(hosts, "stage", release=release, **told)).ok


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(Keep(tmp_path), lambda line: None, visits=20)
    try:
        await world.start()
        yield world
    finally:
        await world.close()


def test_the_configuration_is_whole_and_nobody_at_the_shell_approves_alone(tmp_path: Path) -> None:
    settings = settings_of_new(tmp_path)
    assert settings.default_environment == "production"
    assert set(settings.environments) == {"staging", "production"}
    assert {id_: sorted(person.roles) for id_, person in settings.people.items()} == {
        "dev": [],
        "lead": ["tech-lead"],
        "devops": ["devops", "on-call"],
        "cto": ["cto"],
        "team": ["team"],
    }
    assert [id_ for id_, person in settings.people.items() if person.unix] == ["devops"]


def settings_of_new(directory: Path) -> Settings:
    world = World(Keep(directory), lambda line: None)
    world.toml_path.write_text(world.toml)
    return settings_of(world)


async def test_a_release_goes_to_the_customers_by_verbs_and_a_broken_one_fails_its_health_check(world: World) -> None:
    hosts = reach(world)
    try:
        before = await hosts.survey("production")
        assert (before.current, before.fence, len(before.migrations)) == ("20261001_080000", 1, 2)
        await stage(hosts, world, "v1.2", "20261123_120000")
        early = await run(hosts, "health", release="20261123_120000", path="/health")
        assert not early.ok, "its migrations have not run"
        migrated = await run(hosts, "migrate", release="20261123_120000")
        assert (migrated.ok, len(migrated.applied)) == (True, 3)
        assert (await run(hosts, "switch", release="20261123_120000", workers=True)).ok
        await stage(hosts, world, "v1.3", "20261123_130000")
        broken = await run(hosts, "health", release="20261123_130000", path="/health")
        assert not broken.ok and "500" in broken.summary
        await asyncio.sleep(0.3)
    finally:
        await hosts.close()
    staging, production = world.servers()
    assert (staging["version"], production["version"]) == ("v1.0", "v1.2")
    assert [entry["version"] for entry in production["releases"]] == ["v1.3", "v1.2", "v1.0"]
    assert [entry["current"] for entry in production["releases"]] == [False, True, False]
    traffic = production["traffic"]
    assert traffic["failed"] == 0 and set(traffic["versions"]) == {"v1.0", "v1.2"}
    probe = settings_of(world).environments["production"].probes[0]
    async with aiohttp.ClientSession() as session, session.get(probe.url) as answer:
        assert probe.contains.replace("{version}", "v1.2") in await answer.text()


async def reached_again(hosts: SshHosts) -> None:
    """Until production answers."""
    async with asyncio.timeout(40):
        while True:
            try:
                await hosts.survey("production")
                return
            except Unreachable:
                await asyncio.sleep(0.05)


async def test_a_server_is_cut_frozen_and_down_for_the_bot_and_its_customers_never_notice(world: World) -> None:
    hosts = reach(world)
    try:
        await hosts.survey("production")
        await world.fault({"cut": "production"})
        await reached_again(hosts)
        assert await world.fault({"freeze": "production", "seconds": 60}) == {"frozen": "production", "seconds": 60}
        with pytest.raises(Unreachable):
            await asyncio.wait_for(hosts.survey("production"), 30)
        assert (await hosts.survey("staging")).current
        assert world.servers()[1]["reach"] == "frozen"
        await world.fault({"host": "production", "down": 0.4})
        with pytest.raises(Unreachable):
            await hosts.survey("production")
        await reached_again(hosts)
        assert world.servers()[1]["reach"] == "up"
    finally:
        await hosts.close()
    traffic = world.servers()[1]["traffic"]
    assert traffic["failed"] == 0 and traffic["rps"] > 5


async def test_a_full_disk_is_full_for_chom_host_until_it_is_not(world: World) -> None:
    hosts = reach(world)
    try:
        free = (await hosts.survey("production")).disk_free
        assert free > 0
        await stage(hosts, world, "v1.1", "20261123_110000")
        await world.fault({"disk": "production", "seconds": 60})
        assert (await hosts.survey("production")).disk_free == 0
        assert (await hosts.survey("staging")).disk_free > 0
        assert world.servers()[1]["disk"] == "full"
        with pytest.raises(HostRefused, match="only 0 can be used on this disk"):
            await hosts.upload("production", artifact(world, "v1.2"), lambda sent, size: None)
        with pytest.raises(HostRefused, match="No space left on device"):
            await run(hosts, "migrate", release="20261123_110000")
        await world.fault({"disk": "production", "seconds": 0.01})
        await asyncio.sleep(0.1)
        assert (await hosts.survey("production")).disk_free > 0
        assert (await run(hosts, "migrate", release="20261123_110000")).ok
    finally:
        await hosts.close()
    assert world.servers()[1]["disk"] == ""


async def test_a_restart_keeps_releases_keys_ports_and_fences(tmp_path: Path) -> None:
    tomls = []
    for fence in (7, 8):
        world = World(Keep(tmp_path), lambda line: None, visits=20)
        await world.start()
        hosts = reach(world)
        try:
            await hosts.raise_fence("production", fence)
            if fence == 8:
                with pytest.raises(Fenced):
                    await hosts.raise_fence("production", 7)
                assert (await hosts.survey("production")).current == "20261001_080000"
            tomls.append(world.toml)
        finally:
            await hosts.close()
            await world.close()
    assert tomls[0] == tomls[1]


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"kill": "redis"},
        {"kill": "bot"},
        {"cut": "mars"},
        {"freeze": "production", "seconds": "long"},
        {"freeze": "production", "seconds": True},
        {"host": "production", "down": -1},
        {"host": "production"},
        {"redis": "stop"},
        {"disk": "mars"},
    ],
)
async def test_an_unknown_fault_is_answered_with_a_sentence(tmp_path: Path, spec: dict[str, object]) -> None:
    with pytest.raises(Impossible, match=r"^(Known faults: \{|There is no server|Seconds are|The bot was not)"):
        await World(Keep(tmp_path), lambda line: None).fault(spec)
