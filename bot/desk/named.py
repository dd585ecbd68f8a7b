"""What people name in a command: an environment, with a small word before it or without, or a sentence in quotes."""

from __future__ import annotations

_QUOTES = frozenset("\"'“”„‟«»‘’")
_FILLERS = frozenset({"on", "of", "in", "for", "to"})

NOTHING_TO_PLAN = "Say what to plan, for example `plan deploy v1.2`. It is shown only to you and starts nothing."


def environment_of(rest: str) -> str:
    """What was named, without the small word before it."""
    words = rest.split()
    return " ".join(words[1:] if len(words) > 1 and words[0].lower() in _FILLERS else words)


def unquoted(said: str) -> str:
    """A sentence without the quotation marks around it, of whichever kind the keyboard made."""
    typed = said.strip()
    return typed[1:-1].strip() if len(typed) > 1 and typed[0] in _QUOTES and typed[-1] in _QUOTES else typed
