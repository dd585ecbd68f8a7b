"""GitHub over HTTP, against a stand-in that is as strict: what is green is green, and everything else has words."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from bot.evidence.checks import Checks, OnBranch
from bot.evidence.github import GitHub, NoSuch, Repository, Result, Unknown
from bot.sandbox import github as standin
from bot.sandbox.keep import any_port
from policies.change import Change, Requirement
from tests.pure.making import change, deploy

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
COMMITS = ["1" * 40, "2" * 40, "3" * 40]
ONE, TIP = COMMITS[0], COMMITS[-1]


@pytest.fixture
async def there() -> AsyncIterator[standin.GitHub]:
    one = standin.GitHub(COMMITS, any_port())
    await one.start()
    yield one
    await one.close()


def asking(there: standin.GitHub, **other: str) -> GitHub:
    told = {"name": standin.REPOSITORY, "token": standin.TOKEN, "api": there.url}
    return GitHub(Repository(**{**told, **other}))


def of(commit: str) -> Change:
    return change(Requirement(2, "It is big.", (), ("checks", "branch")), plan=deploy(commit=commit))


async def test_check_runs_and_statuses_are_both_checks(there: standin.GitHub) -> None:
    there.results[(ONE, "security scan")] = "pending"
    there.results[(ONE, "lint")] = "failure"
    found = await asking(there).checks(ONE)
    assert found == {"tests": Result.GREEN, "lint": Result.RED, "security scan": Result.RUNS}


async def test_of_two_checks_of_one_name_the_worse_counts(there: standin.GitHub) -> None:
    there.statuses = [("tests", "failure"), ("tests", "success"), ("scan", "success"), ("scan", "error")]
    found = await asking(there).checks(ONE)
    assert (found["tests"], found["scan"]) == (Result.RED, Result.GREEN)


async def test_every_page_is_read(there: standin.GitHub) -> None:
    there.results.update({(ONE, f"job {n}"): "success" for n in range(250)})
    there.results[(ONE, "job 249")] = "failure"
    found = await asking(there).checks(ONE)
    assert len(found) == 252 and found["job 249"] is Result.RED


async def test_what_did_not_change_costs_nothing_of_the_rate_limit(there: standin.GitHub) -> None:
    github = asking(there)
    first = await github.checks(ONE)
    spent = len(there.asked)
    assert await github.checks(ONE) == first and len(there.asked) == spent == 2
    there.results[(ONE, "tests")] = "failure"
    assert (await github.checks(ONE))["tests"] is Result.RED and len(there.asked) == spent + 1


@pytest.mark.parametrize(("commit", "on"), [(ONE, True), (TIP, True)])
async def test_a_commit_of_the_branch_is_on_it(there: standin.GitHub, commit: str, on: bool) -> None:
    assert await asking(there).is_on("main", commit) is on


async def test_a_commit_beside_the_branch_is_not_on_it(there: standin.GitHub) -> None:
    there.beside.append("9" * 40)
    assert not await asking(there).is_on("main", "9" * 40)
    found = await OnBranch(asking(there), "main").read(of("9" * 40), NOW)
    assert (found.holds, found.said) == (False, "Commit 9999999999 is not on main.")


async def test_the_required_checks_are_those_of_the_protection(there: standin.GitHub) -> None:
    assert await asking(there).required("main") == standin.REQUIRED
    with pytest.raises(NoSuch, match="knows no branch develop"):
        await asking(there).required("develop")


@pytest.mark.parametrize(
    ("results", "required", "holds", "said"),
    [
        ({}, (), True, "2 required checks passed for commit 1111111111."),
        ({}, ("tests",), True, "1 required check passed for commit 1111111111."),
        ({"tests": "failure"}, (), False, "tests failed for commit 1111111111."),
        ({"tests": "cancelled"}, (), False, "tests failed for commit 1111111111."),
        ({"tests": "pending"}, (), False, "tests still runs for commit 1111111111."),
        ({"tests": ""}, (), False, "tests has not run for commit 1111111111."),
        ({"tests": "skipped"}, (), True, "2 required checks passed for commit 1111111111."),
        ({}, ("tests", "e2e", "load"), False, "e2e and load have not run for commit 1111111111."),
        ({"lint": "failure"}, (), True, "2 required checks passed for commit 1111111111."),
        ({"security scan": "error"}, (), False, "security scan failed for commit 1111111111."),
    ],
)
async def test_only_required_checks_that_all_passed_are_green(
    there: standin.GitHub, results: dict[str, str], required: tuple[str, ...], holds: bool, said: str
) -> None:
    there.results.update({(ONE, name): state for name, state in results.items()})
    found = await Checks(asking(there), "main", required).read(of(ONE), NOW)
    assert (found.holds, found.said) == (holds, said)
    assert (found.expires is not None) is holds


async def test_a_branch_without_required_checks_is_no_green(there: standin.GitHub) -> None:
    there.required = ()
    found = await Checks(asking(there), "main").read(of(ONE), NOW)
    assert not found.holds and "main is protected by no required check" in found.said


TROUBLES = [
    ({"token": "ghp_wrong-and-secret"}, "GitHub refuses the token"),
    ({"name": "example/other"}, "or the token may not see it"),
    ({"api": "http://127.0.0.1:1"}, "GitHub cannot be reached"),
]


@pytest.mark.parametrize(("other", "said"), TROUBLES)
async def test_what_is_not_known_is_not_green_and_says_why(
    there: standin.GitHub, other: dict[str, str], said: str
) -> None:
    github = asking(there, **other)
    for source in (Checks(github, "main"), OnBranch(github, "main")):
        found = await source.read(of(ONE), NOW)
        assert not found.holds and found.opens is None and said in found.said
        assert "wrong-and-secret" not in found.said


async def test_an_unknown_commit_is_not_green(there: standin.GitHub) -> None:
    for source in (Checks(asking(there), "main"), OnBranch(asking(there), "main")):
        found = await source.read(of("8" * 40), NOW)
        assert not found.holds and "GitHub knows no commit 8888888888" in found.said


async def test_down_and_used_up(there: standin.GitHub) -> None:
    github = asking(there)
    there.fault("down", 60)
    with pytest.raises(Unknown, match=r"an error \(503\)"):
        await github.checks(ONE)
    there.fault("up", 1)
    there.fault("limit", 60)
    with pytest.raises(Unknown) as used:
        await github.checks(ONE)
    assert re.fullmatch(r"GitHub answers no more before 20\S+Z: the rate limit is used up\.", str(used.value))
    there.fault("up", 1)
    assert await github.checks(ONE)


async def test_an_answer_that_is_not_github(there: standin.GitHub) -> None:
    with pytest.raises(Unknown):
        await asking(there, api=f"{there.url}/nowhere").checks(ONE)
