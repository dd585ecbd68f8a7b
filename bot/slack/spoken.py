"""A sentence of the desk in Slack's words: what one types in a shell is `/chom …` here."""

from __future__ import annotations

import re

from bot.slack.words import code, cut, timed

_SPAN = re.compile(r"`([^`\n]{1,700})`")
_OURS = re.compile(r"(?:deploy|rollback|config (?:apply|diff|undo)|plan|status|history|stop|who|review|help)\b")


def spoken(text: str, limit: int = 2900) -> str:
    """A sentence of the desk as mrkdwn: what stands in backticks is code, a command as it is typed in Slack."""
    parts: list[str] = []
    for number, part in enumerate(_SPAN.split(cut(text, limit))):
        if number % 2 == 0:
            lead, trail = part[:1].isspace() and " ", part[-1:].isspace() and " "
            parts.append(f"{lead or ''}{timed(part, limit)}{(trail or '') if part.strip() else ''}")
        else:
            parts.append(code(f"/chom {part}" if _OURS.match(part) else part, 700))
    return "".join(parts)


def in_slack(text: str) -> str:
    """The same without marks, for a message's plain text."""
    return _SPAN.sub(lambda span: f"/chom {span[1]}" if _OURS.match(span[1]) else span[1], text)
