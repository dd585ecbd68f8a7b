"""The shop's two pools and what Prometheus says of them, as nginx, mtail and Prometheus would have it."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from actions.engine.analysis import Scrape, Totals
from actions.engine.clock import SystemClock
from actions.engine.metrics import PrometheusMetrics
from actions.engine.scrapes import PrometheusScrapes
from actions.engine.telemetry import Blind
from actions.host.chom_host.leases import lease
from actions.host.chom_host.settings import Settings, load_settings
from bot.sandbox.fastcgi import Fpm
from bot.sandbox.keep import any_port
from bot.sandbox.layout import CANARY_UNIT, Layout
from bot.sandbox.manners import Load, Manner, Manners
from bot.sandbox.prometheus import Prometheus
from bot.sandbox.promql import Series, parsed, written
from bot.sandbox.routing import CANARY, STABLE, Routing, bucket, minute, murmur2
from bot.sandbox.slack.errors import Impossible
from bot.sandbox.unit import Unit
from tests.sandbox.test_world_shop import artisan, open_shop, unpack
from tests.support.sandbox import until

AT = 1_795_000_000.0


@pytest.mark.parametrize(
    ("text", "said"),
    [("", 0), ("a", 0x92685F5E), ("abcd", 0x26873021)],
)
def test_a_client_is_hashed_as_nginx_does_it(text: str, said: int) -> None:
    assert murmur2(text.encode()) == said


def test_the_same_client_has_the_same_bucket_and_each_bucket_one_in_a_hundred() -> None:
    sizes = Counter(bucket(f"{number}") for number in range(100_000))
    assert set(sizes) == set(range(1, 101))
    assert all(800 < size < 1200 for size in sizes.values())


def settings(tmp_path: Path) -> Settings:
    return Settings(canary="chom_canary", leases=str(tmp_path / "run"), state=str(tmp_path))


def test_who_is_on_the_canary_says_the_lease_of_the_minute_that_chom_host_made(tmp_path: Path) -> None:
    at = [AT]
    routing = Routing(tmp_path / "run", tmp_path / "pins.conf", lambda: at[0])

    def canaries() -> set[int]:
        return {number for number in range(2000) if routing.pool(f"client {number}") == (CANARY, False)}

    assert (canaries(), routing.weight()) == (set(), 0)
    before = set[int]()
    for percent in (10, 25, 50, 75, 100):
        lease(settings(tmp_path), percent, at[0])
        now = canaries()
        assert before < now, "nobody leaves the canary from one stage to the next"
        assert abs(len(now) - 20 * percent) < 60
        assert routing.weight() == percent
        before = now
    at[0] += 60
    assert len(canaries()) == 2000
    at[0] += 60
    assert (canaries(), routing.weight()) == (set(), 0), "a lease that nobody renews is over with the next minute"


def test_a_pin_names_the_pool_and_its_visit_is_no_users(tmp_path: Path) -> None:
    (tmp_path / "pins.conf").write_text('"s3-canary" canary;\n"s3-stable" stable;\n')
    routing = Routing(tmp_path / "run", tmp_path / "pins.conf")
    assert routing.pool("me", "s3-canary") == (CANARY, True)
    assert routing.pool("me", "guessed") == (STABLE, False)


def test_the_minute_is_that_of_the_servers_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    for zone, said in (("UTC", "2026-11-18T11:06+00:00"), ("Asia/Kolkata", "2026-11-18T16:36+05:30")):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        assert minute(AT) == said
    monkeypatch.undo()
    time.tzset()


async def test_visits_are_counted_by_pool_from_zero(tmp_path: Path) -> None:
    """v1.0 is served, v1.4 fails one visit in five, v1.5 is slow; what is pinned is nobody's visit."""
    for name, version in (("served", "v1.0"), ("canary", "v1.4")):
        assert artisan(unpack(tmp_path, version), "migrate", "--force").returncode == 0
        (tmp_path / name).symlink_to(f"releases/{version}")
    (tmp_path / "pins.conf").write_text('"s3-canary" canary;\n')
    async with open_shop(tmp_path, tmp_path / "served") as shop, aiohttp.ClientSession() as session:

        async def visit(client: int, **headers: str) -> tuple[int, str]:
            cookie = {"Cookie": f"chom_client={client}", **headers}
            async with session.get(f"{shop.url}/", headers=cookie) as answer:
                return answer.status, "v1.4" if "v1.4" in await answer.text() else "v1.0"

        stable, canary = (shop.pools[name].counted for name in (STABLE, CANARY))
        assert {await visit(client) for client in range(20)} == {(200, "v1.0")}
        assert (stable.requests, canary.requests, canary.failed, canary.slow) == (20, 0, 0, 0)
        lease(settings(tmp_path), 50)
        got = [await visit(client) for client in range(400)]
        assert Counter(got)[200, "v1.0"] == stable.requests - 20
        assert (stable.failed, canary.requests) == (0, 400 - (stable.requests - 20))
        assert canary.failed == Counter(got)[500, "v1.4"]
        assert 0.12 < canary.failed / canary.requests < 0.28
        counted = canary.requests
        pinned = {"X-Chom-Pin": "s3-canary"}
        assert {(await visit(client, **pinned))[1] for client in range(20)} == {"v1.4"}
        assert canary.requests == counted
        await shop.pools[CANARY].fpm.close()
        assert 502 in {(await visit(client))[0] for client in range(20)}, "a pool that does not run answers nothing"


