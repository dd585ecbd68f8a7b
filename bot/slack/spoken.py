"""A sentence of the desk in Slack's words: what one types in a shell is `/chom …` here."""

from __future__ import annotations

from bot.slack.words import code, cut, timed
from bot.vocabulary import TYPED, typed_in_slack


def spoken(text: str, limit: int = 2900) -> str:
    """A sentence of the desk as mrkdwn: what stands in backticks is code, a command as it is typed in Slack."""
    parts: list[str] = []
    for number, part in enumerate(TYPED.split(cut(text, limit))):
        if number % 2 == 0:
            lead, trail = part[:1].isspace() and " ", part[-1:].isspace() and " "
            parts.append(f"{lead or ''}{timed(part, limit)}{(trail or '') if part.strip() else ''}")
        else:
            parts.append(code(typed_in_slack().with_lead(part), 700))
    return "".join(parts)


def in_slack(text: str) -> str:
    """The same without marks, for a message's plain text."""
    return TYPED.sub(lambda span: typed_in_slack().with_lead(span[1]), text)
