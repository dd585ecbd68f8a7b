"""What somebody typed, said again so that nothing in it can run, broadcast, hide or fill the screen."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime

QUOTED = 40
"""Characters of foreign text that a sentence repeats at most."""

FEW = 4
"""So many servers are called by their names in any sentence."""

_NUMBERED = re.compile(r"(.*?)(\d{1,9})")
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


def servers(hosts: Collection[str]) -> str:
    """ "app1 and app2"; more than `FEW` are counted, "99 servers", and named where that is short: see a plan's titles.

    "100 servers (app1 to app100)".
    """
    if len(hosts) <= FEW:
        return joined(hosts)
    count = counted(len(hosts), "server")
    return f"{count} ({named(hosts)})" if len(_spans(hosts)) == 1 else count


def named(hosts: Iterable[str], most: int = 8, show: Callable[[str], str] = str) -> str:
    """Servers by name, however many: "app1 to app41 and app43", "web, db and 92 more" where they are beyond `most`.

    `show` writes each name.
    """
    spans = _spans(hosts)
    kept = spans if len(spans) <= most else spans[: most - 1]
    said = [show(span[0]) if len(span) == 1 else f"{show(span[0])} to {show(span[-1])}" for span in kept]
    left = sum(map(len, spans)) - sum(map(len, kept))
    return joined([*said, f"{left} more"] if left else said)


def _spans(hosts: Iterable[str]) -> list[list[str]]:
    """More than `FEW` neighbours whose numbers follow each other together, everybody else alone."""
    runs: list[list[str]] = []
    for host in hosts:
        if runs and host == _next(runs[-1][-1]):
            runs[-1].append(host)
        else:
            runs.append([host])
    return [span for run in runs for span in ([run] if len(run) > FEW else [[host] for host in run])]


def _next(host: str) -> str:
    """ "app10" after "app9", "app010" after "app009"; "" after a name without a number."""
    found = _NUMBERED.fullmatch(host)
    return f"{found[1]}{int(found[2]) + 1:0{len(found[2])}}" if found else ""


def capital(text: str, names: Iterable[str] = ()) -> str:
    """A sentence with a capital at its beginning, unless a name stands there, which is never changed.

    Names are all `names`, and what is no ordinary word: "v1.2", "app1", "shared/.env", "chom.toml".
    """
    first = text.partition(" ")[0].rstrip(".,:;")
    if not first.isalpha() or any(re.match(rf"{re.escape(name)}(?!\w)", text) for name in names if name):
        return text
    return text[:1].upper() + text[1:]


def counted(number: int, noun: str) -> str:
    """ "1 migration", "3 migrations"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def percent(share: float) -> str:
    """A share from 0 to 1 as whole percent: "5 %"."""
    return f"{share * 100:.0f} %"


def megabytes(size: int) -> str:
    """A number of bytes as a person says it: "31 kB", "0.4 MB", "312 MB"; nothing at all is "0 kB"."""
    amount = size / 1e6
    if size < 100_000:
        return f"{math.ceil(size / 1000)} kB"
    return f"{amount:,.0f} MB" if amount >= 10 else f"{amount:.1f} MB"


def duration(seconds: float) -> str:
    """ "less than 1 s", "42 s", "3 min 5 s", "2 h 10 min"."""
    whole = max(0, round(seconds))
    if whole == 0:
        return "less than 1 s"
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


AT_ONCE = duration(0)
"""Of what is not worth telling how long it took."""


def took(start: datetime, end: datetime) -> str:
    """How long it was, as `duration`."""
    return duration((end - start).total_seconds())


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
