"""How far a run is, in words: which step, for how long, and how long still, as far as past runs tell."""

from __future__ import annotations

from dataclasses import dataclass

from actions.engine.fold import Phase
from actions.engine.journal import Way
from actions.engine.plan import Step, hosts_of
from actions.engine.words import FEW, capital
from bot.desk.estimate import outlook
from bot.desk.view import ChangeView
from bot.slack.cards.stage import StepPhase, current_step, marks_of, phase_of
from bot.slack.cards.steps import names, spread
from bot.slack.words import about, at, code, inline, listed, sentence, utc

MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Said:
    """The same once for the card and once for `text`."""

    mrkdwn: str
    plain: str


def step_line(view: ChangeView) -> Said:
    """ "Step 3 of 8: Run 2 migrations on production." """
    place, total = current_step(view), len(view.change.plan.steps)
    number, step = place if place else (1, view.change.plan.steps[0])
    marks = marks_of(view.run, step, view.run.way)
    busy = [host for host, mark in marks.items() if host and mark.phase is Phase.STARTED]
    where = f" (on {names(busy)} still)" if busy and len(busy) < len(hosts_of(step)) else ""
    told = ""
    if busy and len(marks) > FEW:
        where, told = (f" ({spread(marks, show).removeprefix(', ')})" for show in (code, str))
    undo = "Undoing step" if view.run.way is Way.BACK else "Step"
    head = f"{undo} {number} of {total}: "
    title = step.title.rstrip(".")
    also = [one.title.rstrip(".") for one in _beside(view, step)]
    more = f" At the same time: {listed([inline(one, 200) for one in also])}." if also else ""
    plain = f" At the same time: {sentence(listed(also))}" if also else ""
    return Said(f"{head}{inline(title, 200)}{where}.{more}", f"{head}{sentence(f'{title}{told}')}{plain}")


def _beside(view: ChangeView, step: Step) -> list[Step]:
    """What else runs now, forward."""
    if view.run.way is Way.BACK or phase_of(view.run, step) is not StepPhase.RUNNING:
        return []
    return [one for one in view.change.plan.steps if one != step and phase_of(view.run, one) is StepPhase.RUNNING]


def pace(view: ChangeView) -> Said:
    """ "3 min so far, about 2 min left."; of the future nothing where there is no past."""
    opened = view.run.opened
    seen = outlook(view.change.plan, view.run, view.usual, view.now)
    if seen is None or opened is None:
        return Said("", "")
    minutes = int(seen.so_far // MINUTE)
    so_far = f"{about(minutes * MINUTE)} so far" if minutes else ""
    rest = ""
    if seen.late is not None:
        rest = f", longer than usual (this step usually takes {about(seen.late)})"
    elif seen.left is not None:
        rest = f", {left(seen.left)}"
    started = (so_far or f"started at {at(opened.at)}", so_far or f"started at {utc(opened.at)}")
    return Said(*(capital(f"{start}{rest}.") for start in started))


def left(seconds: float) -> str:
    """ "about 3 min left"; by the minute, so that a card is not drawn anew each second."""
    return "less than a minute left" if seconds < 45 else f"about {about(max(MINUTE, seconds))} left"
