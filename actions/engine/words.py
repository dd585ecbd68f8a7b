"""What somebody typed, said again so that nothing in it can run, broadcast, hide or fill the screen."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

QUOTED = 40
"""Characters of foreign text that a sentence repeats at most."""

_INSTANT = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180e\u2800\u3164\uffa0")
_DROPPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_SAFE = str.maketrans(
    {
        "<": "‹",
        ">": "›",
        "&": "＆",
        "@": "＠",
        "`": "ˋ",
        "*": "∗",
        "_": "＿",
        "~": "∼",
        '"': "'",
    }
)


def hidden(text: str) -> str:
    """The first character of `text` that cannot be seen or changes how others are read, "" where there is none.

    White space is not hidden; a lone surrogate, a zero-width and a direction mark are.
    """
    return next((char for char in text if not char.isspace() and _is_hidden(char)), "")


def plain(text: str) -> str:
    """`text` on one line, single-spaced, without hidden characters. Not escaped: see `quote` for messages."""
    spaced = "".join(" " if char.isspace() else char for char in text)
    return " ".join("".join(char for char in spaced if not _is_hidden(char)).split())


def quote(text: str) -> str:
    """`text` in quotation marks, safe in a sentence for Slack or a terminal and at most 40 characters long.

    Hidden characters are left out, and what Slack could read as a mention, a link or formatting is written
    with a look-alike, so that it needs no escaping and survives it.
    """
    shown = plain(text[: QUOTED * 25]).translate(_SAFE).replace("://", ": //")
    cut = len(shown) > QUOTED or len(text) > QUOTED * 25
    return f'"{shown[: QUOTED - 1].rstrip()}…"' if cut else f'"{shown}"'


def joined(names: Iterable[str], last: str = "and") -> str:
    """ "app1", "app1 and app2", "app1, app2 and app3"; "" for none."""
    known = list(names)
    return f" {last} ".join([", ".join(known[:-1]), known[-1]] if len(known) > 1 else known)


def counted(number: int, noun: str) -> str:
    """ "1 migration", "3 migrations"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def megabytes(size: int) -> str:
    """A number of bytes as a person says it: "31 kB", "0.4 MB", "312 MB"; nothing at all is "0 kB"."""
    amount = size / 1e6
    if size < 100_000:
        return f"{math.ceil(size / 1000)} kB"
    return f"{amount:,.0f} MB" if amount >= 10 else f"{amount:.1f} MB"


def moment(at: datetime) -> str:
    """ "23 November 2026, 22:21 UTC"; the time has to be in UTC."""
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def instant(at: datetime) -> str:
    """A time inside a sentence that more than one face shows, "2026-11-23T22:21:51Z": see `with_times`."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def with_times(text: str, show: Callable[[datetime], str]) -> str:
    """The sentence with each `instant` in it shown in the way of whoever reads it."""

    def shown(found: re.Match[str]) -> str:
        try:
            return show(datetime.strptime(found[0], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC))
        except ValueError:  # the 31st of February, which somebody typed
            return found[0]

    return _INSTANT.sub(shown, text)


def in_utc(text: str) -> str:
    """The sentence with its times as "2026-11-23 22:21 UTC": for a terminal, a log and plain text."""
    return with_times(text, lambda at: f"{at:%Y-%m-%d %H:%M} UTC")


def _is_hidden(char: str) -> bool:
    return char in _INVISIBLE or unicodedata.category(char) in _DROPPED
