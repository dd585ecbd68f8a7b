"""The real chom-host behind a real SSH connection: each effect once, whatever happens to the connection."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from actions.engine.ports import Fenced, HostRefused, Unreachable
from actions.engine.ssh import LINE
from tests.adapters.staging import ID, job, shelf, staged, until
from tests.support.sshd import TestServer


async def test_a_whole_deploy_round_trip(server: TestServer, tmp_path: Path) -> None:
    kept = shelf(tmp_path, {"2026_11_01_000000_orders": ""}, size=3 << 20)
    hosts, artifact = server.hosts(kept.open), await kept.resolve("v1.2")
    assert artifact.migrations == ("2026_11_01_000000_orders",)
    before = await hosts.survey("app1")
    assert (before.name, before.current, before.releases, before.fence) == ("app1", "", (), 0)
    assert (before.key, before.agent) == (server.login.fingerprint, server.agent_sha256)
    assert await hosts.raise_fence("app1", 7) == 7

    sent: list[tuple[int, int]] = []
    await hosts.upload("app1", artifact, lambda n, total: sent.append((n, total)))
    assert sent[-1] == (artifact.size, artifact.size) and len(sent) > 2

    lines: list[str] = []
    about = {"release": ID, "version": "v1.2", "commit": artifact.commit, "sha256": artifact.sha256}
    for step in (
        job("stage", 7, **about),
        job("migrate", 7, release=ID),
        job("health", 7, release=ID, path="/health"),
        job("switch", 7, release=ID, workers=True),
        job("restart", 7, services=("php8.2-fpm",)),
    ):
        result = await hosts.run("app1", step, lines.append)
        assert result.ok, result
        if step.call.verb == "migrate":
            assert result.applied == ("2026_11_01_000000_orders",)
    assert any("Migrated:  2026_11_01_000000_orders" in line for line in lines)
    after = await hosts.survey("app1")
    assert after.current == ID == server.served()
    assert after.releases[0].version == "v1.2" and len(after.releases[0].activated) == 1
    effects = server.effects()
    assert effects.count("migrated 2026_11_01_000000_orders") == 1 and effects.count("reload php8.2-fpm") == 1
    assert (server.logs / f"deployment_{ID}.log").exists()
    await hosts.close()


async def test_no_packet_is_sent_that_says_nothing(server: TestServer, caplog: pytest.LogCaptureFixture) -> None:
    hosts = server.hosts()
    await hosts.survey("app1")
    asyncssh.set_debug_level(3)
    try:
        with caplog.at_level(logging.DEBUG, "asyncssh"):
            await hosts.survey("app1")
    finally:
        asyncssh.set_debug_level(1)
        await hosts.close()
    sent = [record.getMessage() for record in caplog.records if "Sent MSG" in record.getMessage()]
    assert any("MSG_CHANNEL_DATA" in line for line in sent) and not any("MSG_IGNORE" in line for line in sent), sent


async def test_a_connection_cut_in_mid_migration_is_joined_again(server: TestServer, tmp_path: Path) -> None:
    hosts, _ = await staged(server, shelf(tmp_path, {"2026_11_01_000000_slow": "// prints 3 // takes 2"}))
    lines: list[str] = []
    migrate = job("migrate", release=ID)
    running = asyncio.create_task(hosts.run("app1", migrate, lines.append))
    await until(lambda: any("row 2" in line for line in lines))
    server.cut()
    with pytest.raises(Unreachable, match="connection"):
        await asyncio.wait_for(running, 5)
    result = await hosts.run("app1", migrate, lines.append)
    assert result.ok and result.applied == ("2026_11_01_000000_slow",)
    assert server.effects().count("migrated 2026_11_01_000000_slow") == 1
    assert sum("row 2" in line for line in lines) == 1, "what was said before the cut is not said again"
    await hosts.close()


async def test_another_bot_joins_the_job_from_its_beginning(server: TestServer, tmp_path: Path) -> None:
    hosts, _ = await staged(server, shelf(tmp_path, {"2026_11_01_000000_slow": "// prints 3 // until go"}))
    migrate = job("migrate", release=ID)
    before: list[str] = []
    running = asyncio.create_task(hosts.run("app1", migrate, before.append))
    await until(lambda: any("row 0" in line for line in before))
    await hosts.close()
    with pytest.raises(Unreachable):
        await running
    lines: list[str] = []
    successor = server.hosts()
    joined = [asyncio.create_task(successor.run("app1", migrate, lines.append)) for _ in range(5)]
    await until(lambda: any("row 0" in line for line in lines))
    (server.root / "go").touch()
    results = await asyncio.gather(*joined)
    assert all(result.ok for result in results) and len(set(results)) == 1
    assert server.effects().count("migrated 2026_11_01_000000_slow") == 1
    await successor.close()


async def test_sshd_killed_and_started_again_the_job_went_on(server: TestServer, tmp_path: Path) -> None:
    hosts, _ = await staged(server, shelf(tmp_path, {"2026_11_01_000000_slow": "// takes 1.5"}))
    migrate = job("migrate", release=ID)
    running = asyncio.create_task(hosts.run("app1", migrate, lambda line: None))
    await asyncio.sleep(0.5)
    await server.kill()
    with pytest.raises(Unreachable):
        await asyncio.wait_for(running, 5)
    with pytest.raises(Unreachable, match="connection refused"):
        await hosts.run("app1", migrate, lambda line: None)
    await server.start()
    result = await hosts.run("app1", migrate, lambda line: None)
    assert result.ok and server.effects().count("migrated 2026_11_01_000000_slow") == 1
    await hosts.close()


async def test_joining_never_begins_a_job(server: TestServer, tmp_path: Path) -> None:
    hosts, _ = await staged(server, shelf(tmp_path, {"2026_11_01_000000_slow": "// prints 3 // takes 1"}))
    migrate = job("migrate", release=ID)
    assert await hosts.join("app1", migrate, lambda line: None) is None
    assert "migrated 2026_11_01_000000_slow" not in server.effects()
    running = asyncio.create_task(hosts.run("app1", migrate, lambda line: None))
    await asyncio.sleep(0.3)
    lines: list[str] = []
    successor = server.hosts()
    joined = await successor.join("app1", migrate, lines.append)
    assert joined == await running and joined.ok and any("row 2" in line for line in lines)
    assert await successor.join("app1", migrate, lines.append) == joined, "a job that has ended is known as well"
    assert server.effects().count("migrated 2026_11_01_000000_slow") == 1
    await asyncio.gather(hosts.close(), successor.close())


async def test_a_frozen_server_is_found_while_a_job_runs(server: TestServer, tmp_path: Path) -> None:
    hosts, _ = await staged(server, shelf(tmp_path, {"2026_11_01_000000_slow": "// takes 3"}))
    migrate = job("migrate", release=ID)
    running = asyncio.create_task(hosts.run("app1", migrate, lambda line: None))
    await asyncio.sleep(0.3)
    server.freeze()
    began = time.monotonic()
    with pytest.raises(Unreachable):
        await running
    assert time.monotonic() - began < 7
    server.thaw()
    result = await hosts.run("app1", migrate, lambda line: None)
    assert result.ok and server.effects().count("migrated 2026_11_01_000000_slow") == 1
    await hosts.close()


async def test_a_failed_job_is_a_result_and_no_exception(server: TestServer, tmp_path: Path) -> None:
    good, bad = "2026_11_01_000000_good", "2026_11_02_000000_bad"
    hosts, _ = await staged(server, shelf(tmp_path, {good: "", bad: "// fails"}))
    result = await hosts.run("app1", job("migrate", release=ID), lambda line: None)
    assert not result.ok and result.applied == (good,)
    assert any("does not work" in line for line in result.lines)
    await hosts.close()


async def test_a_bot_that_was_replaced_is_told_the_fence(server: TestServer) -> None:
    hosts = server.hosts()
    await hosts.raise_fence("app1", 9)
    for late in (hosts.raise_fence("app1", 8), hosts.run("app1", job("unstage", 8, release=ID), lambda line: None)):
        with pytest.raises(Fenced) as caught:
            await late
        assert (caught.value.mine, caught.value.current, caught.value.where) == (8, 9, "app1")
    assert await hosts.raise_fence("app1", 9) == 9
    await hosts.close()


async def test_what_chom_host_refuses_is_said_with_the_host_and_its_code(server: TestServer) -> None:
    hosts = server.hosts()
    with pytest.raises(HostRefused, match=r"^app1: ") as caught:
        await hosts.run("app1", job("unstage", release="../../etc"), lambda line: None)
    assert caught.value.code == "bad argument"
    assert (await hosts.run("app1", job("unstage", release=ID), lambda line: None)).ok
    with pytest.raises(HostRefused) as caught:
        await hosts.run("app1", job("unstage", release="20200101_000000"), lambda line: None)
    assert caught.value.code == "job mismatch"
    await hosts.close()


async def test_settings_that_are_broken_on_the_server_are_said_as_such(server: TestServer) -> None:
    server.config.write_text('{"wwww": "/"}')
    hosts = server.hosts()
    with pytest.raises(HostRefused, match=r"app1 refuses: .*'wwww' is no setting") as caught:
        await hosts.survey("app1")
    assert caught.value.code == "bad settings"
    await hosts.close()


async def test_a_long_line_is_cut(server: TestServer, tmp_path: Path) -> None:
    hosts, _ = await staged(server, shelf(tmp_path, {"2026_11_01_000000_" + "x" * 120: ""}))
    lines: list[str] = []
    await hosts.run("app1", job("migrate", release=ID), lines.append)
    assert lines and max(map(len, lines)) <= LINE + 40
    await hosts.close()


async def test_a_hundred_callers_one_connection(server: TestServer) -> None:
    hosts = server.hosts()
    async with asyncio.timeout(20):
        await asyncio.gather(*(hosts.survey("app1") for _ in range(100)))
    assert len(server.agents()) == 1
    await hosts.close()
    with contextlib.suppress(TimeoutError):
        await until(lambda: not server.agents(), 5)
    assert server.agents() == [], "a channel that ended leaves no chom-host behind"


async def test_a_cancelled_caller_disturbs_nobody(server: TestServer, tmp_path: Path) -> None:
    hosts, _ = await staged(server, shelf(tmp_path, {"2026_11_01_000000_slow": "// prints 100 // takes 1"}))
    migrate = job("migrate", release=ID)
    first = asyncio.create_task(hosts.run("app1", migrate, lambda line: None))
    second = asyncio.create_task(hosts.run("app1", replace(migrate), lambda line: None))
    await asyncio.sleep(0.3)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert (await second).ok
    await hosts.close()


async def test_a_log_is_read_as_often_as_one_likes_and_nothing_begins(server: TestServer, tmp_path: Path) -> None:
    hosts, _ = await staged(server, shelf(tmp_path, {"2026_11_01_000001_a": "", "2026_11_02_000001_b": ""}))
    migrate = job("migrate", release=ID)
    try:
        assert await hosts.log("app1", migrate.id, 1 << 20) is None
        assert server.effects().count("migrated 2026_11_01_000001_a") == 0
        live: list[str] = []
        await hosts.run("app1", migrate, live.append)
        log = await hosts.log("app1", migrate.id, 1 << 20)
        assert log is not None and list(log.lines) == live and len(live) > 1 and log.left_off == 0
        short = await hosts.log("app1", migrate.id, len(live[-1].encode()) + 1)
        assert short is not None and short.lines == (live[-1],) and short.left_off == len(live) - 1
        assert server.effects().count("migrated 2026_11_01_000001_a") == 1
    finally:
        await hosts.close()
