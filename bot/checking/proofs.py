"""Where evidence comes from: GitHub with its token and required checks, Prometheus, and an environment for staging."""

from __future__ import annotations

from actions.engine.metrics import PrometheusMetrics
from actions.engine.telemetry import Blind
from actions.engine.words import counted, joined
from bot.checking.found import Found
from bot.config import GitHubSettings, Settings
from bot.evidence.github import GitHub, Repository, Unknown
from policies.rules import BrokenRules, load


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
    except Blind as blind:
        faults.append(str(blind))
    return Found("Prometheus", f"{settings.prometheus} answers", tuple(faults), tuple(notes))


def asked_for(settings: Settings) -> Found:
    """Whether all evidence that the rules ask for can be had at all."""
    try:
        rules = load(settings.rules or None)
    except (BrokenRules, OSError):
        return Found("evidence")  # said with the people
    wanted = rules.evidence()
    has_staging = any(environment.staging for environment in settings.environments.values())
    faults: list[str] = []
    if "staging" in wanted and not has_staging:
        faults.append("The rules want versions to be tried in staging: write staging = true under one environment.")
    if wanted & {"checks", "branch"} and settings.github is None:
        faults.append(
            'The rules want GitHub to say that a commit is green: add [github] with repository = "OWNER/NAME", or '
            "write rules of your own that ask for no checks and no branch: rules under [bot]."
        )
    return Found("evidence", "all that the rules ask for can be had" if wanted else "", tuple(faults))
