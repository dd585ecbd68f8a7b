"""What migrations mean for code that knows nothing of them: old code that serves beside them, or comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from actions.engine.fleet import CannotPlan, Fleet
from actions.engine.migrations import UNSEEN
from actions.engine.words import joined

NAMED = 3
"""So many migrations are named in a sentence."""


def destructive(fleet: Fleet, names: Sequence[str]) -> Mapping[str, str]:
    """Those of them that old code may not go on with -> why; what cannot be told is one of them."""
    found = {name: fleet.reads.get(name, UNSEEN) for name in names}
    return {name: one.because for name, one in found.items() if one.destructive}


def explained(worst: Mapping[str, str]) -> str:
    """ "m1 (line 9: it drops the column email of wishes) and 2 more"."""
    told = [f"{name} ({why})" for name, why in list(worst.items())[:NAMED]]
    return joined([*told, f"{len(worst) - NAMED} more"] if len(worst) > NAMED else told)


def require_expand_only(fleet: Fleet, pending: Sequence[str], version: str, how: str) -> None:
    """Where old and new code serve beside each other, migrations may only add: expand first, contract later.

    Raises CannotPlan, with the migrations and with what can be typed instead.
    """
    if not (worst := destructive(fleet, pending)):
        return
    place = fleet.environment.name
    raise CannotPlan(
        f"{version} cannot go out {how}: the code of before goes on beside it, and may not do so with "
        f"{explained(worst)}. Either `deploy {version} rolling by=100% to {place}`, which has everybody wait in "
        f"maintenance mode meanwhile, or `deploy {version} to {place}`, where users of the old code may see errors "
        "between the migrations and the switch. Or make two releases of it: one that only adds, and later, when no "
        "code needs the old any more, one that takes it away."
    )
