"""Changes that do not go the way of their category: standard ones, known and reversible, and emergencies.

The words are ITIL's: standard, normal and emergency change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from actions.engine.plan import Plan
from policies.change import STRATEGY, ChangeType, Need, Requirement, Role


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    roles: list[Annotated[Role, Field(strict=False)]] = Field(min_length=1)
    """One person in any of them is enough, also the one who asked."""


class Standard(_Table):
    """The table [standard]."""

    actions: list[str] = Field(min_length=1)
    because: str = Field(min_length=1)


class Emergency(_Table):
    """The table [emergency]."""

    minutes: int = Field(default=30, ge=1, le=24 * 60)
    """After so long the permission is gone, and what was not started is not started any more."""
    bypass: list[str] = Field(default_factory=list[str])
    """Names of evidence, and "strategy"."""
    tell: list[Annotated[Role, Field(strict=False)]] = Field(default_factory=list[Role])
    """Who hears of it at once."""


def of_type(
    asked: Requirement, plan: Plan, standard: Standard | None, emergency: Emergency | None, pressing: bool
) -> Requirement:
    """What the table asks of it, where it is of another type than normal; where nobody has to approve it, it is not.

    `pressing` is whether it was asked for as an emergency.
    """
    if not asked.needs:
        return asked
    if pressing and emergency:
        return _emergency(asked, emergency, plan)
    if standard and plan.action in standard.actions and fits_the_database(plan):
        needs = one_of(standard.roles)
        asked = replace(
            asked, because=standard.because, needs=needs, evidence=(), strategies=(), type=ChangeType.STANDARD
        )
    return replace(asked, alone=tuple(dict.fromkeys(emergency.roles))) if emergency else asked


def fits_the_database(plan: Plan) -> bool:
    """Whether what would be served knows every migration that is in the database: only then is a way back known."""
    return bool(plan.facts.get("migrations_left_known", True)) and not plan.facts.get("migrations_left", ())


def one_of(roles: Sequence[Role]) -> tuple[Need, ...]:
    """One person in any of them."""
    first, *others = dict.fromkeys(roles)
    return (Need(first, 1, tuple(others)),)


def _emergency(asked: Requirement, table: Emergency, plan: Plan) -> Requirement:
    """A strategy that the category allows anyhow is not bypassed."""
    passed = [name for name in asked.evidence if name in table.bypass]
    if asked.strategies and plan.facts.get("strategy") not in asked.strategies and STRATEGY in table.bypass:
        passed.append(STRATEGY)
    return replace(
        asked,
        needs=one_of(table.roles),
        evidence=tuple(name for name in asked.evidence if name not in passed),
        strategies=() if STRATEGY in passed else asked.strategies,
        expires=timedelta(minutes=table.minutes),
        type=ChangeType.EMERGENCY,
        bypassed=tuple(passed),
        tell=tuple(dict.fromkeys(table.tell)),
    )
