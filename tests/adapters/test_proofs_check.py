"""`chom-bot check` on evidence: token, repository, required checks, Prometheus and staging, each with words."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from actions.engine.fleet import Environment, Limit
from actions.engine.plan import Probe
from bot.checking.here import people, secrets
from bot.checking.proofs import asked_for, github, prometheus
from bot.config import GitHubSettings, Settings
from bot.config.servers import CanarySettings, HostSettings
from bot.sandbox import github as standin
from bot.sandbox.keep import any_port
from bot.sandbox.prometheus import Prometheus
from bot.sandbox.promql import Series
from policies.rules import SHIPPED
from tests.support.rules import one_lead_text

ENVIRONMENT = Environment("production", ("app1",), "app1", (Probe("https://x.example/"),))
APP1 = HostSettings("app1", "10.0.0.11", "ssh-ed25519 AAAA")
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


@asynccontextmanager
async def scraping(*series: Series) -> AsyncIterator[str]:
    """The address of a Prometheus that has scraped these for some seconds."""
    one = Prometheus(lambda: series, any_port())
    one.scrape(time.time() - 5)
    await one.start()
    try:
        yield one.url
    finally:
        await one.close()


async def test_prometheus_answers_and_has_numbers() -> None:
    limits = (Limit("errors", "errors", 0.05), Limit("latency", "latency", 2.0))
    settings = replace(SETTINGS, environments={"production": replace(ENVIRONMENT, limits=limits)})
    async with scraping(("errors", {}, 0.0)) as url:
        found = await prometheus(settings := replace(settings, prometheus=url))
        assert found.faults == ()
        assert found.notes == ("It has no number for the latency of production yet: latency",)
    assert "cannot be reached" in (await prometheus(settings)).faults[0]


async def test_prometheus_counts_what_canaries_are_judged_by() -> None:
    pool = replace(APP1, canary=CanarySettings())
    settings = replace(SETTINGS, hosts={"app1": pool, "app2": replace(pool, name="app2"), "db": APP1})
    async with scraping(("chom_requests_total", {"host": "app1", "pool": "canary"}, 0.0)) as url:
        found = await prometheus(replace(settings, prometheus=url))
    assert found.faults == ()
    (note,) = found.notes
    assert note.startswith("It has no counters of the pools of app2 yet") and "canary-prometheus.yml" in note


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


@pytest.mark.parametrize(
    ("old", "new", "fault", "note"),
    [
        ('actions = ["rollback"]', 'actions = ["rolback"]', 'the action "rolback"; there are deploy', ""),
        ('strategies = ["canary"]', 'strategies = ["canery"]', '"canery"; there are blue-green, canary and', ""),
        ('bypass = ["staging"', 'bypass = ["stagging"', 'the bypass "stagging"; there are staging', ""),
        ('environments = ["staging"]', 'environments = ["prodution"]', "", "Did you mean production?"),
        ('environments = ["staging"]', 'environments = ["another-bots"]', "", ""),
    ],
)
def test_a_name_that_the_rules_misspell_is_said(tmp_path: Path, old: str, new: str, fault: str, note: str) -> None:
    text, rules = SHIPPED.read_text(encoding="utf-8"), tmp_path / "rules.toml"
    assert old in text
    rules.write_text(text.replace(old, new, 1))
    found = asked_for(replace(SETTINGS, rules=str(rules)))
    assert [fault in said for said in found.faults if said.startswith("The rules name")] == [True] * bool(fault)
    assert [note in said for said in found.notes] == [True] * bool(note)


def test_category_3_can_only_be_had_where_there_are_canary_pools_and_somebody_counts() -> None:
    shipped = replace(SETTINGS, hosts={"app1": APP1})
    faults = asked_for(shipped).faults
    assert faults[0].startswith("The rules want Category 3 in production to be a canary, and app1 has no canary pool")
    assert "[hosts.app1.canary]" in faults[0] and "ask for no strategies" in faults[0] and len(faults) == 3
    pools = replace(shipped, hosts={"app1": replace(APP1, canary=CanarySettings())})
    assert asked_for(pools).faults[0].startswith("app1 has a canary pool, and nobody counts its requests")
    assert len(asked_for(replace(pools, prometheus="http://127.0.0.1:9090")).faults) == 2
    free = replace(ENVIRONMENT, name="staging")
    assert "canary" not in str(asked_for(replace(shipped, environments={"staging": free})).faults)


def test_rules_that_are_not_where_chom_toml_says() -> None:
    nowhere = replace(SETTINGS, rules="/nowhere/rules.toml")
    assert people(nowhere).faults == (
        "The table of rules /nowhere/rules.toml cannot be read: No such file or directory.",
    )
    assert asked_for(nowhere).faults == ()


@pytest.mark.parametrize(("mode", "faults"), [(0o600, 0), (0o640, 0), (0o644, 1)])
def test_secrets_that_others_can_read_are_a_fault(tmp_path: Path, mode: int, faults: int) -> None:
    lies = tmp_path / "secrets.env"
    lies.touch()
    lies.chmod(mode)
    found = secrets(tmp_path / "chom.toml", ())
    assert found.faults == (f"Others on this machine can read {lies}. Keep it to its owner: chmod 600 {lies}",) * faults
    assert found.notes == ()
