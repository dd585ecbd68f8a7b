"""May this change start now? Pure: what it is given decides, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from actions.engine.registry.grammar import retyped
from actions.engine.words import joined
from policies.calendar import closed
from policies.change import (
    Allowed,
    Approval,
    Blocked,
    Calendar,
    Change,
    Evidence,
    People,
    Person,
    Refused,
    Role,
    Verdict,
    Waiting,
    Why,
    Window,
    Word,
)
from policies.gates import Gate, Mark, bypassed, gates, passed_by
from policies.quorum import Quorum, quorum
from policies.sentences import (
    approved_by,
    as_an_emergency,
    lasting,
    name,
    no_change_until,
    nobody_can,
    of_which_kind,
    role,
    together,
    waiting_for,
    who_could,
)


@dataclass(frozen=True, slots=True)
class Case:
    """All that is worked out of a change before it is judged; the verdict and its explanation are made from it."""

    change: Change
    people: People
    now: datetime
    counting: tuple[Approval, ...]
    """Words of people who may speak on it."""
    live: tuple[Approval, ...]
    """Those of them that approve it as it is, and hold now."""
    state: Quorum
    gates: tuple[Gate, ...]
    """The evidence it needs, and how each stands."""
    passed: Mapping[str, Gate | None]
    """What an emergency need not pass, and how it stands: see gates.py."""
    shut: tuple[Window, datetime] | None
    """The window that is closed now, and until when."""

    @property
    def lacking(self) -> Mapping[str, str]:
        """Evidence that does not stand -> why, as a sentence."""
        return {gate.name: gate.said for gate in self.gates if gate.mark is not Mark.STANDS}


def case_of(
    change: Change,
    approvals: Iterable[Approval],
    evidence: Iterable[Evidence],
    people: People,
    calendar: Calendar,
    now: datetime,
) -> Case:
    """What is known of it, worked out."""
    counting = tuple(said for said in approvals if not why_not_counting(said, change, people))
    live = tuple(
        said for said in counting if said.word is Word.APPROVE and matches(said, change) and fresh(said, change, now)
    )
    state = quorum(change.requirement.needs, {said.person for said in live}, _others(change, people), people)
    known = tuple(evidence)
    shown, passed = gates(change, known, now), passed_by(change, known, now)
    return Case(change, people, now, counting, live, state, shown, passed, closed(calendar, change.environment, now))


def judge(
    change: Change,
    approvals: Iterable[Approval],
    evidence: Iterable[Evidence],
    people: People,
    calendar: Calendar,
    now: datetime,
) -> Verdict:
    """The verdict and its sentence.

    Refused comes before everything; then what people or evidence still owe (Waiting), and only what is ready
    can be Blocked by a window. So time alone allows nothing, except by passing a named `until`.
    """
    return verdict_of(case_of(change, approvals, evidence, people, calendar, now))


def verdict_of(case: Case) -> Verdict:
    """As judge, of what was worked out."""
    change, state, people = case.change, case.state, case.people
    if refused := wrong_strategy(change) or _rejected(change, case.counting, people) or _lapsed(case):
        return refused
    because = no_change_until(change.environment, *case.shut) if case.shut else ""
    approved = approved_by(state.counted, people)
    if state.missing or case.lacking:
        kind = of_which_kind(change, bypassed(case.passed))
        owed = [_missing(change, state, people), *case.lacking.values(), approved, because, kind]
        return Waiting(together(owed), state.missing, tuple(case.lacking), state.counted)
    if case.shut:
        return Blocked(together([because, approved]), case.shut[1])
    return Allowed(approved or change.requirement.because, state.counted)


def may_decide(change: Change, person: Person, people: People, *, others: bool = True) -> str:
    """ "" where the person may approve and reject this change, else a sentence that says why not and who may.

    Without `others` for who says by name whom it waits for.
    """
    needs = change.requirement.needs
    if not needs:
        return "Nobody has to approve this change."
    could = sorted({who for need in needs for who in who_could(need, people, change.barred | {person.id})})
    who = (f" {joined(could, 'or')} can." if could else " Nobody else in chom.toml can either.") if others else ""
    if person.id in change.barred:
        return f"You asked for this yourself, so somebody else has to decide it.{who}"
    if person.id not in people:
        return f"chom.toml no longer lists you, so you cannot decide this.{who}"
    if not _has_needed_role(change, people[person.id]):
        return f"Only {joined((role(need) for need in needs), 'or')} can decide this.{who}"
    return ""


def may_answer(person: Person) -> bool:
    """Whether the person may answer what a run asks."""
    return bool(person.roles & {Role.TECH_LEAD, Role.DEVOPS, Role.CTO, Role.ON_CALL})


def why_not_counting(said: Approval, change: Change, people: People) -> str:
    """Why that word is nothing, as the configuration is now, as a part of a sentence; "" where it counts.

    A person is who counts, not an account: a requester's second account is the requester. And an account that
    is no longer that person's speaks for nobody.
    """
    person = people.get(said.person)
    if person is None:
        return "chom.toml no longer lists them"
    if person.id in change.barred:
        return "they asked for it themselves"
    if not _has_needed_role(change, person):
        return "they have none of the roles that are needed"
    return "" if person.speaks_as(said.account) else "the account it came from is no longer theirs"


def _has_needed_role(change: Change, person: Person) -> bool:
    return any(person.roles.intersection(need.roles) for need in change.requirement.needs)


def _others(change: Change, people: People) -> set[str]:
    return {person.id for person in people.values() if person.id not in change.barred}


def matches(said: Approval, change: Change) -> bool:
    """Whether it is of the change as it is."""
    return said.digest == change.digest


def fresh(said: Approval, change: Change, now: datetime) -> bool:
    """Whether it has not lapsed."""
    return now < said.at + change.requirement.expires


def wrong_strategy(change: Change) -> Refused | None:
    """Why it may never go out in the way it was asked for, whatever anybody says; None where it may."""
    allowed = change.requirement.strategies
    used = str(change.plan.facts.get("strategy", ""))
    if not allowed or used in allowed:
        return None
    category, version, place = change.requirement.category, change.plan.version, change.environment
    typed = joined([f"`deploy {version} {way} to {place}`" for way in allowed], "or")
    said = (
        f"A change of category {category} has to go out as {joined(allowed, 'or')}, not as {used or 'this'}. "
        f"{change.requirement.because} Type {typed}."
    )
    return Refused(retyped(said, change.text), Why.STRATEGY)


def _rejected(change: Change, counting: Sequence[Approval], people: People) -> Refused | None:
    rejects = [said for said in counting if said.word is Word.REJECT and matches(said, change)]
    if not rejects:
        return None
    first = min(rejects, key=lambda said: (said.at, said.person, said.reason))
    why = first.reason.strip().rstrip(".")
    return Refused(f"{name(people, first.person)} rejected it{f': {why}' if why else ''}.", Why.REJECTED)


def _lapsed(case: Case) -> Refused | None:
    """Void where what was approved is another plan; expired where nobody's word holds any more."""
    change, needs = case.change, case.change.requirement.needs
    if needs and not case.state.missing:
        return None
    if any(said.word is Word.APPROVE and not matches(said, change) for said in case.counting):
        return Refused("What was approved is not what would be done now, so the approval no longer holds.", Why.VOID)
    if case.live or case.now < change.at + change.requirement.expires:
        return None
    what = "approved and started" if needs else "started"
    return Refused(f"It was not {what} within {lasting(change.requirement.expires)}.", Why.EXPIRED)


def _missing(change: Change, state: Quorum, people: People) -> str:
    """Who is waited for, by name; never the requester and never somebody who counts already."""
    if state.hopeless:
        pressing = as_an_emergency(change, people)
        return nobody_can(state.hopeless, people, next(iter(change.barred), ""), pressing)
    return waiting_for(state.missing, people, {*change.barred, *state.counted}) if state.missing else ""
