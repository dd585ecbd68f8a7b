"""Why a change cannot be asked for, started or decided now: the sentence, and the change that it speaks of."""

from __future__ import annotations

from datetime import datetime

from actions.engine.fleet import Request
from actions.engine.journal import Answered
from actions.engine.words import instant, plain
from bot.desk.planning import Refusal
from bot.desk.view import ChangeView
from policies.change import ChangeType, Person, Refused, Requirement, Waiting, Why, Word
from policies.judge import may_decide


def busy(other: ChangeView) -> Refusal:
    """For who asks for a change where another one runs."""
    running = f"has been running since {instant(other.run.opened.at)}" if other.run.opened else "is running"
    return Refusal(
        f"{other.title} {running}, for {other.name(other.change.requester)}. "
        "One change at a time: ask again when it has ended, or stop it with `stop`.",
        other.change.id,
    )


def later(other: ChangeView) -> Refusal:
    """For a change that could start and has to wait for its turn; its approval stays."""
    return Refusal(
        f"{other.title} is running, for {other.name(other.change.requester)}. "
        "This one stays ready: press Start now when that has ended.",
        other.change.id,
    )


def not_raised(asked: Requirement, request: Request) -> str:
    """Why the category that was asked for cannot be had, as a sentence; "" where it can, or none was asked for."""
    wanted = request.category
    if wanted and not asked.needs:
        return f"{asked.because} So there is no category to raise: leave category={wanted} out. Nothing was asked for."
    if wanted and wanted < asked.category:
        return (
            f"{asked.because} category={wanted} would lower that, and it can only be raised: leave it out. "
            "Nothing was asked for."
        )
    return ""


def no_emergency(asked: Requirement, request: Request) -> str:
    """Why it cannot be asked for as an emergency, as a sentence; "" where it can, or was not."""
    if not request.emergency or asked.type is ChangeType.EMERGENCY:
        return ""
    if not asked.needs:
        return f"{asked.because} So it is no emergency: leave emergency= out. Nothing was asked for."
    return "The rules of this bot know no emergencies: leave emergency= out. Nothing was asked for."


def asked_already(other: ChangeView) -> Refusal:
    """For who asks for what somebody asks for already, and is waited for."""
    return Refusal(
        f"{other.name(other.change.requester)} asked for the same {instant(other.change.at)}. "
        f"{other.verdict.said} Nothing was asked for a second time.",
        other.change.id,
    )


def asked_again(other: ChangeView) -> Refusal:
    """For who presses Ask again where another one was first."""
    return Refusal(
        f"{other.name(other.change.requester)} has asked for it again already ({instant(other.change.at)}); "
        "it has a card of its own.",
        other.change.id,
    )


def not_over(view: ChangeView) -> Refusal:
    """For who asks again for what did not come to nothing."""
    if view.run.seq:
        return Refusal(f"{view.title} was started, so this is not the way to ask for it again.", view.change.id)
    return Refusal(f"{view.title} is not over, so it need not be asked for again. {view.verdict.said}", view.change.id)


def no_question(view: ChangeView, given: Answered | None) -> Refusal:
    """For who answers what is not asked any more."""
    title, change = view.title, view.change.id
    if given is None:
        return Refusal(f"{title} asks nothing now; its card says how it stands.", change)
    who, when = view.name(given.by), instant(given.at)
    return Refusal(f"{who} has answered it already: “{given.choice}” ({when}). Your answer changed nothing.", change)


def refuse_if_decided(view: ChangeView) -> None:
    """Raises Refusal with what is true now, where the change no longer waits."""
    title, run = view.title, view.run
    if run.ended:
        raise Refusal(f"{title} has ended: {run.ended.summary}", view.change.id)
    if run.opened:
        already = "was approved already" if view.change.requirement.needs else "has started"
        raise Refusal(f"{title} {already} and is under way.", view.change.id)
    if isinstance(view.verdict, Refused):
        again = "" if view.verdict.why is Why.STRATEGY else f" To ask again: `{view.change.text}`"
        raise Refusal(f"{view.verdict.said}{again}", view.change.id)


def has_rejected(view: ChangeView, who: Person, digest: str) -> bool:
    """Whether that person has ended it already, so that asking twice is asking once."""
    mine = any((said.person, said.word, said.digest) == (who.id, Word.REJECT, digest) for said in view.approvals)
    return mine and isinstance(view.verdict, Refused)


def why_not_decide(view: ChangeView, who: Person) -> str:
    """ "" where the person may have it started or end it before it starts, else a sentence that says who may.

    Nobody is named whom the verdict names, which is said beside it.
    What nobody has to approve is in the hands of who asked for it, and of everybody with a role.
    """
    if view.change.requirement.needs:
        named = isinstance(view.verdict, Waiting) and bool(view.verdict.missing)
        return may_decide(view.change, who, view.people, others=not named)
    if who.id in view.people and (who.roles or who.id == view.change.requester):
        return ""
    asker = view.name(view.change.requester)
    return f"Only {asker} or somebody with a role, such as a Tech Lead, can start or reject this."


def rejected(who: Person, reason: str) -> Refused:
    """Why what nobody had to approve never starts."""
    why = written(reason).rstrip(".")
    return Refused(f"{who.name} rejected it{f': {why}' if why else ''}.", Why.REJECTED)


def not_named(view: ChangeView) -> Refusal:
    """For who stops no change by its id where nothing runs, and what waits is another person's."""
    return Refusal(
        f"Nothing is running there, and nothing was withdrawn. {view.title} was asked for by "
        f"{view.name(view.change.requester)} and waits; to withdraw it: `stop {view.change.id}`.",
        view.change.id,
    )


def withdrawn(view: ChangeView, who: Person, at: datetime) -> Refused:
    """Why a request that was stopped before it started never starts."""
    whose = "the request" if who.id == view.change.requester else f"{view.name(view.change.requester)}'s request"
    return Refused(f"{who.name} withdrew {whose} before it started ({instant(at)}).", Why.WITHDRAWN)


def written(reason: str) -> str:
    """The reason as it was given; "" where nothing of it can be seen."""
    return reason.strip() if plain(reason) else ""
