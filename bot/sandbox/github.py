"""GitHub as the bot meets it: one repository whose commits are the shop's versions, as strict as GitHub's REST API.

It wants a token and a User-Agent, pages its lists, answers 304 to an ETag, counts requests and refuses when they are
used up, and hides what the token may not see behind 404. What it has beyond that is that it can be broken.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bot.sandbox.slack.errors import Impossible, Json

REPOSITORY = "example/chom"
TOKEN = "ghp_sandbox"
BRANCH = "main"
REQUIRED = ("tests", "security scan")
"""Checks that the protection of the branch requires: the first is a check run, the second a commit status."""
_DOCS = "https://docs.github.com/rest"
_SHA = re.compile(r"[0-9a-f]{40}")
_PER_PAGE, _MOST = 30, 100


@dataclass(slots=True)
class GitHub:
    """`commits` are those of the branch, the oldest first. Times are seconds of the monotonic clock."""

    commits: Sequence[str]
    port: int
    limit: int = 5000
    results: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    """(commit, check) -> "success", "failure", "pending"; success where it is not named. "" for a check not run."""
    required: Sequence[str] = REQUIRED
    statuses: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """(context, state) that every commit has besides, the newest first."""
    beside: list[str] = field(default_factory=list[str])
    """Commits that are on no branch."""
    red: bool = False
    """Whether the first required check fails for every commit."""
    asked: list[str] = field(default_factory=list[str])
    """The paths of requests that were counted."""
    _down: float = 0.0
    _reset: int = 0
    _spent: int = 0
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where its API is."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen. Raises OSError where the port is taken."""
        app = web.Application(middlewares=[self._strict])
        repository = f"/repos/{REPOSITORY}"
        app.router.add_get(repository, self._repository)
        app.router.add_get(f"{repository}/branches/{{branch:.+}}", self._branch)
        app.router.add_get(f"{repository}/commits/{{sha}}/check-runs", self._check_runs)
        app.router.add_get(f"{repository}/commits/{{sha}}/statuses", self._statuses)
        app.router.add_get(f"{repository}/compare/{{base}}...{{head}}", self._compare)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    def fault(self, what: object, seconds: float) -> Json:
        """Break it. Raises Impossible for what it does not know."""
        match what:
            case "down":
                self._down = time.monotonic() + seconds
            case "red" | "green":
                self.red = what == "red"
            case "limit":
                self._spent, self._reset = self.limit, int(time.time() + seconds)
            case "up":
                self._down, self.red, self._spent = 0.0, False, 0
            case _:
                raise Impossible('GitHub can be "down", "red", "green", "limit" or "up".')
        return {"github": what}

    # --- what it answers -----------------------------------------------------

    @web.middleware
    async def _strict(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if time.monotonic() < self._down:
            return web.Response(status=503, text="<html>Unicorn!</html>", content_type="text/html")
        if not request.headers.get("User-Agent"):
            return _refused(403, "Request forbidden by administrative rules.")
        if request.headers.get("Authorization") not in {f"token {TOKEN}", f"Bearer {TOKEN}"}:
            return _refused(401, "Bad credentials")
        if time.time() >= self._reset:
            self._spent, self._reset = 0, int(time.time()) + 3600
        if self._spent >= self.limit:
            return self._counted(_refused(403, "API rate limit exceeded for user ID 1."))
        try:
            answer: web.StreamResponse = await handler(request)
        except web.HTTPNotFound:
            answer = _refused(404, "Not Found")
        if answer.status == 200 and answer.headers["ETag"] == request.headers.get("If-None-Match"):
            answer = web.Response(status=304, headers={"ETag": answer.headers["ETag"]})
        else:
            self._spent += 1
            self.asked.append(request.path)
        return self._counted(answer)

    def _counted(self, answer: web.StreamResponse) -> web.StreamResponse:
        left = max(0, self.limit - self._spent)
        told = {"limit": self.limit, "remaining": left, "reset": self._reset, "used": self._spent}
        answer.headers.update({f"X-RateLimit-{name.capitalize()}": str(value) for name, value in told.items()})
        return answer

    async def _repository(self, request: web.Request) -> web.Response:
        return _told({"full_name": REPOSITORY, "default_branch": BRANCH, "private": True})

    async def _branch(self, request: web.Request) -> web.Response:
        if request.match_info["branch"] != BRANCH:
            return _refused(404, "Branch not found")
        checks = {
            "enforcement_level": "non_admins",
            "contexts": list(self.required),
            "checks": [{"context": name, "app_id": None} for name in self.required],
        }
        protection = {"enabled": True, "required_status_checks": checks}
        return _told({"name": BRANCH, "commit": {"sha": self.commits[-1]}, "protected": True, "protection": protection})

    def _state(self, sha: str, check: str) -> str:
        if self.red and check == REQUIRED[0]:
            return "failure"
        return self.results.get((sha, check), "success")

    async def _check_runs(self, request: web.Request) -> web.Response:
        sha = request.match_info["sha"]
        if sha not in self.commits:
            return _refused(422, f"No commit found for SHA: {sha}")
        names = [*dict.fromkeys([REQUIRED[0], *(name for at, name in self.results if at == sha)])]
        runs = [self._run(sha, n, name) for n, name in enumerate(names, 1) if name != REQUIRED[1]]
        runs = [run for run in runs if run]
        page, link = _page(request, runs)
        return _told({"total_count": len(runs), "check_runs": page}, link)

    def _run(self, sha: str, number: int, name: str) -> Json:
        if not (state := self._state(sha, name)):
            return {}
        over = state != "pending"
        return {
            "id": number,
            "name": name,
            "head_sha": sha,
            "status": "completed" if over else "in_progress",
            "conclusion": state if over else None,
        }

    async def _statuses(self, request: web.Request) -> web.Response:
        sha = request.match_info["sha"]
        if sha not in self.commits:
            return _refused(422, f"No commit found for SHA: {sha}")
        state = self._state(sha, REQUIRED[1])
        found = [{"id": 1, "context": REQUIRED[1], "state": state, "description": None}] if state else []
        found += [
            {"id": 2 + n, "context": c, "state": s, "description": None} for n, (c, s) in enumerate(self.statuses)
        ]
        page, link = _page(request, found)
        return _told(page, link)

    async def _compare(self, request: web.Request) -> web.Response:
        base, head = request.match_info["base"], request.match_info["head"]
        if base != BRANCH or not _SHA.fullmatch(head) or head not in {*self.commits, *self.beside}:
            return _refused(404, "Not Found")
        if head in self.beside:
            return _told({"status": "diverged", "ahead_by": 1, "behind_by": 1, "total_commits": 1, "commits": []})
        behind = len(self.commits) - 1 - list(self.commits).index(head)
        status = "behind" if behind else "identical"
        return _told({"status": status, "ahead_by": 0, "behind_by": behind, "total_commits": 0, "commits": []})


def _page(request: web.Request, items: Sequence[Json]) -> tuple[list[Json], str]:
    """The page that was asked for, and the Link header that leads to the next."""
    per = min(_MOST, int(request.query.get("per_page", _PER_PAGE)))
    page = int(request.query.get("page", 1))
    more = len(items) > page * per
    link = f'<{request.url.update_query(page=page + 1)}>; rel="next"' if more else ""
    return list(items[(page - 1) * per : page * per]), link


def _told(body: Json | list[Json], link: str = "") -> web.Response:
    text = json.dumps(body)
    headers: Mapping[str, str] = {"ETag": f'W/"{hashlib.sha256(text.encode()).hexdigest()}"'}
    return web.json_response(text=text, headers={**headers, **({"Link": link} if link else {})})


def _refused(status: int, message: str) -> web.Response:
    return web.json_response({"message": message, "documentation_url": _DOCS, "status": str(status)}, status=status)
