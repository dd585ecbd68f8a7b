"""The ways in which a version can be deployed, read from the usage lines of the actions that are there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from actions.engine.registry import Action
from actions.engine.registry.grammar import ENVIRONMENT, VERSION
from actions.engine.registry.usage import Form, Literal, Slot

HEAD = "deploy"


@dataclass(frozen=True, slots=True)
class Strategy:
    """A word that may stand after the version: "blue-green"."""

    word: str
    summary: str
    """What the action says of itself."""
    default: bool
    """Whether it is what happens where no such word is typed."""


def strategies(actions: Iterable[Action]) -> tuple[Strategy, ...]:
    """Those of every `deploy` that brings a version, the default one first, each once."""
    found: dict[str, Strategy] = {}
    for action in actions:
        usage = action.parsed
        if usage.head != HEAD or not action.brings_artifact:
            continue
        bare = any(_word(form) == () for form in usage.forms)
        for form in usage.forms:
            for word in _word(form) or ():
                found.setdefault(word, Strategy(word, action.summary, bare))
    return tuple(sorted(found.values(), key=lambda one: not one.default))


def _word(form: Form) -> tuple[str, ...] | None:
    """The words of which one names the strategy, () where none has to; None for a form that wants more than a version.

    What stands before an environment ("to|on") names none.
    """
    rest = form.words[2:]
    if form.options or len(form.words) < 2 or form.words[1] != Slot(VERSION):
        return None
    if not rest or (len(rest) == 2 and rest[1] == Slot(ENVIRONMENT)):
        return ()
    if isinstance(rest[0], Literal) and (len(rest) == 1 or (len(rest) == 3 and rest[2] == Slot(ENVIRONMENT))):
        return rest[0].words
    return None
