"""A journal's entries as short lines: what the thread in Slack and the shell both say of a run."""

from __future__ import annotations

from typing import assert_never

from actions.engine.fold import Phase
from actions.engine.journal import (
    Answered,
    Asked,
    Done,
    Ended,
    Entry,
    Failed,
    Measured,
    Observed,
    Opened,
    Returned,
    Started,
    StopAsked,
    Took,
    TurnedBack,
    Waiting,
    Way,
    Weighed,
    Wished,
)
from actions.engine.nouns import label
from actions.engine.runner import closing
from bot.desk import wishes
from bot.desk.view import ChangeView


def milestone(entry: Entry, view: ChangeView) -> str:
    """One line without a full stop, "" for what nobody needs to read (a take-over, the start of a step)."""
    match entry:
        case Opened():
            return f"Started by {view.name(entry.by)}"
        case Took() | Started():
            return ""
        case Done():
            return _done(entry, view)
        case Failed():
            return _failed(entry, view)
        case TurnedBack():
            return _turning(entry, view)
        case Waiting():
            back = ", to undo the rest there" if entry.way is Way.BACK else ""
            return f"Waiting for {entry.host}{back}: {entry.why.rstrip('.')}"
        case Returned():
            return f"{entry.host} answers again"
        case Asked():
            return f"{entry.question} ({' / '.join(entry.choices)})"
        case Answered():
            return f"{view.name(entry.by)} answered: {entry.choice}"
        case Weighed():
            return f"{entry.weight} % of users go to {view.change.plan.version}: {entry.why.rstrip('.')}"
        case Measured():
            return entry.why.rstrip(".") if entry.told else ""
        case Wished():
            return (
                f"{view.name(entry.by)} pressed {wishes.label(view.change.plan, entry.step, entry.weight, entry.wish)}"
            )
        case StopAsked():
            return f"{view.name(entry.by)} pressed {wishes.to_stop(view.run)}"
        case Ended() | Observed():
            return entry.summary
        case _:
            assert_never(entry)


def why_back(view: ChangeView) -> str:
    """Why the run turned back, as a part of a sentence that names who stopped it; "" where it goes forward."""
    turned = view.run.turned
    if turned is None:
        return ""
    why = turned.why.rstrip(".")
    return f"{view.name(turned.by)} stopped it {why.removeprefix(closing.STOPPED)}" if turned.by else why


def result(view: ChangeView) -> str:
    """How the run ended, as a sentence; why it turned back is `why_back`."""
    return f"{closing.result(view.change.plan, view.run)}."


def aftermath(view: ChangeView, *, migrations: bool = True) -> tuple[str, ...]:
    """What there is to know after the headline: what serves now, what stays, what can wait."""
    return closing.aftermath(view.change.plan, view.run, migrations=migrations)


def _done(entry: Done, view: ChangeView) -> str:
    step = _step(entry, view)
    if entry.summary == closing.NEVER_BEGAN:
        return f"{step}: never began, so there is nothing to undo"
    if entry.way is Way.BACK:
        return f"{step} undone{f': {entry.summary}' if entry.summary else ''}"
    said = f"{len(entry.applied)} applied" if entry.applied else entry.summary or "done"
    return f"{step}: {said}"


def _failed(entry: Failed, view: ChangeView) -> str:
    if entry.why == closing.BROKEN_OFF:
        return f"{_step(entry, view)}: broken off"
    failed = "could not be undone" if entry.way is Way.BACK else "failed"
    return f"{_step(entry, view)} {failed}: {entry.why.rstrip('.')}"


def _turning(entry: TurnedBack, view: ChangeView) -> str:
    """The failure that made it turn is the line before this one, so it is not told again."""
    rest = next((end for end in closing.NOTHING if entry.why.endswith(end)), "")
    if entry.by:
        return f"Turning back: {view.name(entry.by)} stopped it {entry.why.removeprefix(closing.STOPPED)}"
    told = [mark.summary.rstrip(". ") for mark in view.run.marks.values() if mark.phase is Phase.FAILED]
    if any(why and why in entry.why for why in told):
        return f"Turning back{rest}"
    return f"Turning back: {entry.why.rstrip('.')}"


def _step(entry: Done | Failed, view: ChangeView) -> str:
    """ "Health check on app1"; where the change has one server only, that is not said again and again."""
    name = label(view.change.plan.step(entry.step))
    return f"{name} on {entry.host}" if entry.host and len(view.change.plan.hosts) > 1 else name
