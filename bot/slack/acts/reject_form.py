"""The window in which a request is rejected: what ends, and a reason for the one who asked."""

from __future__ import annotations

from actions.engine.registry.grammar import LONGEST_VALUE
from bot.desk.view import ChangeView
from bot.slack.acts.modal import Held, Modal, several_lines, window
from bot.slack.blocks import section
from bot.slack.messages import texts
from bot.slack.words import day, inline

CALLBACK = "chom_reject"
REASON = "reason"
TITLE = "Reject this request"


def form(view: ChangeView, held: Held) -> Modal:
    """Names what would end, where, and what that means; pressing its button is the confirmation."""
    change, who = view.change, view.name(view.change.requester)
    why = f": “{inline(change.reason, 600)}”" if change.reason else "."
    asked = f"*{inline(view.title, 300)}*\n{inline(who, 80)} asked for it {day(change.at)}{why}"
    ends = (
        f"If you reject it, the request ends: nothing is started, and {inline(change.environment, 80)} stays as it is. "
        "It can be asked for again."
    )
    hint = f"It stands on the card, for {who} to read."
    reason = several_lines(REASON, "Reason", "", LONGEST_VALUE, "What would have to be different?", hint)
    return Modal(TITLE, (section(asked), section(ends), reason), CALLBACK, "Reject", "Not yet", held)


def slow(said: str | None = None) -> Modal:
    """Where the answer does not come in time; `said` is what came then: why not, "" for done."""
    if said is None:
        return window(TITLE, texts.said("Rejecting it… Its card says when it is done."))
    return window(TITLE, texts.said(said or "It is rejected."))
