"""Evidence "staging": the same artifact has been healthy in staging for the time that the rules ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from actions.engine.journal import Sight
from actions.engine.watched import Watched
from actions.engine.words import counted, joined
from bot.evidence import lacking
from bot.watching import Watching
from policies.change import Change, Evidence
from policies.sentences import lasting_of

NAME = "staging"


@dataclass(frozen=True, slots=True)
class Staging:
    """Looks at staging when it is asked; the time is what `Watching` has seen."""

    watching: Watching
    environments: Sequence[str]
    """Those that chom.toml marks as staging, one at least."""

    async def read(self, change: Change, now: datetime) -> Evidence:
        """Of several the one that is furthest. Raises StoreDown."""
        if not change.plan.sha256:
            return lacking(NAME, "This change brings no artifact, so staging says nothing of it.", now)
        seen = [await self.watching.look(environment) for environment in self.environments]
        mine = [one for one in seen if one and one.sha256 == change.plan.sha256]
        if not mine:
            return lacking(NAME, self._elsewhere(change, [one for one in seen if one]), now)
        return self._of(max(mine, key=lambda one: one.green), change, now)

    def _elsewhere(self, change: Change, seen: Sequence[Watched]) -> str:
        version, first = change.plan.version, self.environments[0]
        todo = f"Try it there first: `deploy {version} to {first}`"
        if same := next((one for one in seen if one.version == version), None):
            return f"{same.environment} serves another build of {version} than this one. {todo}."
        if seen:
            serves = joined(f"{one.environment} serves {one.version}" for one in seen)
            return f"{version} is not in staging: {serves}. {todo}."
        return f"{version} is not in staging. {todo}."

    def _of(self, one: Watched, change: Change, now: datetime) -> Evidence:
        needs = change.requirement.times.get(NAME, timedelta(minutes=30)).total_seconds()
        what, where = change.plan.version, one.environment
        if one.sight is not Sight.WELL:
            then = f"its {counted(round(needs / 60), 'minute') if needs >= 60 else f'{needs:g} seconds'} begin anew"
            why = f"{what} is ill in {where}: {one.said}; when it is well again, {then}."
            still = f"Its time stands still at {lasting_of(one.green, needs)}."
            unseen = f"{what} cannot be seen in {where}: {one.said}. {still}"
            return lacking(NAME, why if one.sight is Sight.ILL else unseen, now)
        if one.green >= needs:
            said = f"{what} has been healthy in {where} for {lasting_of(one.green)}{_by(one)}."
            return Evidence(NAME, True, said, now, now + timedelta(seconds=3 * self.watching.every + 60))
        opens = now + timedelta(seconds=needs - one.green)
        said = f"{what} has been healthy in {where} for {lasting_of(one.green, needs)}{_by(one)}."
        return lacking(NAME, said, now, opens)


def _by(one: Watched) -> str:
    """That its health is what the probes say alone, where it is."""
    return "" if one.metrics else ", by its probes alone: chom.toml names no metrics for errors and latency there"
