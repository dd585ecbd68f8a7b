"""Why a change cannot be asked for, started or decided now: the sentence, and the change that it speaks of."""

from __future__ import annotations

from bot.planning import Refusal
from bot.view import ChangeView
from policies.change import Person, Refused, Word


def busy(other: ChangeView) -> Refusal:
    """For who asks for a change where another one runs."""
    since = other.run.opened.at.strftime("%H:%M") if other.run.opened else "just now"
    return Refusal(
        f"{other.name(other.change.requester)} has {other.change.environment} since {since} UTC: "
        f"{other.change.plan.title}. Wait for its end, or stop it with `stop`; then ask again.",
        other.change.id,
    )


def later(other: ChangeView) -> Refusal:
    """For an approved change that has to wait for its turn; its approval stays."""
    asked = other.name(other.change.requester)
    return Refusal(
        f"{other.change.plan.title} is running, asked for by {asked}; press Start now when it has ended.",
        other.change.id,
    )


def refuse_if_decided(view: ChangeView) -> None:
    """Raises Refusal with what is true now, where the change no longer waits."""
    title, run = view.change.plan.title, view.run
    if run.ended:
        raise Refusal(f"{title} has ended: {run.ended.summary}", view.change.id)
    if run.opened:
        raise Refusal(f"{title} was approved already and is under way.", view.change.id)
    if isinstance(view.verdict, Refused):
        raise Refusal(view.verdict.said, view.change.id)


def has_rejected(view: ChangeView, who: Person, digest: str) -> bool:
    """Whether that person has ended it already, so that asking twice is asking once."""
    mine = any((said.person, said.word, said.digest) == (who.id, Word.REJECT, digest) for said in view.approvals)
    return mine and isinstance(view.verdict, Refused)
