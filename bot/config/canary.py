"""What a canary may do in an environment: its tables of chom.toml as the limits of the analysis, and contradictions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from actions.engine.analysis.limits import Limits
from actions.engine.fleet import LEAST_LOOKS
from actions.engine.located_toml import Located
from bot.config.faults import Fault
from bot.config.toml import CanaryTable, LimitsTable


def limits_of(table: LimitsTable, pools: Sequence[CanaryTable]) -> Limits:
    """`pools` are those of its servers, which count what is slow.

    Raises ValueError, with a sentence, for limits that could not be kept together.
    """
    slow = pools[0].slow if pools else CanaryTable().slow
    return Limits(slow=slow, **table.model_dump(exclude={"look_every"}))


def canary_faults(
    located: Located, name: str, table: Mapping[str, Any], pools: Mapping[str, Mapping[str, Any]]
) -> Iterator[Fault]:
    """What numbers that are each right say against another; `pools` are the canary's tables of its servers, by host."""
    slow = {host: pool.get("slow", CanaryTable().slow) for host, pool in pools.items()}
    for host, seconds in slow.items():
        if seconds != (first := next(iter(slow.values()))):
            yield (
                located.line(("hosts", host, "canary")),
                f"{host} counts as slow what takes {seconds} s, and {next(iter(slow))} what takes {first} s; "
                f"they are both in {name}, so they have to count alike.",
            )
    try:
        told = LimitsTable.model_validate(table)
    except ValidationError:
        return  # said by the shape
    place, line = f"environments.{name}.canary", located.line(("environments", name, "canary"))
    try:
        limits_of(told, ())
    except ValueError as wrong:
        yield line, f"{place}: {wrong}"
    if told.stage < LEAST_LOOKS * told.look_every:
        yield (
            line,
            f"{place}: a stage of {told.stage:g} s with a look every {told.look_every:g} s cannot be judged; it takes "
            f"{LEAST_LOOKS} looks, so {LEAST_LOOKS * told.look_every:g} s or more.",
        )
