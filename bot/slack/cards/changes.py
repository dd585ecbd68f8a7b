"""What a version changes against what is served, behind View plan: migrations, packages, configuration, size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from actions.engine.across import texts
from actions.engine.plan import Arg, Plan
from actions.engine.words import capital, counted, megabytes
from bot.slack.words import code, inline, listed, sentence

NAMED = 12
"""So many of a kind are named; the others are counted."""
_KINDS = (
    ("locks", "Packages"),
    ("advisories", "Security"),
    ("env_added", "New in .env.example"),
    ("env_removed", "No longer in .env.example"),
)


def what_changes(plan: Plan) -> list[str]:
    """Lines of mrkdwn; [] for a plan that brings no version."""
    if "unknown" not in plan.facts:
        return []
    return ["*What it changes*", *_lines(plan.facts)]


def _lines(facts: Mapping[str, Arg]) -> Iterator[str]:
    if unknown := str(facts["unknown"]):
        yield inline(sentence(capital(unknown)), 500)
    if before := texts(facts, "by_commit"):
        yield f"Before the bot: {listed([inline(one, 60) for one in before])}, known by the artifact of its commit."
    yield from _migrations(facts)
    for name, what in _KINDS:
        if told := texts(facts, name):
            yield f"{what}: {listed([code(one, 120) for one in told], NAMED)}"
    if facts.get("vendor"):
        yield "Installed packages differ, and no lock does."
    if files := _number(facts, "changed_files"):
        named = listed([code(path, 120) for path in texts(facts, "changed")], NAMED)
        amount = megabytes(_number(facts, "changed_bytes"))
        yield f"{counted(files, 'file')} of {amount}{f': {named}' if named else ''}"


def _migrations(facts: Mapping[str, Arg]) -> Iterator[str]:
    """Each with its class and the line that made it so."""
    why = dict(zip(texts(facts, "destructive"), texts(facts, "destructive_because"), strict=False))
    restores, forward = texts(facts, "restores"), texts(facts, "forward_only")
    for name in texts(facts, "migrations")[: 2 * NAMED]:
        kind = f"*destructive*, {inline(why[name], 300)}" if name in why else "only adds"
        way = "needs a restore" if name in restores else "forward-only" if name in forward else "reversible"
        yield f"{code(name, 120)}: {kind}; {way}"


def _number(facts: Mapping[str, Arg], name: str) -> int:
    value = facts.get(name, 0)
    return value if isinstance(value, int) else 0
