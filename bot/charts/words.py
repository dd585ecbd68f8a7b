"""What a canary's picture shows, in words: its headline, and the text for those who do not see it."""

from __future__ import annotations

from typing import assert_never

from actions.engine.analysis.counters import Counts
from actions.engine.words import counted, duration
from bot.charts.latency import P95
from bot.charts.story import End, Story

MOST_ALT = 1000
"""Characters of a file's alt text that Slack takes."""


def percent(part: int, whole: int) -> str:
    """ "0.7 %", "23 %"; what is not nothing is never said to be 0."""
    share = 100 * part / whole if whole else 0.0
    if 0 < share < 0.1:
        return "under 0.1 %"
    return f"{share:.1f} %" if 0 < share < 10 and round(share, 1) != round(share) else f"{share:.0f} %"


def headline(story: Story) -> str:
    """The finding in one short sentence without a full stop."""
    last, version = story.stages[-1], story.version
    match story.end:
        case End.ON if story.promoter:
            return f"{version} was promoted from {last.weight} % by {story.promoter}{_early(story, last.canary)}"
        case End.LIVE if story.promoter:
            return f"{version} was made live by {story.promoter}{_early(story, last.canary)}"
        case End.ON:
            return f"{version} {_keeping(story, last.canary)} with {last.weight} % of users"
        case End.LIVE:
            return f"{version} {_keeping(story, _all(story)[0])}, up to {last.weight} % of users"
        case End.BACK:
            return f"{version} went back at {last.weight} %{_fault(story)}"
        case End.STOPPED:
            return f"{version} was stopped at {last.weight} %"
        case _:
            assert_never(story.end)


def counts(story: Story) -> str:
    """Beneath the headline, without a full stop: what was counted of both, in the stage or, at a good end, in all."""
    canary, stable = judged(story)
    said = f"{canary.failed:,} of {counted(canary.requests, 'request')} failed, {_slow(canary)}"
    return f"{said}; {story.old}: {stable.failed:,} of {stable.requests:,}, {_slow(stable)}"


def alt(story: Story, p95: P95 | None = None) -> str:
    """The whole picture as text: the finding first, then the numbers of each stage."""
    limits = story.limits
    said = [
        f"{headline(story)}.",
        f"Limits: at most {limits.share * 100:g} % of requests may fail, "
        f"and at most {limits.share * 100:g} % may take longer than {limits.slow:g} s.",
    ]
    if p95:
        others = f", of {story.old} {p95.stable[-1][1]:.2g} s" if p95.stable else ""
        said.append(f"p95 of {story.version} at the end {p95.canary[-1][1]:.2g} s{others}.")
    for stage in story.stages:
        mine, others = stage.canary, stage.stable
        told = f"{stage.weight} % of users for {duration(stage.ended - stage.began)}: "
        if mine.requests:
            told += f"{_both(mine)} of {counted(mine.requests, 'request')} to {story.version}"
        else:
            told += f"no request to {story.version}"
        told += f", {_both(others)} of {others.requests:,} to {story.old}." if others.requests else "."
        said.append(told)
    text = " ".join(said)
    return text if len(text) <= MOST_ALT else f"{text[: MOST_ALT - 1]}…"


def judged(story: Story) -> tuple[Counts, Counts]:
    """What the headline speaks of: (canary, stable)."""
    last = story.stages[-1]
    return _all(story) if story.end is End.LIVE and not story.promoter else (last.canary, last.stable)


def _all(story: Story) -> tuple[Counts, Counts]:
    canary = sum((stage.canary for stage in story.stages), Counts())
    return canary, sum((stage.stable for stage in story.stages), Counts())


def _keeping(story: Story, canary: Counts) -> str:
    if not canary.requests:
        return "got no request"
    return "was above its limits" if _above(story, canary) else "kept its limits"


def _early(story: Story, canary: Counts) -> str:
    """What the person who promoted it could not know, or went past."""
    if canary.requests < story.limits.least:
        return " before it could be told"
    return ", above its limits" if _above(story, canary) else ""


def _above(story: Story, canary: Counts) -> bool:
    return max(canary.failed, canary.slow) > story.limits.share * canary.requests


def _fault(story: Story) -> str:
    """The share that is above its limit, where one is; else what it was sent back for is in the thread."""
    canary = story.stages[-1].canary
    most = story.limits.share * canary.requests
    if canary.failed > most:
        return f": {percent(canary.failed, canary.requests)} failed"
    if canary.slow > most:
        return f": {percent(canary.slow, canary.requests)} slower than {story.limits.slow:g} s"
    return ""


def _slow(some: Counts) -> str:
    return f"{some.slow:,} slow"


def _both(some: Counts) -> str:
    failed, slow = percent(some.failed, some.requests), percent(some.slow, some.requests)
    return f"{failed} failed and {slow} were slow"
