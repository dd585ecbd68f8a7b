"""The after-review of an emergency: what its card says of it, and the window in which a second person writes it."""

from __future__ import annotations

from actions.engine.registry.grammar import LONGEST_VALUE
from bot.desk.view import ChangeView
from bot.slack import texts
from bot.slack.blocks import section
from bot.slack.called import can_review
from bot.slack.modal import Held, Modal, several_lines, window
from bot.slack.words import day, inline, listed

CALLBACK = "chom_review"
SENTENCE = "review"
TITLE = "Review this emergency"
REVIEW_OWED = "It waits for its review by somebody else."


def review_line(view: ChangeView) -> str:
    """Whose turn it is, as mrkdwn; the thread mentions them, an updated card would ring nobody."""
    who = listed([inline(person.name, 80) for person in can_review(view)], 6)
    can = f"{who} can review it." if who else "Nobody in chom.toml is left who can; ask an operator to give one a role."
    return f"*It was an emergency and waits for its review.* {can}"


def form(view: ChangeView, held: Held) -> Modal:
    """Says what happened and why; its button closes the review for good."""
    who, opened = inline(view.name(view.change.requester), 80), view.run.opened
    went = f"{who} asked for it {day(view.change.at)}"
    went += f", and {inline(view.name(opened.by), 80)} set it going." if opened else "."
    told = f"*{inline(view.title, 300)}*\n{went}\n{inline(view.alarm, 1200)}"
    means = "Your sentence stands on the card for everybody to read, and closes the review."
    typed = several_lines(SENTENCE, "Review", "", LONGEST_VALUE, "Was it right, and what is done about the cause?")
    return Modal(TITLE, (section(told), section(means), typed), CALLBACK, "Close the review", "Not yet", held)


def slow(said: str | None = None) -> Modal:
    """Where the answer does not come in time; `said` is what came then: why not, "" for done."""
    if said is None:
        return window(TITLE, texts.said("Closing the review… Its card says when it is done."))
    return window(TITLE, texts.said(said or "It is reviewed."))
