"""What `/chom` alone answers: the three things that are most likely wanted now, each with its button."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.desk.view import ChangeView
from bot.slack.blocks import OPEN_CARD, Button, Card, Confirm, Style, card, context, section
from bot.slack.cards.called import awaits
from bot.slack.cards.offered import review, value_of
from bot.slack.cards.pressed import Press, Wish
from bot.slack.cards.stage import Stage, current_step, stage_of
from bot.slack.words import code, inline, sentence, timed
from policies.change import Person

MOST = 3


@dataclass(frozen=True, slots=True)
class Now:
    """What is true at this moment."""

    going_on: Sequence[ChangeView]
    """What runs, then what waits."""
    links: Mapping[str, str]
    """Change -> address of its card, where it has one."""
    environment: str
    """What is meant where none is named."""
    reviews: Sequence[ChangeView] = ()
    """Emergencies that are over and wait for their review."""
    serves: str = ""
    """The version that went live there last, "" where the bot brought none."""


@dataclass(frozen=True, slots=True)
class _Line:
    """`said` is plain; `shown` is the same as mrkdwn."""

    said: str
    shown: str
    button: Button


def start_card(now: Now, who: Person) -> Card:
    """For that person alone: what waits for them, then what they may want to see, then what they may want to do."""
    lines = [*_waiting(now, who), *_running(now, who), *_own(now, who), *_doing(now)][:MOST]
    rows = [section(line.shown, line.button) for line in lines]
    said = ["What do you need?", *(line.said for line in lines), "All that can be typed: /chom help."]
    return card(" ".join(said), [*rows, context(f"All that can be typed: {code('/chom help')}")])


def _waiting(now: Now, who: Person) -> list[_Line]:
    lines: list[_Line] = []
    for view in (*now.going_on, *now.reviews):
        if awaits(view, who):
            title, what = view.title, _missing(view)
            said, shown = f"{title} {what}", f"*{inline(title, 150)}* {timed(what, 500)}"
            button = review(view) if view.owes_review else _see(now, view, "See the card", Style.PRIMARY)
            lines.append(_Line(said, shown, button))
    return lines


def _missing(view: ChangeView) -> str:
    """What waits for this person, as the rest of a sentence that begins with the title."""
    if view.owes_review:
        return f"is over and waits for your review. {view.alarm}"
    if view.run.question:
        return f"waits for your answer. {sentence(view.run.question.question)}"
    if stage_of(view) is Stage.ALLOWED:
        return f"is {_not_started(view)} and press Start now."
    return f"waits for your approval. {view.name(view.change.requester)} asked for it."


def _not_started(view: ChangeView) -> str:
    approved = "approved, " if view.change.requirement.needs else ""
    return f"{approved}not started: open its card"


def _running(now: Now, who: Person) -> list[_Line]:
    lines: list[_Line] = []
    for view in now.going_on:
        if not view.run.opened or awaits(view, who):
            continue
        place, total = current_step(view), len(view.change.plan.steps)
        step = f", step {place[0]} of {total}" if place else ""
        title, where = view.title, f"{stage_of(view).value}{step}"
        lines.append(
            _Line(f"{title}: {where}.", f"*{inline(title, 150)}*: {inline(where)}.", _see(now, view, "Watch it"))
        )
    return lines


def _own(now: Now, who: Person) -> list[_Line]:
    lines: list[_Line] = []
    for view in now.going_on:
        own, approved = view.change.requester == who.id, stage_of(view) is Stage.ALLOWED
        if not view.run.opened and (own or approved) and not awaits(view, who):
            title, verdict = view.title, sentence(_not_started(view) if approved else view.verdict.said)
            whose = ", which you asked for" if own else ""
            said = f"{title}{whose}: {verdict}"
            shown = f"*{inline(title, 150)}*{whose}: {timed(verdict, 300)}"
            lines.append(_Line(said, shown, _see(now, view, "See the card")))
    return lines


def _see(now: Now, view: ChangeView, label: str, style: Style = Style.QUIET) -> Button:
    """To the card; where there is none yet, its plan is shown."""
    title = view.title
    if link := now.links.get(view.change.id):
        return Button(OPEN_CARD, label, view.change.id, title, style=style, url=link)
    return Button(Press.SHOW_PLAN.value, "Show it", value_of(view), f"the plan of {title}", style=style)


def _doing(now: Now) -> list[_Line]:
    """What can always be wanted; a rollback only where nothing else is going on."""
    name, env = inline(now.environment, 80), now.environment
    live = Button(Wish.STATUS.value, "What is live", "everywhere", "in each environment")
    deploy = Button(Wish.DEPLOY.value, "Deploy…", env, "opens the form that asks for it")
    busy = any(view.run.opened and view.change.environment == env for view in now.going_on)
    see = _Line("See what is live.", "What is live where, and what is going on", live)
    make = _Line("Deploy a version.", "Deploy a version, chosen from a list", deploy)
    if busy:
        return [see, make]
    back = _Line(f"Roll back {env}.", f"Send the users of {name} back to the release before", _roll_back(now))
    return [make, back, see]


def _roll_back(now: Now) -> Button:
    env = now.environment
    last = f"{now.serves} went live there last. " if now.serves else ""
    confirm = Confirm(
        f"Ask to roll back {env}?",
        f"{last}This asks to send the users of {env} back to the release before the one they have now. "
        "Its card says what that means for the database; where it needs a restore, it is refused. Where nobody has to "
        "approve it, it starts at once.",
        "Ask for it",
    )
    return Button(Wish.ROLL_BACK.value, "Roll back…", env, env, confirm)
