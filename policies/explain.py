"""A verdict for who wants to know more than its sentence: what is needed, what is there, and what did not count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from actions.engine.words import instant, joined
from policies.change import (
    Allowed,
    Approval,
    Calendar,
    Change,
    ChangeType,
    Evidence,
    Need,
    People,
    Refused,
    Verdict,
    Why,
    Word,
)
from policies.gates import TITLES
from policies.gates import Mark as GateMark
from policies.judge import Case, case_of, fresh, matches, verdict_of, why_not_counting
from policies.sentences import ROLES, lasting, name, no_change_until, role, who_could


class Mark(StrEnum):
    """How a line stands; its words say the same."""

    STANDS = "✓"
    LACKS = "✗"
    WAITS = "◷"
    PASSED = "!"
    """It was bypassed."""
    SAYS = "·"
    """It only tells."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A sentence, and what it rests on."""

    mark: Mark
    said: str
    """A whole sentence."""
    children: tuple[Tree, ...] = ()


def explain(
    change: Change,
    approvals: Iterable[Approval],
    evidence: Iterable[Evidence],
    people: People,
    calendar: Calendar,
    now: datetime,
    verdict: Verdict | None = None,
    begun: str = "",
) -> Tree:
    """The verdict as judge gives it (or as it was settled, where that is told), and below it everything it rests on.

    Of what runs or has ended `begun` says so in a sentence. Nobody decides that any more, nor what is refused for good:
    then only what was said of it is below.
    """
    given = tuple(approvals)
    case = case_of(change, given, evidence, people, calendar, now)
    told = verdict or verdict_of(case)
    over = "It is over. " if isinstance(told, Refused) and told.why is not Why.STRATEGY else ""
    if begun or over:
        mark = Mark.SAYS if begun else Mark.LACKS
        return Tree(mark, begun or f"{over}{told.said}", (_kind(change), *_said(case, given)))
    mark = Mark.STANDS if isinstance(told, Allowed) else Mark.LACKS if isinstance(told, Refused) else Mark.WAITS
    below = (_kind(change), *_people(case), *_not_counting(case, given), *_gates(case), *_strategy(case), *_times(case))
    return Tree(mark, told.said, below)


def lines(tree: Tree, depth: int = 0) -> Iterator[str]:
    """The tree as plain text, two spaces a level."""
    yield f"{'  ' * depth}{tree.mark} {tree.said}"
    for child in tree.children:
        yield from lines(child, depth + 1)


def _kind(change: Change) -> Tree:
    asked = change.requirement
    because = asked.because.rstrip(".")
    match asked.type:
        case ChangeType.NORMAL:
            return Tree(Mark.SAYS, f"{because}.")
        case ChangeType.STANDARD:
            return Tree(Mark.SAYS, f"{because}: one person is enough, also the one who asked.")
        case ChangeType.EMERGENCY:
            said = f"Emergency: {change.emergency.strip().rstrip('.') or 'no reason was given'}."
            return Tree(Mark.PASSED, said, (Tree(Mark.SAYS, f"Without it: {because}."),))


def _people(case: Case) -> Iterator[Tree]:
    """A line a need: who counts for it, or who could."""
    if not case.change.requirement.needs:
        yield Tree(Mark.STANDS, "Nobody has to approve it.")
    counted = dict(case.state.counted)
    missing = {need.roles: need.count for need in case.state.missing}
    for need in case.change.requirement.needs:
        lack = min(missing.get(need.roles, 0), need.count)
        mine = [who for who, as_ in counted.items() if as_ in need.roles][: need.count - lack]
        for who in mine:
            del counted[who]
        yield _need(case, need, mine, lack)


def _need(case: Case, need: Need, mine: list[str], lack: int) -> Tree:
    wanted = role(need)[:1].upper() + role(need)[1:]
    by = joined(f"{name(case.people, who)} ({ROLES[case.state.counted[who]]})" for who in mine)
    if not lack:
        return Tree(Mark.STANDS, f"{wanted}: approved by {by}.")
    could = who_could(need, case.people, {*case.change.barred, *case.state.counted})
    who = f"{joined(could, 'or')} can approve it" if could else "nobody in chom.toml is left who can"
    still = role(replace(need, count=lack))
    said = f"Approved by {by}; still needs {still}: {who}." if by else f"Still needs {still}: {who}."
    return Tree(Mark.WAITS if could else Mark.LACKS, said)


def _not_counting(case: Case, given: tuple[Approval, ...]) -> Iterator[Tree]:
    """Why a word that was said does not count."""
    for said in given:
        why = why_not_counting(said, case.change, case.people)
        if not why and not matches(said, case.change):
            why = "it was given for another plan"
        if not why and said.word is Word.APPROVE and not fresh(said, case.change, case.now):
            why = f"it held for {lasting(case.change.requirement.expires)}"
        who = name(case.people, said.person)
        if why:
            what = "approval" if said.word is Word.APPROVE else "rejection"
            yield Tree(Mark.LACKS, f"{who}'s {what} does not count: {why}.")
        elif said.word is Word.REJECT:
            reason = said.reason.strip().rstrip(".")
            yield Tree(Mark.LACKS, f"{who} rejected it{f': {reason}' if reason else ''}.")


def _said(case: Case, given: tuple[Approval, ...]) -> Iterator[Tree]:
    """Who said what of it, and when."""
    for said in given:
        what = "approved" if said.word is Word.APPROVE else "rejected"
        reason = said.reason.strip().rstrip(".")
        why = f": {reason}" if reason else ""
        yield Tree(Mark.SAYS, f"{name(case.people, said.person)} {what} it {instant(said.at)}{why}.")


def _gates(case: Case) -> Iterator[Tree]:
    marks = {GateMark.STANDS: Mark.STANDS, GateMark.LACKS: Mark.LACKS, GateMark.WAITS: Mark.WAITS}
    for gate in case.gates:
        yield Tree(marks[gate.mark], f"{gate.title}: {gate.said}")
    for named, gate in case.passed.items():
        if gate and gate.mark is GateMark.STANDS:
            yield Tree(Mark.STANDS, f"{gate.title}: {gate.said}")
        else:
            yield Tree(Mark.PASSED, f"{TITLES.get(named, named)}: bypassed, since this is an emergency.")


def _strategy(case: Case) -> Iterator[Tree]:
    allowed, used = case.change.requirement.strategies, str(case.change.plan.facts.get("strategy", "")) or "this"
    if allowed:
        fits = used in allowed
        said = f"It goes out as {used}." if fits else f"It has to go out as {joined(allowed, 'or')}, not as {used}."
        yield Tree(Mark.STANDS if fits else Mark.LACKS, said)


def _times(case: Case) -> Iterator[Tree]:
    change = case.change
    if case.shut:
        yield Tree(Mark.WAITS, no_change_until(change.environment, *case.shut))
    held = change.requirement.expires
    until = min((said.at for said in case.live), default=change.at) + held
    what = "The first approval lapses" if case.live else "If nobody decides, it lapses"
    yield Tree(Mark.SAYS, f"{what} {instant(until)}; each word holds for {lasting(held)}.")
