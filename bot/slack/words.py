"""Words for people: what users and servers wrote made harmless, times and lists made readable.

The voice, in which the bot says everything, in a step's title as on a card:
1. A whole, short sentence, first what is true now, then what happens next and who has to act.
2. For a reader at a bus stop: the result before the reason. For one at 3 a.m.: the next thing to type, as code.
3. The bot is not "I", and nobody is blamed: "the health check failed on app1", "Lea stopped it before the switch".
4. Versions, places and names, as people call them. Never a release id, a hash or a path where a version will do.
5. No words of the code. Not rejected by policy, but: "You asked for this yourself, so somebody else has to decide it."
6. A refusal says what was wrong, what was expected, what to do instead; and that nothing was changed, if it was not.
7. What cannot be undone is named before it is done, and again where it stays.
8. The state is in words; a sign or a colour only repeats it. `text` says all that the blocks say that matters.
9. Times in the reader's zone (`day`, `at`, and `instant` in sentences of the desk); durations as "3 min 5 s".
10. No promise that is not known: "usually", "about", or nothing.

A step's title is a command of one line ("Copy v1.2 to app1"); its result a part of a sentence ("v1.2 is unpacked"); a
verb that is new gets its name in sentences in actions/engine/nouns.py. tests/slack holds the pictures of all of it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime

from actions.engine.words import counted, with_times
from bot.redact import redactor

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LOOKALIKES = str.maketrans({"*": "∗", "~": "∼", "`": "ˋ"})
_EDGE_UNDERSCORE = re.compile(r"(?<!\w)_|_(?!\w)")
_EMOJI_CODE = re.compile(r":(?=[a-z+\-][a-z0-9_+'\-]*:)")
_redact = redactor(())
"""What looks like a secret; the runner has struck out the known ones before it journalled a line."""


def clean(text: str) -> str:
    """One line without control characters and without marks that turn the direction of reading."""
    return " ".join("".join(" " if c in "\r\n\t\v\f" else c for c in text if _visible(c)).split())


def _visible(char: str) -> bool:
    return char in "\r\n\t\v\f" or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def raw(line: str) -> str:
    """A line of an output for a file, in which nothing is formatted: without what would hide or turn other lines."""
    return line if line.isprintable() else "".join(c for c in line if c == "\t" or _visible(c)).rstrip("\r")


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, the last one "…" where something was left off."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def plain(text: str, limit: int = 3000) -> str:
    """For a plain_text object or a message's `text`: one line, &, < and > escaped, at most `limit` long."""
    return _escaped(clean(text), limit)


def inline(text: str, limit: int = 3000) -> str:
    """For the inside of mrkdwn: as `plain`, and no character of it formats, links or makes an emoji."""
    calm = _EDGE_UNDERSCORE.sub("ˍ", clean(text).translate(_LOOKALIKES))
    return _escaped(_EMOJI_CODE.sub(":\N{WORD JOINER}", calm), limit)


def linked(address: str, text: str, limit: int = 200) -> str:
    """The text as a link for mrkdwn, as `inline`; the text alone where there is no address."""
    shown = inline(text.replace("|", "ǀ"), limit)
    return f"<{address}|{shown}>" if address and shown else shown


def code(text: str, limit: int = 200) -> str:
    """A name in a code span, where nothing is parsed."""
    return f"`{_escaped(clean(text).replace('`', 'ˋ') or ' ', limit - 2)}`"


def code_block(lines: Iterable[str], limit: int = 2900) -> str:
    """The last lines of an output that fit, redacted and escaped, in a fenced block."""
    kept: list[str] = []
    room = limit - len("```\n\n```")
    for line in reversed([_redact(line) for line in lines]):
        shown = _escaped("".join(c for c in line if c == "\t" or _visible(c)).replace("`", "ˋ").rstrip(), 400)
        if len(shown) + 1 > room:
            break
        room -= len(shown) + 1
        kept.append(shown)
    return "```\n" + "\n".join(reversed(kept)) + "\n```"


def _escaped(text: str, limit: int) -> str:
    """Escape, and cut so that no entity is cut in two."""
    if len(text) <= limit and not any(c in _ENTITIES for c in text):
        return text
    whole = "".join(_ENTITIES.get(c, c) for c in text)
    if len(whole) <= limit:
        return whole
    room, out = limit - 1, ""
    for char in text:
        piece = _ENTITIES.get(char, char)
        if len(out) + len(piece) > room:
            break
        out += piece
    return out.rstrip() + "…"


def at(moment: datetime, form: str = "{time}") -> str:
    """The moment in the reader's own time zone, as Slack shows it; in UTC where it cannot."""
    return f"<!date^{int(moment.timestamp())}^{form}|{utc(moment)}>"


def utc(moment: datetime) -> str:
    """The moment for plain text: "14:02 UTC"."""
    return moment.astimezone(UTC).strftime("%H:%M UTC")


def day(moment: datetime) -> str:
    """Date and time for mrkdwn, "today at 14:02" in the reader's own time zone."""
    shown = f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} at {{time}}|{shown}>"


def timed(text: str, limit: int = 3000) -> str:
    """A sentence of the bot for mrkdwn: as `inline`, with its instants in the reader's own time zone."""
    return with_times(inline(text, limit), day)


def ago(then: datetime, now: datetime) -> str:
    """For plain text, where no time is in the reader's zone: "5 minutes ago", "3 days ago", "on 1 November 2026"."""
    minutes = max(0, int((now - then).total_seconds() // 60))
    days = minutes // 1440
    if minutes < 1:
        return "just now"
    if days > 60:
        return f"on {then.astimezone(UTC).day} {then.astimezone(UTC):%B %Y}"
    count, noun = (days, "day") if days else (minutes // 60, "hour") if minutes >= 60 else (minutes, "minute")
    return f"{counted(count, noun)} ago"


def about(seconds: float) -> str:
    """A time that is usual, and no more exact than it deserves: "8 s", "40 s", "2 min", "1 h 10 min"."""
    if seconds < 10:
        return f"{max(1, round(seconds))} s"
    if seconds < 58:
        return f"{round(seconds / 5) * 5} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(round(minutes / 5) * 5, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def listed(items: Iterable[str], most: int = 8) -> str:
    """ "a, b and c"; where there are more than `most`, "a, b and 7 more"."""
    names = list(items)
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} more"]
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def sentence(text: str) -> str:
    """The text with a full stop where it ends without one."""
    stripped = text.rstrip()
    return stripped if not stripped or stripped[-1] in ".!?…:" else stripped + "."
