"""Messages under a card that ring: an emergency for who has to hear of it, a reminder, the last gate, a review owed.

An updated card rings nobody. Each is said once: `number` grows where it is said anew, as a review that nobody writes is
asked for each week.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from actions.engine.words import counted
from bot.desk.view import ChangeView
from bot.slack.blocks import Card, card, section
from bot.slack.cards.called import approvers, can_review, mention, mentions, told
from bot.slack.cards.lead import asks_for_start
from bot.slack.cards.stage import DEAD, Stage, decided, stage_of
from bot.slack.words import code, day, inline, listed, sentence
from policies.change import Person, Word

WEEK = timedelta(days=7)
"""So long after the end of an emergency, and then again and again, its review is asked for."""
LATE = timedelta(hours=24)
"""What could not be said for so long is no alarm any more."""


@dataclass(frozen=True, slots=True)
class Notice:
    """`name` is what it is about."""

    name: str
    number: int
    card: Card
    broadcast: bool = False
    """Whether the channel sees it too."""
    rather_twice: bool = False
    """Whether it is said again where nobody can know whether it was said."""

    @property
    def key(self) -> str:
        """Names this one among all of its change."""
        return f"{self.name}:{self.number}"


def notices(view: ChangeView, said: Mapping[str, int], remind_after: timedelta) -> tuple[Notice, ...]:
    """Those that are due and were not said; `said` is the highest number of each that was."""
    return tuple(one for one in _due(view, remind_after) if said.get(one.name, -1) < one.number)


def _due(view: ChangeView, remind_after: timedelta) -> Iterator[Notice]:
    stage, age = stage_of(view), view.now - view.change.at
    if view.pressing and view.change.requirement.tell and stage not in DEAD and age < LATE:
        yield Notice("tell", 0, emergency(view), broadcast=True, rather_twice=True)
    soon = min(remind_after, view.change.requirement.expires / 2)
    if stage is Stage.WAITING and remind_after and age >= soon and approvers(view):
        yield Notice("remind", 0, reminder(view))
    if stage is Stage.ALLOWED and asks_for_start(view):
        yield Notice("ready", len(view.approvals), ready(view))
    if view.owes_review and view.run.ended:
        weeks = max(0, (view.now - view.run.ended.at) // WEEK)
        yield Notice("review", weeks, review_owed(view, weeks), broadcast=weeks > 0)


def emergency(view: ChangeView) -> Card:
    """For who has to hear of it at once, and for the channel."""
    people, asker = told(view), view.name(view.change.requester)
    first = f"{mentions(people)}: " if people else ""
    asked = f"{asker} asks for an emergency change. {view.alarm}"
    after = "A second person reviews it afterwards."
    shown = f"*{inline(view.title, 300)}*\n{first}{inline(asked, 900)}\n{after}"
    return card(f"{sentence(view.title)} {_called(people)}{asked} {after}", [section(shown)])


def reminder(view: ChangeView) -> Card:
    """For those who could approve it and have not."""
    who, lapses = approvers(view), view.change.at + view.change.requirement.expires
    asked = f"It was asked for {day(view.change.at)} and lapses {day(lapses)}."
    shown = f"Still waiting: {mentions(who)} can approve or reject it on its card. {asked}"
    said = f"Still waiting: {_names(who)} can approve or reject it."
    return card(f"{sentence(view.title)} {said}", [section(shown)])


def ready(view: ChangeView) -> Card:
    """For the last approver: what it waited for is there."""
    last = next((view.people.get(a.person) for a in reversed(decided(view, Word.APPROVE))), None)
    here = "All evidence is there, and nothing was started: press Start now on its card."
    shown = f"{mention(last)}: {here}" if last else here
    return card(f"{sentence(view.title)} {f'{last.name}: ' if last else ''}{here}", [section(shown)])


def review_owed(view: ChangeView, weeks: int) -> Card:
    """For those who can review it; `weeks` after its end."""
    who = can_review(view)
    owed = f"its review has been open for {counted(weeks, 'week')}" if weeks else "a second person has to review it"
    since = f"It was an emergency, and {owed}."
    can = f"can press Review on its card, or type {code(f'/chom review {view.change.id}')} and a sentence."
    nobody = "Nobody in chom.toml is left who can review it; ask an operator to give somebody a role."
    shown = f"{since} {f'{mentions(who)} {can}' if who else nobody}"
    said = f"{since} {f'{_names(who)} can review it.' if who else nobody}"
    return card(f"{sentence(view.title)} {said}", [section(shown)])


def _names(people: list[Person]) -> str:
    return listed([person.name for person in people], 6)


def _called(people: list[Person]) -> str:
    return f"{_names(people)}: " if people else ""