def test_a_version_that_bears_so_many_fails_only_above_that() -> None:
    load, bears = Load(), Manner(bears=75)
    calm = sum(load.fails(bears, AT + number / 50) for number in range(500))
    pressed = sum(load.fails(bears, AT + 10 + number / 150) for number in range(1500))
    assert (calm, 650 < pressed < 800) == (0, True)


def test_a_version_is_changed_while_it_is_watched_and_nonsense_is_refused() -> None:
    manners = Manners({"v1.2": Manner(), "v1.6": Manner(bears=75)})
    assert manners.change({"version": "v1.2", "error_rate": 0.2}) == {
        "version": "v1.2",
        "error_rate": 0.2,
        "latency_ms": 0,
    }
    manners.change({"version": "v1.2", "latency_ms": 800})
    assert manners.of("v1.2", Manner()) == Manner(0.2, 800)
    manners.change({"version": "v1.6", "error_rate": 1})
    assert manners.of("v1.6", Manner(bears=75)) == Manner(1, 0, 75)
    for spec, said in (
        ({"version": "v9"}, r"no version 'v9'; there are v1.2, v1.6. POST"),
        ({}, "no version None"),
        ({"version": "v1.2", "error_rate": 2}, "“error_rate” has to be a number from 0 to 1; it was 2"),
        ({"version": "v1.2", "latency_ms": True}, "“latency_ms” has to be a number"),
        ({"version": "v1.2", "colour": "red"}, "'colour' is nothing that can be changed"),
    ):
        with pytest.raises(Impossible, match=said):
            manners.change(spec)


async def test_systemctl_starts_the_canarys_fpm_and_stops_it(tmp_path: Path) -> None:
    layout = Layout(tmp_path, tmp_path / "fpm.sock", tmp_path / "canary.sock", "http://127.0.0.1:1")
    layout.make("staging")
    told = load_settings(tmp_path / "host.json")
    assert (told.canary, told.canary_service) == ("chom_canary", CANARY_UNIT)
    fpm = Fpm("staging", layout.canary_fpm)
    unit = Unit(fpm, layout.canary_runs)
    await unit.start()
    try:
        for what, running in (("start", True), ("reload", True), ("stop", False)):
            asked = [told.sudo, "-n", told.systemctl, what, CANARY_UNIT]
            assert (await asyncio.to_thread(subprocess.run, asked, check=False)).returncode == 0
            await until(lambda running=running: fpm.running is running)
            assert layout.canary_fpm.exists() is running
    finally:
        await unit.close()
    assert (tmp_path / "services.log").read_text().splitlines()[0] == f"start {CANARY_UNIT}"


