"""The use cases: propose, approve, reject, stop, answer, status, history. No Slack in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from actions.engine.fleet import Fleet
from bot.view import ChangeView
from policies.change import Account, Person


class Refusal(Exception):
    """Bad input, or an act that is not possible now: a sentence for the person who did it, only for them."""


@dataclass(frozen=True, slots=True)
class EnvironmentStatus:
    """What one environment serves now and what is going on there."""

    name: str
    fleet: Fleet | None
    """None where a host did not answer; then `trouble` says which and why."""
    trouble: str
    open_run: ChangeView | None
    pending: tuple[ChangeView, ...]
    """Changes that wait for approval."""


@dataclass(frozen=True, slots=True)
class PastRun:
    """A line of history."""

    view: ChangeView
    started: datetime
    ended: datetime | None


class Desk:
    """Made once in app.build; Slack's handlers and the command line call nothing else."""

    def person(self, account: Account) -> Person:
        """The person behind a Slack account. Raises Refusal in words where there is none."""
        raise NotImplementedError

    def unix_person(self, login: str) -> Person:
        """The person behind a Unix login. Raises Refusal."""
        raise NotImplementedError

    def help(self, topic: str = "") -> str:
        """Help as plain text: of everything, or of one command."""
        raise NotImplementedError

    async def propose(self, text: str, who: Person) -> ChangeView:
        """Parse, survey, plan, store, judge; started at once where nobody has to approve. Raises Refusal."""
        raise NotImplementedError

    async def preview(self, text: str, who: Person) -> ChangeView:
        """As propose, but nothing is stored and nothing can start. Raises Refusal."""
        raise NotImplementedError

    async def view(self, change: str) -> ChangeView:
        """The change as it stands now. Raises Refusal where there is none."""
        raise NotImplementedError

    async def approve(self, change: str, digest: str, who: Person, account: str) -> ChangeView:
        """Count the approval once, judge, and start when allowed. Raises Refusal."""
        raise NotImplementedError

    async def reject(self, change: str, digest: str, who: Person, account: str, reason: str = "") -> ChangeView:
        """End the request. Raises Refusal."""
        raise NotImplementedError

    async def stop(self, change: str, who: Person) -> ChangeView:
        """Ask the run to turn back at its next step boundary. `change` may be "" for the only open run."""
        raise NotImplementedError

    async def answer(self, change: str, step: str, host: str, choice: str, who: Person) -> ChangeView:
        """Answer the run's open question. Raises Refusal."""
        raise NotImplementedError

    async def status(self, environment: str = "") -> tuple[EnvironmentStatus, ...]:
        """Every environment, or one. Raises Refusal for an unknown one."""
        raise NotImplementedError

    async def history(self, environment: str = "", limit: int = 10) -> tuple[PastRun, ...]:
        """Newest first."""
        raise NotImplementedError
