"""The two acts that take a sentence: rejecting a request, and reviewing an emergency."""

from __future__ import annotations

from bot.slack.acts import reject_form, reviews
from bot.slack.acts.modal import Held, Modal
from bot.slack.acts.windows import Windows
from bot.slack.acts.writing import Writing
from bot.slack.cards.pressed import Click
from policies.change import Person


class Rejecting(Writing):
    """A reason may be left out."""

    __slots__ = ()

    def __init__(self, windows: Windows) -> None:
        super().__init__(windows, reject_form.CALLBACK, reject_form.REASON, "a rejection", "reason")

    async def form(self, click: Click, who: Person, account: str, held: Held) -> Modal:
        """The window."""
        view = await self.windows.intake.desk.decidable(click.change, click.digest, who, account)
        return reject_form.form(view, held)

    async def act(self, held: Held, who: Person, account: str, said: str) -> None:
        """Reject it."""
        await self.windows.intake.desk.reject(held.change, held.digest, who, account, said)

    def slow(self, said: str | None = None) -> Modal:
        """The window meanwhile."""
        return reject_form.slow(said)


class Reviewing(Writing):
    """Without a sentence it is no review."""

    __slots__ = ()

    def __init__(self, windows: Windows) -> None:
        super().__init__(windows, reviews.CALLBACK, reviews.SENTENCE, "a review", "review")

    async def form(self, click: Click, who: Person, account: str, held: Held) -> Modal:
        """The window."""
        return reviews.form(await self.windows.intake.desk.reviewing.reviewable(click.change, who, account), held)

    async def act(self, held: Held, who: Person, account: str, said: str) -> None:
        """Close it."""
        await self.windows.intake.desk.reviewing.review(held.change, who, account, said)

    def slow(self, said: str | None = None) -> Modal:
        """The window meanwhile."""
        return reviews.slow(said)
