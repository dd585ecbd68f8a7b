"""The canary analysis: counts in; wait, promote, extend, hold or roll back out, with why in a sentence. Pure.

`Watched.read` takes the scrapes of a tick, `decide` says what to do, and `Watched.promoted`, `extending` and
`holding` are what follows. The caller stores the Watched at every tick, and has every finding in the journal.
Probes are no users: requests pinned to a pool must not be in the counters.

Two things send a build back. Its share of faults is above the limit (as the seed's rule has it), and a healthy build
could not show that by chance (evidence.py says how sure that is). For faults that are independent of each other a
healthy build is sent back with probability 1 / `Limits.evidence` per limit at most: 0.5 %. Faults that come in bursts
are not independent and no such bound holds for them, so the worst ticks of a stage are not believed; `make bench`
shows both.
"""

from __future__ import annotations

from actions.engine.analysis.counters import Scrape, Totals
from actions.engine.analysis.findings import Cause, Extend, Finding, Hold, Promote, RollBack, Wait
from actions.engine.analysis.limits import Limits
from actions.engine.analysis.metrics import Excess, Metric, excesses, said
from actions.engine.analysis.watched import Tally, Watched
from actions.engine.words import counted, percent

__all__ = [
    "Cause",
    "Extend",
    "Finding",
    "Hold",
    "Limits",
    "Promote",
    "RollBack",
    "Scrape",
    "Tally",
    "Totals",
    "Wait",
    "Watched",
    "decide",
]


def decide(watched: Watched, now: float, limits: Limits) -> Finding:
    """What the canary's counts and the time ask for; `now` is Unix time in seconds.

    What sends users back is looked for at every tick, also while a person is asked; only the end of a stage promotes,
    and never on counters that are older than `limits.stale`.
    """
    over = excesses(watched, limits)
    for excess in over:
        if excess.proved(limits):
            return _back(excess, limits)
    if lost := _lost(watched, now, limits):
        return lost
    if watched.held is not None:
        if now - watched.held - watched.missed(watched.held) >= limits.patience:
            return RollBack(f"Nobody answered for {_minutes(limits.patience)}.", Cause.UNANSWERED)
        return Wait(_doubt(watched, over, limits) or _sentence(watched))
    if now < watched.ends(limits.stage):
        return Wait(_sentence(watched))
    if now - watched.fresh > limits.stale:
        return Wait(f"Nothing was measured for {counted(round(now - watched.fresh), 'second')}: no decision yet.")
    return _gate(watched, over, limits)


def _lost(watched: Watched, now: float, limits: Limits) -> RollBack | None:
    stuck = watched.counters.stuck
    if stuck and stuck[1] >= limits.stuck:
        host, seconds = stuck
        busy = counted(watched.counters.lasts[host].scrape.busy, "worker")
        why = f"On {host}, {busy} of the canary had work and completed nothing for {counted(round(seconds), 'second')}."
        return RollBack(why, Cause.STUCK)
    if now - watched.fresh >= limits.blind:
        why = f"Nothing was measured for {_minutes(now - watched.fresh)}: inconclusive, the build may be good."
        return RollBack(why, Cause.BLIND)
    return None


def _gate(watched: Watched, over: tuple[Excess, ...], limits: Limits) -> Finding:
    doubt = _doubt(watched, over, limits)
    if not doubt:
        return Promote(_sentence(watched))
    if watched.extended < limits.extensions:
        return Extend(f"{doubt} {counted(round(limits.stage), 'second')} more.")
    return Hold(doubt)


def _doubt(watched: Watched, over: tuple[Excess, ...], limits: Limits) -> str:
    """Why the stage cannot be told to be well; "" where it can."""
    requests = watched.tallies[-1].canary.requests
    if over:
        counts = said(over[0].metric, over[0].canary, over[0].stable)
        return f"{counts}. That is above {percent(limits.share)}, and may be chance."
    if requests < limits.least:
        return f"Only {counted(requests, 'request')} in this stage; {limits.least} are needed to tell."
    return ""


def _back(excess: Excess, limits: Limits) -> RollBack:
    metric, stable = excess.metric, excess.stable
    why = f"{said(metric, excess.canary, stable)}. The limit is {percent(limits.share)}"
    why = f"{why}, and this is {percent(metric.share(excess.canary))}."
    ill = metric.share(stable) > limits.share and metric.faults(stable) >= limits.faults
    if ill:
        why += " Stable is over it too: it may be the environment, not the build."
    return RollBack(why, metric.cause, ill)


def _sentence(watched: Watched) -> str:
    canary, stable = watched.tallies[-1].canary, watched.tallies[-1].stable
    failed, slow = said(Metric.FAILED, canary, stable), said(Metric.SLOW, canary, stable)
    return f"{failed}. {slow}." if canary.slow else f"{failed}."


def _minutes(seconds: float) -> str:
    return counted(round(seconds / 60), "minute") if seconds >= 60 else counted(round(seconds), "second")
