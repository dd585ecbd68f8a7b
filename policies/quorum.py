"""Who counts as what: people are given to roles so that it helps most, and each person counts once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from policies.change import Need, People, Person, Role


@dataclass(frozen=True, slots=True)
class Quorum:
    """How far the needs are met by those who approved."""

    counted: Mapping[str, Role]
    """Person id -> the role they count as."""
    missing: tuple[Need, ...]
    """Roles that still lack somebody, in the order of the needs."""
    hopeless: tuple[Need, ...]
    """The part of `missing` for which there is nobody left who could approve."""


def quorum(needs: Sequence[Need], approvers: Collection[str], others: Collection[str], people: People) -> Quorum:
    """The best assignment of `approvers`; among equally good ones, one that `others` can complete.

    An augmenting path never takes a place away from somebody who has one, only moves them: so the approvers
    keep their number when the others are added after them.
    """
    places = [need for need in needs for _ in range(need.count)]
    taken: dict[int, str] = {}
    for person in sorted(approvers):
        _seat(person, places, taken, people, set())
    counted = set(taken.values())
    for person in sorted(set(others) - set(approvers)):
        _seat(person, places, taken, people, set())
    by = {person: role_in(places[place], people[person]) for place, person in taken.items() if person in counted}
    empty = [need for place, need in enumerate(places) if taken.get(place) not in counted]
    nobody = [need for place, need in enumerate(places) if place not in taken]
    return Quorum({person: by[person] for person in sorted(by)}, _needs(empty), _needs(nobody))


def role_in(need: Need, person: Person) -> Role:
    """What the person counts as there: the first of its roles that they have. They have one."""
    return next(role for role in need.roles if role in person.roles)


def _seat(person: str, places: list[Need], taken: dict[int, str], people: People, tried: set[int]) -> bool:
    """Give the person a place, moving others to theirs where that makes room."""
    for place, need in enumerate(places):
        if people[person].roles.isdisjoint(need.roles) or place in tried:
            continue
        tried.add(place)
        if place not in taken or _seat(taken[place], places, taken, people, tried):
            taken[place] = person
            return True
    return False


def _needs(places: Sequence[Need]) -> tuple[Need, ...]:
    """One need for all places of the same roles, in the order of the places."""
    roles = [need.roles for need in places]
    return tuple(Need(first, roles.count((first, *others)), tuple(others)) for first, *others in dict.fromkeys(roles))
