"""Who counts as what: people are given to roles so that it helps most, and each person counts once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from policies.change import Need, People, Role


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
    places = [need.role for need in needs for _ in range(need.count)]
    taken: dict[int, str] = {}
    for person in sorted(approvers):
        _seat(person, places, taken, people, set())
    counted = set(taken.values())
    for person in sorted(set(others) - set(approvers)):
        _seat(person, places, taken, people, set())
    by = {person: places[place] for place, person in taken.items() if person in counted}
    empty = [role for place, role in enumerate(places) if taken.get(place) not in counted]
    nobody = [role for place, role in enumerate(places) if place not in taken]
    return Quorum({person: by[person] for person in sorted(by)}, _needs(needs, empty), _needs(needs, nobody))


def _seat(person: str, places: list[Role], taken: dict[int, str], people: People, tried: set[int]) -> bool:
    """Give the person a place, moving others to theirs where that makes room."""
    for place, role in enumerate(places):
        if role not in people[person].roles or place in tried:
            continue
        tried.add(place)
        if place not in taken or _seat(taken[place], places, taken, people, tried):
            taken[place] = person
            return True
    return False


def _needs(needs: Sequence[Need], roles: Sequence[Role]) -> tuple[Need, ...]:
    order = dict.fromkeys(need.role for need in needs)
    return tuple(Need(role, roles.count(role)) for role in order if role in roles)
