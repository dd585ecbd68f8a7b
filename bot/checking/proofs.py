"""Where evidence comes from: GitHub with its token and required checks, Prometheus, staging, canaries and drills."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import get_args

from actions.engine.clock import SystemClock
from actions.engine.metrics import PrometheusMetrics
from actions.engine.registry.advice import nearest
from actions.engine.registry.strategies import strategies
from actions.engine.scrapes import PrometheusScrapes
from actions.engine.telemetry import Blind, Metrics
from actions.engine.words import counted, joined, quote
from bot.checking.found import Found
from bot.config import GitHubSettings, Settings
from bot.evidence.github import GitHub, Repository, Unknown
from bot.store import Store, StoreDown
from bot.vocabulary import registry
from policies.change import STRATEGY
from policies.rules import BrokenRules, EvidenceName, Rules, load

_OWN = '`chom-bot policy rules > rules.toml` beside chom.toml, and rules = "rules.toml" under [bot]'


async def github(settings: GitHubSettings) -> Found:
    """The token, the repository, the protected branch, and that there are required checks which have run before."""
    asked = GitHub(Repository(settings.repository, settings.token, settings.api_url))
    try:
        tip = await asked.tip(settings.branch)
        required = settings.checks or await asked.required(settings.branch)
        known = await asked.checks(tip)
    except Unknown as unknown:
        return Found("GitHub", faults=(str(unknown),))
    if not required:
        none = f'{settings.branch} requires no checks; name them under [github], checks = ["…"].'
        return Found("GitHub", faults=(none,))
    notes = [f"{name} has not run for the tip of {settings.branch}." for name in required if name not in known]
    well = f"{settings.repository} can be read; {counted(len(required), 'check')} required: {joined(required)}"
    return Found("GitHub", well, notes=tuple(notes))


async def prometheus(settings: Settings) -> Found:
    """That it answers, and has a number for everything that is to be watched."""
    metrics = PrometheusMetrics(settings.prometheus)
    faults: list[str] = []
    notes: list[str] = []
    try:
        await metrics.query("up")
        for environment in settings.environments.values():
            for limit in environment.limits:
                if not await metrics.query(limit.query):
                    notes.append(f"It has no number for the {limit.what} of {environment.name} yet: {limit.query}")
        notes += await _unscraped(metrics, [name for name, host in settings.hosts.items() if host.canary])
    except Blind as blind:
        faults.append(str(blind))
    return Found("Prometheus", f"{settings.prometheus} answers", tuple(faults), tuple(notes))


async def _unscraped(metrics: Metrics, pools: list[str]) -> list[str]:
    """Of servers with a canary pool, those without counters. Raises Blind."""
    if not pools:
        return []
    scraped = [one.host for one in await PrometheusScrapes(metrics, SystemClock()).scrape(pools)]
    if not (missing := [name for name in pools if name not in scraped]):
        return []
    return [
        f"It has no counters of the pools of {joined(missing)} yet, and without them a canary goes back. Was a first "
        "request answered there, does mtail run with /etc/chom/mtail, and does Prometheus scrape what "
        "/etc/chom/canary-prometheus.yml says?"
    ]


def asked_for(settings: Settings) -> Found:
    """Whether all that the rules ask for can be had at all."""
    try:
        rules = load(settings.rules or None)
    except BrokenRules:
        return Found("evidence")  # said as the rules' own
    wanted = rules.evidence()
    has_staging = any(environment.staging for environment in settings.environments.values())
    faults = list(_no_canary(settings, rules))
    if "staging" in wanted and not has_staging:
        faults.append("The rules want versions to be tried in staging: write staging = true under one environment.")
    if wanted & {"checks", "branch"} and settings.github is None:
        faults.append(
            'The rules want GitHub to say that a commit is green: add [github] with repository = "OWNER/NAME", or '
            f"write rules of your own that ask for no checks and no branch: {_OWN}."
        )
    faults += _misspelt(rules)
    typos = [_unknown("environment", name, settings.environments) for name in sorted(rules.named()["environment"])]
    notes = tuple(said for said in typos if "Did you mean" in said)  # a table may be shared with other bots
    return Found("evidence", "all that the rules ask for can be had" if wanted else "", tuple(faults), notes)


def _misspelt(rules: Rules) -> Iterator[str]:
    """What the rules name and no bot has: a rule that names it never fits, which may ask for less than was meant."""
    actions = registry().actions
    known = {
        "action": [action.name for action in actions],
        "strategy": [strategy.word for strategy in strategies(actions)],
        "bypass": [*get_args(EvidenceName), STRATEGY],
    }
    for what, names in known.items():
        yield from (said for name in sorted(rules.named()[what]) if (said := _unknown(what, name, names)))


def _unknown(what: str, name: str, known: Collection[str]) -> str:
    """A sentence where it is none of them, else ""."""
    meant = nearest(name, known)
    return (
        ""
        if name in known
        else f"The rules name the {what} {quote(name)}; there {'is' if len(known) == 1 else 'are'} {joined(known)}."
        f"{f' Did you mean {meant}?' if meant else ''}"
    )


def _no_canary(settings: Settings, rules: Rules) -> Iterator[str]:
    """Where the rules allow nothing but a canary and there can be none; and pools that nobody counts."""
    pools = {name for name, host in settings.hosts.items() if host.canary}
    asking = [number for number, allowed in rules.strategies().items() if set(allowed) == {"canary"}]
    for environment in settings.environments.values():
        without = [name for name in environment.hosts if name not in pools]
        if asking and without and not rules.is_free(environment.name):
            yield (
                f"The rules want {joined(f'Category {number}' for number in asking)} in {environment.name} to be a "
                f"canary, and {joined(without)} {'has' if len(without) == 1 else 'have'} no canary pool: add "
                f"[hosts.{without[0]}.canary] and run `chom-bot host install`, or write rules of your own that ask for "
                f"no strategies: {_OWN}."
            )
    if pools and not settings.prometheus:
        yield (
            f"{joined(sorted(pools))} {'has' if len(pools) == 1 else 'have'} a canary pool, and nobody counts its "
            "requests, so every canary goes back: add [prometheus] with its url."
        )


async def drills(settings: Settings) -> Found:
    """Whether a drill was ever recorded, where the rules ask for one; that Redis is away is said elsewhere."""
    try:
        wanted = "drill" in load(settings.rules or None).evidence()
    except BrokenRules:
        return Found("drills")
    store = Store(settings.redis_url, patience=2.0)
    try:
        known = await store.drills() if wanted else ()
    except StoreDown:
        return Found("drills")
    finally:
        await store.close()
    todo = '`chom-bot evidence add drill --passed "what was tried"` records one.'
    none = f"The rules want a DR drill for their gravest changes, and none was recorded. {todo}"
    return Found("drills", notes=() if known or not wanted else (none,))
