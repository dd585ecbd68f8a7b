"""A journal's entries as sentences: what the thread in Slack and the shell both say of a run."""

from __future__ import annotations

from typing import assert_never

from actions.engine.journal import (
    Answered,
    Asked,
    Done,
    Ended,
    Entry,
    Failed,
    Opened,
    Returned,
    Started,
    StopAsked,
    Took,
    TurnedBack,
    Waiting,
    Way,
)
from actions.engine.plan import Back, Do
from bot.view import ChangeView


def milestone(entry: Entry, view: ChangeView) -> str:
    """One plain sentence, "" for what nobody needs to read (a take-over, the start of a step)."""
    match entry:
        case Opened():
            return f"Started; {view.name(entry.by)} gave the last word."
        case Took() | Started():
            return ""
        case Done():
            return f"{_step(entry, view)}: done{f', {entry.summary}' if entry.summary else ''}."
        case Failed():
            return f"{_step(entry, view)}: failed, {entry.why.rstrip('.')}."
        case TurnedBack():
            by = f" {view.name(entry.by)} stopped it." if entry.by else ""
            return f"Turning back: {entry.why.rstrip('.')}.{by}"
        case Waiting():
            doing = "Turning back, but waiting" if entry.way is Way.BACK else "Waiting"
            return f"{doing} for {entry.host}: {entry.why.rstrip('.')}."
        case Returned():
            return f"{entry.host} answers again."
        case Asked():
            return f"{entry.question} ({' / '.join(entry.choices)})"
        case Answered():
            return f"{view.name(entry.by)} answered: {entry.choice}."
        case StopAsked():
            return f"{view.name(entry.by)} asked to stop."
        case Ended():
            return entry.summary
        case _:
            assert_never(entry)


def _step(entry: Done | Failed, view: ChangeView) -> str:
    step = view.change.plan.step(entry.step)
    title = step.title
    if entry.way is Way.BACK and isinstance(step, Do) and isinstance(step.undo, Back):
        title = step.undo.title
    return f"{title} ({entry.host})" if entry.host else title
