"""What a card says of an emergency that waits for its after-review."""

from __future__ import annotations

from bot.desk.view import ChangeView
from bot.slack.cards.called import can_review
from bot.slack.words import inline, listed

REVIEW_OWED = "It waits for its review by somebody else."


def review_line(view: ChangeView) -> str:
    """Whose turn it is, as mrkdwn; the thread mentions them, an updated card would ring nobody."""
    who = listed([inline(person.name, 80) for person in can_review(view)], 6)
    can = f"{who} can review it." if who else "Nobody in chom.toml is left who can; ask an operator to give one a role."
    return f"*It was an emergency and waits for its review.* {can}"
