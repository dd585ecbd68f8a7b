"""The points of a line: which share of requests failed or was slow, over ticks that together say enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from actions.engine.analysis.counters import Counts
from bot.charts.story import Story, Stretch, Tick

ENOUGH = 20
"""Requests of which a point is the share, at least: of fewer, a single fault would stand above a limit of 5 %."""
MOST = 30
"""Points of a line, about: more cannot be told apart on a phone."""

Part = Callable[[Counts], int]
"""Which of the requests."""
Points = list[tuple[float, float]]
"""(Seconds, percent)."""


def canary(story: Story, part: Part) -> list[Points]:
    """A stage each; of the new version's users."""
    return [list(_points(stage, lambda tick: tick.canary, part, story.seconds / MOST)) for stage in story.stages]


def stable(story: Story, part: Part) -> list[Points]:
    """The same of the others."""
    return [list(_points(stage, lambda tick: tick.stable, part, story.seconds / MOST)) for stage in story.stages]


def _points(stage: Stretch, of: Callable[[Tick], Counts], part: Part, least: float) -> Iterator[tuple[float, float]]:
    """In the middle of the ticks that are put together; a stage of one point has it at both its ends, as a line."""
    bins = list(_bins(stage, of, least))
    for began, ended, some in bins:
        value = 100 * part(some) / some.requests
        if len(bins) == 1:
            yield began, value
            yield ended, value
        else:
            yield (began + ended) / 2, value


def _bins(stage: Stretch, of: Callable[[Tick], Counts], least: float) -> Iterator[tuple[float, float, Counts]]:
    """Ticks from when to when; what is left over at the end joins those before it."""
    done: list[tuple[float, float, Counts]] = []
    since, held = stage.began, Counts()
    for tick in stage.ticks:
        held += of(tick)
        if held.requests >= ENOUGH and tick.ended - since >= least:
            done.append((since, tick.ended, held))
            since, held = tick.ended, Counts()
    if held.requests and done:
        began, _, before = done.pop()
        done.append((began, stage.ticks[-1].ended, before + held))
    elif held.requests:
        done.append((since, stage.ticks[-1].ended, held))
    yield from done
