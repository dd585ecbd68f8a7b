"""Thirty servers over real SSH with the real chom-host: one reading of the artifact, and the bad one by its name."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from actions.engine.fleet import Artifact, Environment
from actions.engine.journal import Outcome
from actions.engine.plan import Probe
from actions.engine.registry import discover
from bot.configs import Vault
from bot.desk.planning import Planning, Refusal
from tests.support.farm import FIRST, Farm
from tests.support.rollout import Rollout, rollout

BAD = "app17"


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    farm = Farm(tmp_path_factory.mktemp("farm") / "servers", 30)
    asyncio.run(farm.__aenter__())
    yield farm
    asyncio.run(farm.__aexit__())


async def served(farm: Farm) -> set[str]:
    return {farm.served(name) for name in farm.names}


async def test_one_bad_server_is_named_and_the_others_go_back(farm: Farm, tmp_path: Path) -> None:
    async with rollout(tmp_path, 1000) as made:
        hosts = farm.hosts(made.shelf.open)
        with farm.unwell(BAD):
            state, _ = await made.deploy(hosts, farm.names)
            await hosts.close()
    assert state.ended and state.ended.outcome is Outcome.TURNED_BACK
    assert state.turned and state.turned.why.startswith(f"the health check failed on {BAD} (")
    assert await served(farm) == {FIRST}
    assert {path.name for name in farm.names for path in (farm.root(name) / "www/releases").iterdir()} == {FIRST}


async def test_all_get_what_is_opened_and_read_once(farm: Farm, tmp_path: Path) -> None:
    opened = list[str]()
    async with rollout(tmp_path, 3 << 20, made=1) as made:

        async def open_(artifact: Artifact) -> str:
            opened.append(artifact.version)
            return await made.shelf.open(artifact)

        hosts = farm.hosts(open_, connects=4)
        state, release = await made.deploy(hosts, farm.names)
        await hosts.close()
        length = await writes(made)
    assert state.ended and state.ended.outcome is Outcome.DONE, state.ended
    assert await served(farm) == {release}
    assert len(opened) == 1
    assert length == state.seq > 10 * len(farm.names)


async def writes(made: Rollout) -> int:
    """How many entries the run has."""
    return await made.store.length(f"chg-{made.made:06}")


async def test_one_dead_server_of_thirty_is_named_with_why_before_anything_is_planned(
    farm: Farm, tmp_path: Path
) -> None:
    port = farm.gone(BAD)
    async with rollout(tmp_path, 1000) as made:
        hosts = farm.hosts(made.shelf.open)
        known = {"production": Environment("production", farm.names, "app1", (Probe("https://shop.example/"),))}
        vault = Vault(made.store, None)
        planning = Planning(discover(()), known, "production", hosts, made.shelf, vault)
        with pytest.raises(Refusal) as refused:
            await planning.survey("production")
        await hosts.close()
    farm.back(BAD, port)
    said = refused.value.said
    assert said.startswith(f"{BAD} does not answer: ssh ops@127.0.0.1:1, connection refused")
    assert said.count("app") == 1 and said.endswith("Nothing was changed anywhere.")
