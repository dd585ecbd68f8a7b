"""What Prometheus says of the pools becomes one scrape a server, with the time at which it was taken."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import pytest

from actions.engine.analysis import Scrape, Totals
from actions.engine.scrapes import BUSY, COUNTED, SCRAPED, PrometheusScrapes
from actions.engine.telemetry import Blind, Sample
from tests.pure.making import AT


class Clock:
    def now(self) -> datetime:
        return AT

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


class Answers:
    """ports.Metrics with these samples."""

    def __init__(self, answers: dict[str, tuple[Sample, ...]]) -> None:
        self.answers, self.asked = answers, list[datetime | None]()

    async def query(self, promql: str, at: datetime | None = None) -> tuple[Sample, ...]:
        self.asked.append(at)
        if promql not in self.answers:
            raise Blind("Prometheus is not there.")
        return self.answers[promql]


def counter(name: str, host: str, pool: str, value: float) -> Sample:
    return Sample({"__name__": f"chom_{name}_total", "host": host, "pool": pool, "prog": "chom.mtail"}, value)


async def test_each_server_has_its_counters_its_time_and_its_workers() -> None:
    said = Answers(
        {
            COUNTED: (
                *(counter("requests", "app1", pool, value) for pool, value in (("canary", 40), ("stable", 360))),
                *(counter("failed", "app1", pool, value) for pool, value in (("canary", 2), ("stable", 1))),
                counter("slow", "app1", "canary", 3),
                counter("requests", "app2", "stable", 100),
                counter("requests", "elsewhere", "canary", 9),
            ),
            SCRAPED: (Sample({"host": "app1"}, 1000.5), Sample({"host": "app2"}, 1001.0)),
            BUSY: (Sample({"host": "app1"}, 4.0), Sample({"host": "app2"}, math.nan)),
        }
    )
    found = await PrometheusScrapes(said, Clock()).scrape(["app1", "app2", "app3"])
    assert found == (
        Scrape("app1", 1000.5, Totals(40, 2, 3), Totals(360, 1, 0), 4),
        Scrape("app2", 1001.0, Totals(), Totals(100, 0, 0), 0),
    ), "app3 was not scraped"
    assert set(said.asked) == {AT - timedelta(seconds=1)}, "all as of one moment"


async def test_what_cannot_be_asked_is_blind_and_not_nothing() -> None:
    with pytest.raises(Blind):
        await PrometheusScrapes(Answers({COUNTED: (), SCRAPED: ()}), Clock()).scrape(["app1"])
