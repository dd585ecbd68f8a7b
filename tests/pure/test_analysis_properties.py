"""What has to hold of the analysis for every canary: cuts, orders and more failures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from hypothesis import given
from hypothesis import strategies as st

from actions.engine.analysis import (
    Extend,
    Finding,
    Hold,
    Limits,
    Promote,
    RollBack,
    Scrape,
    Totals,
    Wait,
    Watched,
    decide,
)
from actions.engine.analysis.evidence import e_value, pooled
from actions.engine.analysis.metrics import excesses
from actions.engine.codec import dump, load
from tests.pure.canary import BEGAN, LIMITS, Tick, after, begun, scrapes

ticks = st.lists(
    st.builds(
        lambda n, s, slow, m: Tick(n, min(n, s), min(n, slow), m, m // 50, m // 60),
        st.integers(0, 60),
        st.integers(0, 12),
        st.integers(0, 12),
        st.integers(0, 200),
    ),
    min_size=1,
    max_size=40,
)
shares = st.floats(0.001, 0.2)


def harm(found: Finding) -> int:
    """How far a finding is from promoting the build."""
    match found:
        case Promote():
            return 0
        case Wait():
            return 0
        case Extend():
            return 1
        case Hold():
            return 2
        case RollBack():
            return 3
        case _:
            assert_never(found)


@given(ticks, st.data())
def test_more_failures_never_help_a_build(served: list[Tick], data: st.DataObject):
    """One request more that failed, or one more that was slow, in any tick."""
    number = data.draw(st.integers(0, len(served) - 1))
    tick = served[number]
    kind = data.draw(st.sampled_from(["failed", "slow"]))
    if getattr(tick, kind) == tick.requests:
        return
    worse = replace(tick, **{kind: getattr(tick, kind) + 1})
    now = BEGAN + 300
    extended = data.draw(st.integers(0, 3))
    every = 300 / len(served)
    before = replace(after(*served, every=every), extended=extended)
    then = replace(after(*served[:number], worse, *served[number + 1 :], every=every), extended=extended)
    now = BEGAN + 300 * (1 + extended)
    fresh = Limits(stale=1e9, blind=1e9)
    assert harm(decide(before, now, fresh)) <= harm(decide(then, now, fresh))


@given(st.integers(0, 500), st.integers(0, 500), shares)
def test_evidence_never_falls_with_a_failure(failed: int, good: int, allowed: float):
    requests = failed + good + 1
    least = e_value(failed, requests, allowed, LIMITS.alternatives)
    assert e_value(failed + 1, requests, allowed, LIMITS.alternatives) >= least * (1 - 1e-9)


def seen(watched: Watched) -> list[tuple[str, float]]:
    return [(one.metric, one.evidence) for one in excesses(watched, LIMITS)]


@given(ticks, st.data())
def test_cutting_a_window_into_ticks_never_changes_the_evidence(served: list[Tick], data: st.DataObject):
    """However many of the scrapes are read, and in however many goes: the last one is."""
    read = scrapes(served, BEGAN, 5)
    kept = [one for one in read[:-1] if data.draw(st.booleans())]
    seldom = begun()
    for one in [*kept, read[-1]]:
        seldom = seldom.read([one])
    whole, once = after(*served), begun().read(read)
    for watched in (seldom, once):
        assert watched.tallies[-1].canary == whole.tallies[-1].canary
        assert watched.tallies[-1].stable == whole.tallies[-1].stable
        assert seen(watched) == seen(whole)


@given(ticks, ticks, st.data())
def test_neither_the_order_of_servers_nor_repeated_scrapes_matter(
    one: list[Tick], other: list[Tick], data: st.DataObject
):
    pairs = list(zip(scrapes(one, BEGAN, 5), scrapes(other, BEGAN, 5, "app2"), strict=False))
    straight = mixed = begun("app1", "app2")
    for pair in pairs:
        straight = straight.read(pair)
        mixed = mixed.read(data.draw(st.permutations([*pair, pair[0]])))
        mixed = mixed.read(pair)
    assert replace(mixed, tallies=straight.tallies) == straight
    assert mixed.tallies[-1].canary == straight.tallies[-1].canary
    assert seen(mixed) == seen(straight)


@given(ticks, st.integers(1, 39))
def test_a_restart_of_the_exporter_loses_only_what_it_never_said(served: list[Tick], at: int):
    """Counters that begin again at 0 count on; where they pass the old value at once, nobody can tell."""
    zero = Totals(40, 7, 7), Totals(9000, 90, 90)
    watched = begun()
    for number, one in enumerate(scrapes(served, BEGAN, 5), 1):
        if number == at + 1:
            zero = scrapes(served, BEGAN, 5)[at - 1].canary, scrapes(served, BEGAN, 5)[at - 1].stable
        if number > at:
            one = Scrape(one.host, one.at, less(one.canary, zero[0]), less(one.stable, zero[1]))
        watched = watched.read([one])
    whole = after(*served)
    assert watched.tallies[-1].canary.requests <= whole.tallies[-1].canary.requests
    if all(tick.requests < 40 for tick in served):
        assert watched.tallies[-1].canary == whole.tallies[-1].canary


def less(totals: Totals, zero: Totals) -> Totals:
    return Totals(totals.requests - zero.requests, totals.failed - zero.failed, totals.slow - zero.slow)


@given(ticks)
def test_it_is_the_same_after_it_was_stored_at_any_tick(served: list[Tick]):
    watched = stored = begun()
    for one in scrapes(served, BEGAN, 5):
        watched, stored = watched.read([one]), load(Watched, dump(stored)).read([one])
    assert stored == watched


@given(st.floats(0, 1e6), st.lists(st.floats(0, 1e6), min_size=1, max_size=5))
def test_pooled_evidence_is_an_average(whole: float, stages: Sequence[float]):
    found = pooled(whole, stages, 5)
    assert min(whole, 1, *stages) - 1e-6 <= found <= max(whole, 1, *stages) + 1e-6
