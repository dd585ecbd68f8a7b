"""What to say to somebody whose command was not understood: what was typed, what was expected, what to type instead."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from actions.engine.registry.grammar import ENVIRONMENT, Kind, Typed
from actions.engine.registry.usage import Form, Literal, Slot, Usage, Word
from actions.engine.words import joined, quote


def nearest(typed: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, "" where none is near."""
    word, names = typed[:64].lower(), sorted(set(known))
    begun = [name for name in names if len(word) > 2 and name.startswith(word)]
    return next(iter(begun + difflib.get_close_matches(word, names, n=1, cutoff=0.6)), "")


def no_environment(typed: str, environments: Collection[str]) -> str:
    """A sentence for an environment that does not exist."""
    there = f"there {'is' if len(environments) == 1 else 'are'} {joined(environments)}"
    meant = nearest(typed, environments)
    return f"There is no environment {quote(typed)}; {there}.{f' Did you mean {meant}?' if meant else ''}"


def advise(
    usages: Sequence[Usage], typed: Typed, common: Mapping[str, Kind], environments: Collection[str], lead: str
) -> str:
    """Why no usage of this command fits, and how to write it: the one that was probably meant, the first in doubt.

    `common` are the options that every command takes, `lead` is what is typed in front of a command.
    """
    forms = [form for usage in usages for form in usage.forms]
    if written := _without_value(forms, typed, common, environments):
        return f"An option is written key=value. Write: {lead}{written}"
    meant = max(usages, key=lambda usage: _likeness(usage, typed))
    return f"{_why(forms, typed, common, environments)} Write: {lead}{meant.line}"


def _without_value(
    forms: Sequence[Form], typed: Typed, common: Mapping[str, Kind], environments: Collection[str]
) -> str:
    """The line with a value, where the first word that does not fit is an option's bare name; else ""."""
    reached = max(form.reach(typed.words) for form in forms)
    begun, rest = typed.words[:reached], typed.words[reached:]
    own = {key: kind for form in forms if form.reach(begun) == reached for key, kind in form.options.items()}
    key = rest[0].lower() if rest else ""
    if (kind := {**own, **common}.get(key)) is None:
        return ""
    place = rest[-2:] if rest[-2:-1] and rest[-2].lower() in ("to", "on") and rest[-1].lower() in environments else ()
    return " ".join(word.lower() for word in (*begun, f"{key}={kind.looks.partition(' or ')[0]}", *place))


def _likeness(usage: Usage, typed: Typed) -> tuple[int, int]:
    """How much of what was typed is of that usage: its options and its own words, even where those are misspelt."""
    own = {text for form in usage.forms for word in form.words if isinstance(word, Literal) for text in word.words}
    options = max(len(form.options.keys() & typed.options.keys()) for form in usage.forms)
    return options, sum(bool(nearest(word, own)) for word in typed.words)


def _why(forms: list[Form], typed: Typed, common: Mapping[str, Kind], environments: Collection[str]) -> str:
    known = {**common, **{key: kind for form in forms for key, kind in form.options.items()}}
    for key, value in typed.options.items():
        if key not in known:
            return _unknown_option(key, typed.words[0], known)
        if not known[key].accepts(value):
            return f"{key}={quote(value)} is not {known[key].noun}; write for example {key}={known[key].looks}."
    reached = max(form.reach(typed.words) for form in forms)
    live = [form for form in forms if form.reach(typed.words) == reached]
    expected = [form.words[reached] for form in live if form.size > reached]
    if unquoted := _unquoted(typed, common, environments) if reached < len(typed.words) else "":
        return unquoted
    if reached < len(typed.words):
        return _unexpected(typed.words, reached, expected, live, environments)
    if any(form.size == reached for form in live):
        return _wrong_options(typed, forms)
    return f"After {quote(' '.join(typed.words).lower())} comes {joined(_named(expected), 'or')}."


def _unquoted(typed: Typed, common: Mapping[str, Kind], environments: Collection[str]) -> str:
    """What to say where words that no command has follow an option's first word: reason=no quotes here; else ""."""
    for key in (key for key, kind in common.items() if kind.accepts("two words")):
        found = re.search(rf"(?:^|\s){key}=([^\s\"'“”„‟«»‘’‚‛]\S*(?:\s+[^\s=]+(?!\S))+)", typed.text, re.IGNORECASE)
        words = found[1].split() if found else []
        if words[-2:-1] and words[-2].lower() in ("to", "on") and words[-1].lower() in environments:
            words = words[:-2]
        if len(words) > 1:
            return f"The {key} ends at its first space. Put the {key} in quotes: {key}={quote(' '.join(words))}."
    return ""


def _unknown_option(key: str, head: str, known: Iterable[str]) -> str:
    meant = nearest(key, known)
    there = joined(f"{name}=" for name in known)
    return f"{head.lower()} does not know {key[:40]}=; it knows {there}.{f' Did you mean {meant}=?' if meant else ''}"


def _wrong_options(typed: Typed, forms: Iterable[Form]) -> str:
    words = " ".join(word.lower() for word in typed.words)
    wanted = [form.options for form in forms if form.reach(typed.words) == form.size == len(typed.words)]
    given = sorted({key for form in forms for key in form.options} & typed.options.keys())
    if given:
        return f"{joined(f'{key}=' for key in given)} cannot be combined with {quote(words)}."
    return f"{quote(words)} needs {joined(sorted({f'{key}=' for keys in wanted for key in keys}))}."


def _unexpected(
    words: Sequence[str], at: int, expected: Sequence[Word], live: Sequence[Form], environments: Collection[str]
) -> str:
    typed = words[at]
    before = " ".join(word.lower() for word in words[:at])
    slots = [word.kind for word in expected if isinstance(word, Slot)]
    literals = [text for word in expected if isinstance(word, Literal) for text in word.words]
    if ENVIRONMENT in slots:
        return no_environment(typed, environments)
    if typed.startswith(("-", "—", "–")):
        return f"{quote(typed)} is not understood; there are no dashes here, options are written key=value."
    preceded = _preceded(typed, at, live, environments)
    hint = f' Did you mean "{preceded}"?' if preceded else ""
    if slots:
        return f"{quote(typed)} is not {slots[0].noun}; one looks like {slots[0].looks}.{hint}"
    meant = nearest(typed, literals)
    near = f' Did you mean "{meant}"?' if meant and not hint else ""
    return f"{quote(typed)} is not understood after {quote(before)}.{hint}{near}"


def _preceded(typed: str, at: int, live: Iterable[Form], environments: Collection[str]) -> str:
    """ "to v1.1" or "on staging" where only the small word before the argument was left out; else ""."""
    for form in live:
        for word, slot in zip(form.words[at:], form.words[at + 1 :], strict=False):
            if not isinstance(word, Literal) or not isinstance(slot, Slot):
                continue
            if typed.lower() in environments if slot.kind is ENVIRONMENT else slot.kind.accepts(typed):
                return f"{word.words[0]} {typed.lower()}"
    return ""


def _named(expected: Iterable[Word]) -> list[str]:
    """Each expected word as a person says it, once, in order."""
    said: dict[str, None] = {}
    for item in expected:
        match item:
            case Slot(kind):
                said[f"{kind.noun} such as {kind.looks}"] = None
            case Literal(words):
                said[joined((f'"{word}"' for word in words), "or")] = None
    return list(said)
