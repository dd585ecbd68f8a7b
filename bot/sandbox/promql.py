"""The little of PromQL that the sandbox's Prometheus knows: an instant selector, and timestamp() of one."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

Labels = dict[str, str]
Series = tuple[str, Labels, float]
"""(name, labels, value)."""
_CALL = re.compile(r"\s*timestamp\s*\((.*)\)\s*", re.S)
_SELECTOR = re.compile(r"\s*([a-zA-Z_:][\w:]*)?\s*(?:\{(.*)\})?\s*", re.S)
_MATCHER = re.compile(r'\s*([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')


@dataclass(frozen=True, slots=True)
class Matcher:
    """One label's; a regular expression has to match the whole value, and a label that is not there is ""."""

    label: str
    how: str
    value: str

    def fits(self, labels: Labels) -> bool:
        found = labels.get(self.label, "")
        is_it = bool(re.fullmatch(self.value, found)) if "~" in self.how else found == self.value
        return is_it != ("!" in self.how)


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked; `timestamps` where not the values are wanted but when they were scraped."""

    matchers: tuple[Matcher, ...]
    timestamps: bool

    def of(self, series: Sequence[Series], scraped: float) -> list[tuple[Labels, float]]:
        """The samples as metric and value, of what was scraped at that Unix time (s)."""
        named = (({"__name__": name, **labels}, labels, value) for name, labels, value in series)
        found = [one for one in named if all(matcher.fits(one[0]) for matcher in self.matchers)]
        if self.timestamps:
            return [(labels, scraped) for _, labels, _ in found]
        return [(metric, value) for metric, _, value in found]


def parsed(query: str) -> Query:
    """Raises ValueError with what Prometheus says."""
    called = _CALL.fullmatch(query)
    found = _SELECTOR.fullmatch(called[1] if called else query)
    if not found or not (found[1] or found[2]):
        raise ValueError(f'invalid parameter "query": 1:1: parse error: unexpected {query[:40]!r}')
    matchers = [Matcher("__name__", "=", found[1])] if found[1] else []
    inside, at = found[2] or "", 0
    while at < len(inside):
        matcher = _MATCHER.match(inside, at)
        if not matcher:
            raise ValueError(f'invalid parameter "query": 1:{at + 1}: parse error: unexpected {inside[at:][:40]!r}')
        value = matcher[3].replace(r"\"", '"').replace(r"\\", "\\")
        matchers.append(Matcher(matcher[1], matcher[2], value))
        at = matcher.end()
    return Query(tuple(matchers), bool(called))


def written(value: float) -> str:
    """A sample's value as the API writes it: the shortest digits that are this number, without an exponent."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = format(Decimal(repr(value)), "f")
    return text.removesuffix(".0")
