"""The window in which a second person writes the after-review of an emergency."""

from __future__ import annotations

from actions.engine.registry.grammar import LONGEST_VALUE
from bot.desk.view import ChangeView
from bot.slack.acts.modal import Held, Modal, several_lines, window
from bot.slack.blocks import section
from bot.slack.messages import texts
from bot.slack.words import day, inline
from policies.review import WORDS

CALLBACK = "chom_review"
SENTENCE = "review"
TITLE = "Review this emergency"


def form(view: ChangeView, held: Held) -> Modal:
    """Says what happened and why; its button closes the review for good."""
    who, opened = inline(view.name(view.change.requester), 80), view.run.opened
    went = f"{who} asked for it {day(view.change.at)}"
    went += f", and {inline(view.name(opened.by), 80)} set it going." if opened else "."
    told = f"*{inline(view.title, 300)}*\n{went}\n{inline(view.alarm, 1200)}"
    means = "Your sentence stands on the card for everybody to read, and closes the review."
    asked, hint = "Was it right, and what is done about the cause?", f"A sentence of at least {WORDS} words."
    typed = several_lines(SENTENCE, "Review", "", LONGEST_VALUE, asked, hint)
    return Modal(TITLE, (section(told), section(means), typed), CALLBACK, "Close the review", "Not yet", held)


def slow(said: str | None = None) -> Modal:
    """Where the answer does not come in time; `said` is what came then: why not, "" for done."""
    if said is None:
        return window(TITLE, texts.said("Closing the review… Its card says when it is done."))
    return window(TITLE, texts.said(said or "It is reviewed."))
