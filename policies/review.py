"""The after-review of an emergency: who may close it, which is nobody who had a hand in it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from actions.engine.words import joined
from policies.change import Approval, Change, People, Person, Word

WORDS = 3
"""Words that a review has at least."""
_NO_SPACES = ("CJK UNIFIED IDEOGRAPH", "HIRAGANA", "THAI", "LAO", "KHMER", "MYANMAR")
"""How the names of letters begin, of scripts in which no white space is between words."""


@dataclass(frozen=True, slots=True)
class Review:
    """What a second person wrote of it."""

    by: str
    """A person's id."""
    account: str
    """Where it came from: "T1:U2" or "unix:alice"."""
    at: datetime
    said: str
    """A sentence."""


def is_sentence(said: str) -> bool:
    """Whether it has enough words; what has no letter and no digit is none.

    Words end at white space. In scripts without it each letter counts, since only a dictionary knows their words: so
    Unicode's default (UAX #29) parts ideographs and hiragana, and it has no rule for the scripts of South-East Asia.
    """
    return sum(map(_words, said.split())) >= WORDS


def _words(chunk: str) -> int:
    """How many words are between two white spaces."""
    letters = [sign for sign in chunk if sign.isalnum()]
    without_spaces = sum(unicodedata.name(sign, "").startswith(_NO_SPACES) for sign in letters)
    return without_spaces + (without_spaces < len(letters))


def reviewers(change: Change, approvals: Iterable[Approval], people: People) -> list[Person]:
    """Everybody with a role who neither asked for it nor approved it, in the order of the configuration."""
    hands = _hands(change, approvals)
    return [person for person in people.values() if person.roles and person.id not in hands]


def why_not_review(change: Change, approvals: Iterable[Approval], person: Person, people: People) -> str:
    """ "" where the person may close its review, else a sentence that says why not and who may."""
    given = tuple(approvals)
    could = reviewers(change, given, people)
    if person.id in {one.id for one in could}:
        return ""
    names = joined(sorted(one.name for one in could), "or")
    others = f"{names} can." if could else "Ask an operator to give somebody else a role: nobody in chom.toml can."
    if person.id in _hands(change, given):
        return f"You asked for this emergency or approved it, so somebody else has to review it. {others}"
    return f"Only somebody with a role can review an emergency. {others}"


def _hands(change: Change, approvals: Iterable[Approval]) -> set[str]:
    return {change.requester, *(said.person for said in approvals if said.word is Word.APPROVE)}
