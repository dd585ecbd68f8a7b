"""`chom-bot check` on evidence: token, repository, required checks, Prometheus and staging, each with words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from actions.engine.fleet import Environment, Limit
from actions.engine.plan import Probe
from bot.checking.proofs import asked_for, github, prometheus
from bot.config import GitHubSettings, Settings
from bot.sandbox import github as standin
from bot.sandbox.keep import any_port
from bot.sandbox.prometheus import Prometheus
from policies.rules import SHIPPED
from tests.support.rules import one_lead_text

ENVIRONMENT = Environment("production", ("app1",), "app1", (Probe("https://x.example/"),))
SETTINGS = Settings({"production": ENVIRONMENT}, "production", {}, {}, "/srv", None)


@pytest.fixture
async def there() -> AsyncIterator[standin.GitHub]:
    one = standin.GitHub(["1" * 40, "2" * 40], any_port())
    await one.start()
    yield one
    await one.close()


def asking(there: standin.GitHub) -> GitHubSettings:
    return GitHubSettings(standin.REPOSITORY, "main", (), there.url, standin.TOKEN)


async def test_a_github_that_lacks_nothing(there: standin.GitHub) -> None:
    found = await github(asking(there))
    assert found.faults == found.notes == ()
    assert found.well == "example/chom can be read; 2 checks required: tests and security scan"


async def test_each_fault_of_github(there: standin.GitHub) -> None:
    ours = asking(there)
    wrong = await github(replace(ours, token="ghp_other"))
    assert "GitHub refuses the token" in wrong.faults[0] and "ghp_other" not in wrong.faults[0]
    assert "knows no branch main in example/else" in (await github(replace(ours, repository="example/else"))).faults[0]
    assert "knows no branch trunk" in (await github(replace(ours, branch="trunk"))).faults[0]
    there.required = ()
    assert "main requires no checks" in (await github(ours)).faults[0]
    assert (await github(replace(ours, checks=("e2e",)))).notes == ("e2e has not run for the tip of main.",)


async def test_prometheus_answers_and_has_numbers() -> None:
    series = [("errors", {}, 0.0)]
    one = Prometheus(lambda: series, any_port())
    await one.start()
    limits = (Limit("errors", "errors", 0.05), Limit("latency", "latency", 2.0))
    settings = replace(SETTINGS, prometheus=one.url, environments={"production": replace(ENVIRONMENT, limits=limits)})
    found = await prometheus(settings)
    assert found.faults == () and found.notes == ("It has no number for the latency of production yet: latency",)
    await one.close()
    assert "cannot be reached" in (await prometheus(settings)).faults[0]


def test_what_the_rules_ask_for_has_to_be_had(tmp_path: Path) -> None:
    head = SHIPPED.read_text(encoding="utf-8").partition("[[rules]]")[0]
    rules = tmp_path / "rules.toml"
    rules.write_text(head + '[[rules]]\ncategory = 2\nbecause = "Two."\n')
    faults = asked_for(replace(SETTINGS, rules=str(rules))).faults
    assert len(faults) == 2 and "staging = true" in faults[0] and "[github]" in faults[1]
    rules.write_text(head + '[[rules]]\ncategory = 1\nbecause = "One."\n')
    (fault,) = asked_for(replace(SETTINGS, rules=str(rules))).faults
    assert "[github]" in fault and "rules of your own" in fault
    rules.write_text(one_lead_text())
    assert asked_for(replace(SETTINGS, rules=str(rules))).faults == ()
