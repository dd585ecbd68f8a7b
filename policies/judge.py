"""May this change start now? Pure: what it is given decides, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from actions.engine.words import instant, joined
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
    Word,
)
from policies.gates import Mark, gates
from policies.quorum import Quorum, quorum
from policies.sentences import approved_by, lasting, name, nobody_can, role, together, waiting_for, who_could


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
    counting = [said for said in approvals if _counts(said, change, people)]
    live = [
        said for said in counting if said.word is Word.APPROVE and _matches(said, change) and _fresh(said, change, now)
    ]
    state = quorum(change.requirement.needs, {said.person for said in live}, _others(change, people), people)
    if (
        refused := _strategy(change)
        or _rejected(change, counting, people)
        or _lapsed(change, counting, live, state, now)
    ):
        return refused
    shut = closed(calendar, change.environment, now)
    because = f"{change.environment} is closed until {instant(shut[1])}: {shut[0].why}." if shut else ""
    shown = gates(change, evidence, now)
    lacking = {gate.name: gate.said for gate in shown if gate.mark is not Mark.STANDS}
    approved = approved_by(state.counted, people)
    if state.missing or lacking:
        said = together([_missing(change, state, people), *lacking.values(), approved, because])
        return Waiting(said, state.missing, tuple(lacking), state.counted)
    if shut:
        return Blocked(together([because, approved]), shut[1])
    return Allowed(approved or change.requirement.because, state.counted)


def may_decide(change: Change, person: Person, people: People) -> str:
    """ "" where the person may approve and reject this change, else a sentence that says why not and who may."""
    needs = change.requirement.needs
    if not needs:
        return "Nobody has to approve this change."
    could = sorted({who for need in needs for who in who_could(need, people, {change.requester, person.id})})
    others = f" {joined(could, 'or')} can." if could else " Nobody else in chom.toml can either."
    if person.id == change.requester:
        return f"You asked for this yourself, so somebody else has to decide it.{others}"
    if person.id not in people:
        return f"chom.toml no longer lists you, so you cannot decide this.{others}"
    if not _has_needed_role(change, people[person.id]):
        return f"Only {joined((role(need) for need in needs), 'or')} can decide this.{others}"
    return ""


def may_answer(person: Person) -> bool:
    """Whether the person may answer what a run asks."""
    return bool(person.roles & {Role.TECH_LEAD, Role.DEVOPS, Role.CTO, Role.ON_CALL})


def _counts(said: Approval, change: Change, people: People) -> bool:
    """Whether that person may speak on this change at all, as the configuration is now.

    A person is who counts, not an account: a requester's second account is the requester. And an account that
    is no longer that person's speaks for nobody.
    """
    person = people.get(said.person)
    if person is None or person.id == change.requester or not _has_needed_role(change, person):
        return False
    return person.speaks_as(said.account)


def _has_needed_role(change: Change, person: Person) -> bool:
    return any(need.role in person.roles for need in change.requirement.needs)


def _others(change: Change, people: People) -> set[str]:
    return {person.id for person in people.values() if person.id != change.requester}


def _matches(said: Approval, change: Change) -> bool:
    return said.digest == change.digest


def _fresh(said: Approval, change: Change, now: datetime) -> bool:
    return now < said.at + change.requirement.expires


def _strategy(change: Change) -> Refused | None:
    allowed = change.requirement.strategies
    used = str(change.plan.facts.get("strategy", ""))
    if not allowed or used in allowed:
        return None
    category = change.requirement.category
    return Refused(
        f"A change of category {category} has to go out as {joined(allowed, 'or')}, not as {used or 'this'}. "
        f"Category {category}, because: {change.requirement.because} Ask again with {joined(allowed, 'or')}.",
        Why.STRATEGY,
    )


def _rejected(change: Change, counting: Sequence[Approval], people: People) -> Refused | None:
    rejects = [said for said in counting if said.word is Word.REJECT and _matches(said, change)]
    if not rejects:
        return None
    first = min(rejects, key=lambda said: (said.at, said.person, said.reason))
    why = first.reason.strip().rstrip(".")
    return Refused(f"{name(people, first.person)} rejected it{f': {why}' if why else ''}.", Why.REJECTED)


def _lapsed(
    change: Change, counting: Sequence[Approval], live: Sequence[Approval], state: Quorum, now: datetime
) -> Refused | None:
    """Void where what was approved is another plan; expired where nobody's word holds any more."""
    enough = not state.missing
    if change.requirement.needs and enough:
        return None
    if any(said.word is Word.APPROVE and not _matches(said, change) for said in counting):
        return Refused("What was approved is not what would be done now, so the approval no longer holds.", Why.VOID)
    if live or now < change.at + change.requirement.expires:
        return None
    time = lasting(change.requirement.expires)
    what = "approved and started" if change.requirement.needs else "started"
    return Refused(f"It was not {what} within {time}.", Why.EXPIRED)


def _missing(change: Change, state: Quorum, people: People) -> str:
    """Who is waited for, by name; never the requester and never somebody who counts already."""
    if state.hopeless:
        return nobody_can(state.hopeless, people, change.requester)
    return waiting_for(state.missing, people, {change.requester, *state.counted}) if state.missing else ""
