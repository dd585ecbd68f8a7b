"""What a verdict says to a person on a phone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import assert_never

from actions.engine.registry.grammar import urgent
from actions.engine.words import counted, instant, joined
from policies.change import Change, ChangeType, Need, People, Role, Window

ROLES: Mapping[Role, str] = {
    Role.TECH_LEAD: "Tech Lead",
    Role.DEVOPS: "DevOps engineer",
    Role.CTO: "CTO",
    Role.TEAM: "team member",
    Role.ON_CALL: "on-call engineer",
}


def role(need: Need) -> str:
    """ "a Tech Lead", "2 team members", "a Tech Lead or the CTO"."""
    return joined((_people_in(one, need.count) for one in need.roles), "or")


def _people_in(one: Role, count: int) -> str:
    if count > 1:
        return counted(count, ROLES[one])
    article = "an" if one is Role.ON_CALL else "the" if one is Role.CTO else "a"
    return f"{article} {ROLES[one]}"


def name(people: People, person: str) -> str:
    """A person's name; the id where the configuration no longer knows them."""
    return people[person].name if person in people else person


def who_could(need: Need, people: People, without: Collection[str]) -> list[str]:
    """Names of those who have the role and are not left out, in order."""
    known = [person for person in people.values() if person.id not in without and person.roles.intersection(need.roles)]
    return sorted(person.name for person in known)


def waiting_for(needs: Sequence[Need], people: People, without: Collection[str]) -> str:
    """ "Waiting for a Tech Lead: Lena or Tom." """
    if len(needs) == 1:
        return f"Waiting for {role(needs[0])}: {joined(who_could(needs[0], people, without), 'or')}."
    each = (f"{role(need)} ({joined(who_could(need, people, without), 'or')})" for need in needs)
    return f"Waiting for {joined(each)}."


def nobody_can(needs: Sequence[Need], people: People, barred: str, pressing: str) -> str:
    """For needs that nobody is left to meet: says so, and what can be done; `pressing` as `as_an_emergency` has it."""
    roles = {role for need in needs for role in need.roles}
    asked = people.get(barred)
    own = f" {asked.name} asked for it and cannot approve it too." if asked and asked.roles & roles else ""
    wanted = joined(role(need) for need in needs)
    more = "another person" if sum(need.count for need in needs) == 1 else "other people"
    return (
        f"Nobody can approve this now: it still needs {wanted}, and chom.toml has nobody left who is one.{own} "
        f"{f'{pressing} Or ask' if pressing else 'Ask'} an operator to give {more} that role."
    )


def as_an_emergency(change: Change, people: People) -> str:
    """What to type where it cannot wait, and who lets that through alone; "" where the rules let nobody."""
    roles = change.requirement.alone
    who = who_could(Need(roles[0], 1, roles[1:]), people, ()) if roles else []
    return (
        f"If it cannot wait, type `{urgent(change.text)}`: {joined(who, 'or')} can approve that alone." if who else ""
    )


def no_change_until(environment: str, window: Window, until: datetime) -> str:
    """That a window is closed, until when and why."""
    return f"No change may start on {environment} until {instant(until)}: {window.why}."


def approved_by(counts: Mapping[str, Role], people: People) -> str:
    """ "Approved by Lena (Tech Lead)." """
    return f"Approved by {joined(f'{name(people, p)} ({ROLES[r]})' for p, r in counts.items())}." if counts else ""


def of_which_kind(change: Change, bypassed: Sequence[str] = ()) -> str:
    """What makes it ask for what it asks for, as sentences; "" where nobody has to approve it.

    `bypassed` are titles of what an emergency really goes past.
    """
    asked = change.requirement
    because = asked.because.rstrip(".")
    match asked.type:
        case ChangeType.NORMAL:
            return f"{because}." if asked.needs else ""
        case ChangeType.STANDARD:
            return f"{because}, so one person is enough."
        case ChangeType.EMERGENCY:
            passed = f"Bypassed: {joined(bypassed)}." if bypassed else "Nothing is bypassed."
            return f"Emergency: {change.emergency.strip().rstrip('.') or because}. {passed}"
        case _:
            assert_never(asked.type)


def lasting(time: timedelta) -> str:
    """ "4 hours", "30 minutes"; rounded down to minutes."""
    minutes = int(time.total_seconds() // 60)
    hours, rest = divmod(minutes, 60)
    said = [counted(hours, "hour")] * bool(hours) + [counted(rest, "minute")] * bool(rest or not hours)
    return " ".join(said)


def lasting_of(done: float, needed: float = 0.0) -> str:
    """ "12 of 30 minutes", "2 seconds": seconds as minutes where the whole is of minutes, rounded down."""
    whole = needed or done
    unit, size = ("minute", 60) if whole >= 60 else ("second", 1)
    if not needed:
        return counted(int(done // size), unit)
    return f"{int(min(done, needed) // size)} of {counted(int(needed // size), unit)}"


def together(sentences: Iterable[str]) -> str:
    """The sentences that there are, with one space between."""
    return " ".join(sentence for sentence in sentences if sentence)
