"""What people name in a command: an environment, with a small word before it or without, and the change behind it."""

from __future__ import annotations

from bot.desk.desk import Desk
from bot.desk.planning import Refusal

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


async def change_of(desk: Desk, named: str) -> str:
    """The change behind what was typed after stop: its id, or the environment in which it runs or waits.

    "" where nothing was named. Raises Refusal where nothing is going on there, or several requests wait.
    """
    if not named or named.startswith("chg-"):
        return named
    (seen,) = await desk.status(named)
    going = [seen.open_run] if seen.open_run else list(seen.pending)
    if len(going) == 1:
        return going[0].change.id
    if not going:
        raise Refusal(f"Nothing is going on in {named}, so there is nothing to stop.")
    titles = "; ".join(f"{v.title} ({v.change.id})" for v in going)
    raise Refusal(f"Several requests wait in {named}: {titles}. Say which: `stop {going[0].change.id}`.")
