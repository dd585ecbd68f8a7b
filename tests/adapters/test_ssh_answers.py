"""A chom-host that is another one, dies, floods or makes no sense gets a sentence; other requests are not touched."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest

from actions.engine.fleet import Artifact
from actions.engine.ports import HostRefused, LostJob, Unreachable
from actions.engine.ssh import LINE, LINES
from tests.adapters.conftest import JOB, Peer, unheard


@pytest.mark.parametrize(
    ("mode", "code", "said"),
    [
        ("wrong agent", "wrong agent", "app1 runs another chom-host .* run `chom-bot host install app1`"),
        ("missing", "wrong agent", "app1 has no chom-host .*not found.* run `chom-bot host install app1`"),
        ("protocol 2", "protocol", "app1's chom-host speaks protocol 2, not 1: run `chom-bot host install app1`"),
    ],
)
async def test_another_chom_host_than_expected(peer: Peer, mode: str, code: str, said: str) -> None:
    async with peer(mode) as (_, hosts):
        with pytest.raises(HostRefused, match=said) as caught:
            await hosts.survey("app1")
        assert caught.value.code == code


ODD = [
    "not json",
    "no object",
    "no id",
    "unknown id",
    "id of another kind",
    "result is a list",
    "error without code",
    "error is a word",
    "line without offset",
    "endless line",
    "wrong shape",
]


@pytest.mark.parametrize("mode", ODD)
async def test_an_answer_that_makes_no_sense_is_refused(peer: Peer, mode: str) -> None:
    async with peer(mode) as (_, hosts):
        with pytest.raises(HostRefused, match="app1 does not speak as chom-host does") as caught:
            await hosts.survey("app1")
        assert caught.value.code == "protocol"
        with pytest.raises(Unreachable, match="Whether chg-aaaaaa/stage/forward ran there is unknown"):
            await hosts.run("app1", JOB, unheard)


async def test_a_fence_refusal_without_the_fence_is_nonsense(peer: Peer) -> None:
    async with peer("fenced without current") as (_, hosts):
        with pytest.raises(HostRefused, match="without the current fence"):
            await hosts.raise_fence("app1", 7)


async def test_a_job_that_began_and_cannot_be_followed_is_in_doubt(peer: Peer) -> None:
    async with peer("odd follow") as (_, hosts):
        with pytest.raises(Unreachable, match=r"no such job.*is unknown"):
            await hosts.run("app1", JOB, unheard)


async def test_a_lost_job_is_said_to_be_lost(peer: Peer) -> None:
    async with peer("lost") as (_, hosts):
        with pytest.raises(LostJob, match="app1 lost chg-aaaaaa/stage/forward"):
            await hosts.run("app1", JOB, unheard)


async def test_a_chom_host_that_dies_takes_only_what_was_asked_with_it(peer: Peer) -> None:
    async with peer("dies") as (_, hosts):
        for _ in range(2):
            with pytest.raises(Unreachable, match="chom-host ended with exit status 9, and said: out of memory"):
                await hosts.survey("app1")


async def test_100_mb_of_output_stay_out_of_memory(peer: Peer) -> None:
    heard: list[str] = []
    async with peer("flood") as (_, hosts):
        await hosts.hello("app1")
        me = psutil.Process()
        before = peak = me.memory_info().rss
        running = asyncio.create_task(hosts.run("app1", JOB, heard.append))
        while not running.done():
            peak = max(peak, me.memory_info().rss)
            await asyncio.wait((running,), timeout=0.02)
        result = await running
    assert result.summary == "flooded" and len(result.lines) == 20
    assert len(heard) == LINES + 1 and heard[-1] == (
        "… the rest is in /var/log/chom/deployment_20261123_222151.log on app1"
    )
    assert all(len(line) <= LINE for line in heard)
    grown = peak - before - sum(map(len, heard))
    assert grown < 32 << 20, f"{grown >> 20} MiB"


async def test_a_listener_that_fails_fails_its_own_request_only(peer: Peer) -> None:
    class Mine(Exception):
        pass

    def fail(line: str) -> None:
        raise Mine(line)

    async with peer("flood") as (_, hosts):
        with pytest.raises(Mine):
            await hosts.run("app1", JOB, fail)
        assert await hosts.raise_fence("app1", 9) == 9


@pytest.mark.parametrize(
    ("mode", "error", "said"),
    [
        ("put refuses early", HostRefused, "app1: 3 bytes are free and 9 are needed"),
        ("put dies", Unreachable, "the upload's session ended without an answer"),
        ("put says nonsense", HostRefused, "not JSON after an upload: 'thank you"),
    ],
)
async def test_an_upload_that_goes_wrong(
    peer: Peer, tmp_path: Path, mode: str, error: type[Exception], said: str
) -> None:
    file = tmp_path / "a.tar.gz"
    file.write_bytes(bytes(20_000_000))

    async def opened(_: Artifact) -> str:
        return str(file)

    sent: list[int] = []
    async with peer(mode, opened) as (_, hosts):
        with pytest.raises(error, match=said):
            await hosts.upload("app1", Artifact("v1", "c" * 40, "a" * 64, 20_000_000), lambda n, _: sent.append(n))
    if mode == "put refuses early":
        assert max(sent, default=0) < 20_000_000, "the rest was not sent"