# --- Prometheus ------------------------------------------------------------------


def counted(host: str, pool: str, *values: float) -> list[Series]:
    labels = {"host": host, "pool": pool, "job": "chom-pools"}
    names = ("chom_requests_total", "chom_failed_total", "chom_slow_total")
    return [(name, labels, value) for name, value in zip(names, values, strict=True)]


@pytest.fixture
async def prometheus() -> AsyncIterator[Prometheus]:
    found = [
        *counted("app1", "canary", 12_345_678, 3, 1),
        *counted("app1", "stable", 100, 0, 0),
        *counted("app2", "canary", 7, 0, 0),
        ("phpfpm_active_processes", {"host": "app1", "job": "chom-canary-fpm"}, 4.0),
        ("chom:errors:ratio", {"environment": "production"}, float("nan")),
    ]
    made = Prometheus(lambda: found, any_port())
    await made.start()
    try:
        yield made
    finally:
        await made.close()


async def test_the_bots_own_queries_are_answered_with_what_was_scraped(prometheus: Prometheus) -> None:
    """Its real client over the wire format; only what was scraped by then counts."""
    scrapes = PrometheusScrapes(PrometheusMetrics(prometheus.url), SystemClock())
    before = time.time()
    prometheus.scrape(before - 5)
    one, two = await scrapes.scrape(("app1", "app2", "app3"))
    assert one == Scrape("app1", one.at, Totals(12_345_678, 3, 1), Totals(100, 0, 0), 4)
    assert (two.host, two.canary, two.stable, two.busy) == ("app2", Totals(7, 0, 0), Totals(), 0)
    assert abs(one.at - before) < 5.1
    prometheus.fault("down", 60)
    with pytest.raises(Blind):
        await scrapes.scrape(("app1",))


async def test_it_answers_in_the_wire_format_and_refuses_what_it_does_not_know(prometheus: Prometheus) -> None:
    async with aiohttp.ClientSession() as session:

        async def ask(query: str, **more: str) -> Any:
            async with session.get(f"{prometheus.url}/api/v1/query", params={"query": query, **more}) as answer:
                return await answer.json()

        said = await ask('chom_requests_total{host=~"app.",pool!="stable"}')
        assert (said["status"], said["data"]["resultType"]) == ("success", "vector")
        found = [(one["metric"]["host"], one["value"][1]) for one in said["data"]["result"]]
        assert found == [("app1", "12345678"), ("app2", "7")]
        said = await ask('timestamp(chom_requests_total{pool="canary",host="app1"})')
        (one,) = said["data"]["result"]
        assert one["metric"] == {"host": "app1", "pool": "canary", "job": "chom-pools"}
        assert abs(float(one["value"][1]) - time.time()) < 60
        assert (await ask("chom_slow_total", time="12.5"))["data"]["result"] == [], "nothing was scraped by then"
        for query in ("rate(chom_failed_total[5m])", "", "{}", 'x{a="b" c}'):
            said = await ask(query)
            assert (said["status"], said["errorType"]) == ("error", "bad_data"), query


def test_numbers_are_written_as_prometheus_writes_them() -> None:
    values = (0.0, 12_345_678.0, 1.5, 1e-7, 1e21, float("nan"), float("inf"), 1_795_000_000.123)
    said = ["0", "12345678", "1.5", "0.0000001", "1000000000000000000000", "NaN", "+Inf", "1795000000.123"]
    assert [written(value) for value in values] == said
    assert parsed('a{b=~"x|y"}').of([("a", {"b": "xy"}, 1.0)], AT) == [], "anchored on both sides"
