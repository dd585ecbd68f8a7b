"""What has to hold of the judge for every change, every set of clicks and every clock."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from policies.change import (
    Account,
    Allowed,
    Approval,
    Blocked,
    Calendar,
    Change,
    ChangeType,
    Evidence,
    Need,
    People,
    Person,
    Refused,
    Requirement,
    Role,
    Waiting,
    Window,
    Word,
)
from policies.judge import judge, may_decide
from policies.quorum import quorum
from tests.pure.making import AT, change

NAMES = ("Anna", "Boris", "Chloe", "Dmitri", "Edith")
BASE = change()

roles = st.frozensets(st.sampled_from([Role.TECH_LEAD, Role.DEVOPS, Role.CTO]), max_size=3)
KNOWN = (Role.TECH_LEAD, Role.DEVOPS, Role.CTO)
needs = st.lists(
    st.builds(
        lambda first, count, more: Need(first, count, tuple(role for role in KNOWN if role in more - {first})),
        st.sampled_from(KNOWN),
        st.integers(1, 2),
        st.just(frozenset[Role]()) | roles,
    ),
    max_size=3,
    unique_by=lambda need: need.roles,
).map(tuple)
times = st.integers(-60, 600).map(lambda minutes: AT + timedelta(minutes=minutes))


@st.composite
def crowds(draw: st.DrawFn) -> People:
    count = draw(st.integers(1, 5))
    return {
        name.lower(): Person(name.lower(), name, draw(roles), (Account("T1", f"U{name.upper()}"),))
        for name in NAMES[:count]
    }


@st.composite
def changes(draw: st.DrawFn) -> Change:
    wanted = Requirement(
        draw(st.sampled_from((1, 2, 3))),
        "Because.",
        draw(needs),
        draw(st.lists(st.sampled_from(["staging", "drill"]), unique=True).map(tuple)),
        draw(st.sampled_from(((), ("blue-green",), ("canary",)))) if draw(st.booleans()) else (),
        type=draw(st.sampled_from([ChangeType.NORMAL, *ChangeType])),
    )
    return replace(BASE, requirement=wanted, requester=draw(st.sampled_from(NAMES)).lower())


def approvals(word: st.SearchStrategy[Word]) -> st.SearchStrategy[Approval]:
    ids = st.sampled_from([*(name.lower() for name in NAMES), "stranger"])
    accounts = st.sampled_from(["", "", "", *(f"T1:U{name.upper()}" for name in NAMES)])
    digests = st.sampled_from([BASE.digest, BASE.digest, BASE.digest, "0" * 64])
    return st.builds(Approval, ids, word, digests, times, st.just(""), accounts)


clicks = st.lists(approvals(st.sampled_from([*[Word.APPROVE] * 5, Word.REJECT])), max_size=6)
evidence = st.lists(
    st.builds(
        Evidence,
        st.sampled_from(["staging", "drill"]),
        st.sampled_from([True, True, False]),
        st.just("It was looked at."),
        times,
        st.none() | times,
    ),
    max_size=4,
)
windows = st.lists(
    st.builds(
        lambda start, hours: Window("production", start, start + timedelta(hours=hours), "Freeze"),
        times,
        st.integers(1, 5),
    ),
    max_size=2,
).map(lambda found: Calendar(tuple(found)))


@given(changes(), clicks, approvals(st.just(Word.APPROVE)), evidence, crowds(), windows, times)
def test_an_added_approval_never_takes_permission_away(of, said, more, shown, people, calendar, now) -> None:  # type: ignore[no-untyped-def]
    before = judge(of, said, shown, people, calendar, now)
    after = judge(of, [*said, more], shown, people, calendar, now)
    if isinstance(before, Allowed | Blocked):
        assert type(after) is type(before)
    if isinstance(before, Waiting) and isinstance(after, Waiting):
        assert sum(need.count for need in after.missing) <= sum(need.count for need in before.missing)


@given(changes(), clicks, evidence, crowds(), windows, times, st.randoms())
def test_the_order_in_which_things_arrive_does_not_matter(of, said, shown, people, calendar, now, random) -> None:  # type: ignore[no-untyped-def]
    first = judge(of, said, shown, people, calendar, now)
    mixed_windows = list(calendar.windows)
    mixed_people = list(people.items())
    for mixed in (said, shown, mixed_windows, mixed_people):
        random.shuffle(mixed)
    assert judge(of, said, shown, dict(mixed_people), Calendar(tuple(mixed_windows)), now) == first


@given(changes(), clicks, evidence, crowds(), windows, times, times)
def test_time_alone_allows_nothing_but_what_a_window_named(of, said, shown, people, calendar, one, two) -> None:  # type: ignore[no-untyped-def]
    early, late = sorted((one, two))
    before = judge(of, said, shown, people, calendar, early)
    after = judge(of, said, shown, people, calendar, late)
    if isinstance(before, Waiting):
        assert isinstance(after, Waiting | Refused)
    if isinstance(before, Blocked) and late < before.until:
        assert not isinstance(after, Allowed)
    if isinstance(before, Refused):
        assert isinstance(after, Refused)


@given(changes(), clicks, evidence, crowds(), windows, times)
def test_the_requester_neither_helps_nor_harms_nor_is_suggested(of, said, shown, people, calendar, now) -> None:  # type: ignore[no-untyped-def]
    of = replace(of, requirement=replace(of.requirement, type=ChangeType.NORMAL))
    all_told = judge(of, said, shown, people, calendar, now)
    others = [click for click in said if click.person != of.requester]
    assert judge(of, others, shown, people, calendar, now) == all_told
    if isinstance(all_told, Waiting | Allowed):
        assert of.requester not in all_told.approvers
    asked = people.get(of.requester)
    if asked:
        assert may_decide(of, asked, people)
        assert asked.name not in all_told.said.replace(f"{asked.name} asked for it and cannot approve it too.", "")


@given(changes(), clicks, evidence, crowds(), windows, times)
def test_permission_rests_on_distinct_people_in_their_roles(of, said, shown, people, calendar, now) -> None:  # type: ignore[no-untyped-def]
    verdict = judge(of, said, shown, people, calendar, now)
    assert verdict.said.endswith((".", of.text))
    if isinstance(verdict, Allowed):
        seats = [set(need.roles) for need in of.requirement.needs for _ in range(need.count)]
        assert len(verdict.approvers) == len(seats)
        assert any(
            all(role in seat for role, seat in zip(order, seats, strict=True))
            for order in itertools.permutations(verdict.approvers.values())
        )
        assert all(role in people[who].roles for who, role in verdict.approvers.items())
        told = {click.person for click in said if click.word is Word.APPROVE and click.digest == of.digest}
        assert verdict.approvers.keys() <= told


def best(places: Sequence[Need], crowd: Sequence[Person]) -> int:
    """The most places that distinct people can fill, by trying every choice."""
    if not places:
        return 0
    first, rest = places[0], places[1:]
    taken = [1 + best(rest, [p for p in crowd if p is not who]) for who in crowd if who.roles & set(first.roles)]
    return max([best(rest, crowd), *taken])


@given(needs, crowds(), st.data())
def test_the_assignment_found_is_as_good_as_any(wanted: tuple[Need, ...], people: People, data: st.DataObject) -> None:
    approvers = data.draw(st.sets(st.sampled_from(sorted(people))))
    found = quorum(wanted, approvers, set(people), people)
    places = [need for need in wanted for _ in range(need.count)]
    assert len(found.counted) == best(places, [people[id_] for id_ in sorted(approvers)])
    assert sum(need.count for need in found.missing) == len(places) - len(found.counted)
    assert sum(need.count for need in found.hopeless) == len(places) - best(places, list(people.values()))
    for need, who in itertools.product(found.missing, people.values()):
        helps = who.roles & set(need.roles) and who.id not in found.counted
        if helps:
            assert len(quorum(wanted, {*approvers, who.id}, set(people), people).counted) > len(found.counted)


@given(st.data(), clicks, crowds(), times, st.sampled_from(NAMES))
def test_a_raised_category_never_needs_less(data: st.DataObject, said, people, now, requester) -> None:  # type: ignore[no-untyped-def]
    """In people, in evidence, in ways to go out and in time; a table says who, so of a table of growing needs."""
    grown = data.draw(needs)
    more = data.draw(st.lists(st.builds(Need, st.sampled_from(KNOWN), st.integers(1, 2)), max_size=1).map(tuple))
    low = Requirement(1, "x", grown)
    high = Requirement(2, "x", (*grown, *more), evidence=("staging",))
    lower, higher = (
        judge(replace(BASE, requirement=asked, requester=requester.lower()), said, (), people, Calendar(), now)
        for asked in (low, high)
    )
    assert not (isinstance(higher, Allowed) and not isinstance(lower, Allowed))
