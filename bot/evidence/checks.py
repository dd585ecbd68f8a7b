"""Evidence "checks" and "branch": GitHub says that exactly this commit is green, and on the protected branch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from actions.engine.words import counted, joined
from bot.evidence import lacking
from bot.evidence.github import GitHub, Result, Unknown
from policies.change import Change, Evidence

CHECKS, BRANCH = "checks", "branch"
HOLDS = timedelta(minutes=2)
"""For so long what GitHub said counts; by then it was asked again, or it is not known."""


@dataclass(frozen=True, slots=True)
class Checks:
    """`required` are names of checks; () takes those that the branch's protection requires."""

    github: GitHub
    branch: str
    required: Sequence[str] = ()

    async def read(self, change: Change, now: datetime) -> Evidence:
        """Each required check is there and green; where none is required, nobody can say that it is."""
        commit = change.plan.commit
        try:
            required = tuple(self.required) or await self.github.required(self.branch)
            if not required:
                return lacking(CHECKS, self._none(), now)
            found = await self.github.checks(commit)
        except Unknown as unknown:
            return lacking(CHECKS, f"CI checks are not known: {unknown}", now)
        missing = [name for name in required if name not in found]
        red = [name for name in required if found.get(name) is Result.RED]
        runs = [name for name in required if found.get(name) is Result.RUNS]
        of = f"for commit {commit[:10]}"
        if red:
            return lacking(CHECKS, f"{joined(red)} failed {of}.", now)
        if missing:
            return lacking(CHECKS, f"{joined(missing)} {'has' if len(missing) == 1 else 'have'} not run {of}.", now)
        if runs:
            return lacking(CHECKS, f"{joined(runs)} still {'runs' if len(runs) == 1 else 'run'} {of}.", now)
        said = f"{counted(len(required), 'required check')} passed {of}."
        return Evidence(CHECKS, True, said, now, now + HOLDS)

    def _none(self) -> str:
        return (
            f"{self.branch} is protected by no required check, so nobody can say that CI passed. Name them in "
            'chom.toml, [github] checks = ["…"], or in the protection of the branch.'
        )


@dataclass(frozen=True, slots=True)
class OnBranch:
    """The protected branch is `branch`."""

    github: GitHub
    branch: str

    async def read(self, change: Change, now: datetime) -> Evidence:
        """The commit is the tip of the branch, or behind it."""
        commit = change.plan.commit
        try:
            on = await self.github.is_on(self.branch, commit)
        except Unknown as unknown:
            return lacking(BRANCH, f"Whether commit {commit[:10]} is on {self.branch} is not known: {unknown}", now)
        if not on:
            return lacking(BRANCH, f"Commit {commit[:10]} is not on {self.branch}.", now)
        return Evidence(BRANCH, True, f"Commit {commit[:10]} is on {self.branch}.", now, now + HOLDS)
