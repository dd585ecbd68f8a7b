"""GitHub, asked with gidgethub: the checks of one commit, which of them are required, and whether a branch has it.

A page is asked for again with its ETag, which costs nothing of the rate limit where it did not change. The token is in
no sentence and in no exception.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar, cast

import aiohttp
from gidgethub import BadRequest, GitHubException, RateLimitExceeded
from gidgethub.abc import CACHE_TYPE
from gidgethub.aiohttp import GitHubAPI

from actions.engine.words import instant

T = TypeVar("T")

API = "https://api.github.com"
ANSWER = 8.0
"""Seconds for one answer."""
_KEPT = 500
"""Answers that are kept with their ETag."""
_GOOD = {"success", "neutral", "skipped"}
"""Conclusions of a check run with which GitHub lets a pull request be merged."""


class Unknown(Exception):
    """GitHub did not say; the message is a sentence."""


class NoSuch(Unknown):
    """GitHub says that there is none, or hides it from this token."""


class Result(StrEnum):
    """How a check stands, the best first."""

    GREEN = "green"
    RUNS = "runs"
    RED = "red"


@dataclass(frozen=True, slots=True)
class Repository:
    """Where, and as whom. `token` is never shown."""

    name: str
    """ "owner/name"."""
    token: str
    api: str = API


class GitHub:
    """One repository."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._cache: CACHE_TYPE = {}

    async def checks(self, commit: str) -> dict[str, Result]:
        """Every check run and commit status of that commit by its name; of one name the worst. Raises Unknown."""
        async with self._api() as api:
            both = _checks(api, f"/repos/{self._repository.name}/commits/{commit}")
            statuses, runs = await self._asked(both, f"commit {commit[:10]}")
            newest = dict(reversed(statuses))  # GitHub lists them the newest first
            found: dict[str, Result] = {}
            for name, result in [*runs, *newest.items()]:
                found[name] = max(result, found.get(name, result), key=list(Result).index)
            return found

    async def required(self, branch: str) -> tuple[str, ...]:
        """The checks that the branch's protection requires; () where it requires none. Raises Unknown."""
        async with self._api() as api:
            asked = _item(api, f"/repos/{self._repository.name}/branches/{branch}")
            about = await self._asked(asked, f"branch {branch}")
        protection: Any = about.get("protection")
        checks: Any = protection.get("required_status_checks") if protection else None
        if not checks:
            return ()
        more: list[dict[str, Any]] = checks.get("checks") or []
        return tuple(str(name) for name in checks.get("contexts") or [one["context"] for one in more])

    async def tip(self, branch: str) -> str:
        """The newest commit of the branch. Raises Unknown."""
        async with self._api() as api:
            asked = _item(api, f"/repos/{self._repository.name}/branches/{branch}")
            about = await self._asked(asked, f"branch {branch}")
        commit: Any = about.get("commit")
        if not isinstance(commit, dict):
            raise Unknown("GitHub answers with something that is not its API; is the address right?")
        return str(cast("dict[str, Any]", commit).get("sha", ""))

    async def is_on(self, branch: str, commit: str) -> bool:
        """Whether the branch has that commit: it is its tip, or behind it. Raises Unknown."""
        async with self._api() as api:
            path = f"/repos/{self._repository.name}/compare/{branch}...{commit}?per_page=1"
            compared = await self._asked(_item(api, path), f"commit {commit[:10]}")
        return compared.get("status") in {"identical", "behind"}

    @asynccontextmanager
    async def _api(self) -> AsyncGenerator[GitHubAPI]:
        timeout = aiohttp.ClientTimeout(total=ANSWER)
        if len(self._cache) > _KEPT:
            self._cache.clear()
        async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:
            token = self._repository.token
            yield GitHubAPI(session, "chom-bot", oauth_token=token, cache=self._cache, base_url=self._repository.api)

    async def _asked(self, asking: Awaitable[T], what: str) -> T:
        where = self._repository.name
        try:
            return await asking
        except RateLimitExceeded as spent:
            until = instant(spent.rate_limit.reset_datetime)
            raise Unknown(f"GitHub answers no more before {until}: the rate limit is used up.") from None
        except BadRequest as bad:
            raise _in_words(bad, where, what) from None
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise Unknown("GitHub cannot be reached.") from None
        except GitHubException as broken:
            raise Unknown(f"GitHub answers with an error ({getattr(broken, 'status_code', 'unknown')}).") from None
        except (KeyError, TypeError, ValueError, AttributeError):
            raise Unknown("GitHub answers with something that is not its API; is the address right?") from None


async def _item(api: GitHubAPI, path: str) -> dict[str, Any]:
    found = await api.getitem(path)
    if not isinstance(found, dict):
        raise TypeError(path)
    return found  # pyright: ignore[reportUnknownVariableType]


Named = tuple[str, Result]


async def _checks(api: GitHubAPI, commit: str) -> tuple[list[Named], list[Named]]:
    """Statuses and runs, of all pages."""
    statuses = api.getiter(f"{commit}/statuses?per_page=100", iterable_key=None)
    runs = api.getiter(f"{commit}/check-runs?per_page=100&filter=latest", iterable_key="check_runs")
    return (
        [(str(one["context"]), _of_status(one)) async for one in statuses],
        [(str(one["name"]), _of_run(one)) async for one in runs],
    )


def _of_status(status: dict[str, Any]) -> Result:
    return {"success": Result.GREEN, "pending": Result.RUNS}.get(str(status["state"]), Result.RED)


def _of_run(run: dict[str, Any]) -> Result:
    if run["status"] != "completed":
        return Result.RUNS
    return Result.GREEN if run["conclusion"] in _GOOD else Result.RED


def _in_words(bad: BadRequest, where: str, what: str) -> Unknown:
    match int(bad.status_code):
        case 401:
            return Unknown("GitHub refuses the token: set CHOM_GITHUB_TOKEN to one that is valid.")
        case 403 | 429:
            if bad.headers.get("retry-after"):
                return Unknown("GitHub asks the bot to wait a while: too many requests at once.")
            return Unknown(f"GitHub refuses: the token may not read {where}'s {what}. It needs to read checks.")
        case 404 | 422:
            return NoSuch(f"GitHub knows no {what} in {where}, or the token may not see it.")
        case code:
            return Unknown(f"GitHub answers with an error ({code}).")
