"""How this Slack fails when it is told to: down, too busy, broken, slow, answers lost, everything delivered twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from bot.sandbox.slack.errors import Impossible, Json


class Trouble(StrEnum):
    """What an app meets at the Web API."""

    DOWN = "down"
    """503 to every call, no sockets, and people cannot act either."""
    BUSY = "429"
    BROKEN = "500"
    SLOW = "slow"
    """Answers come `delay` seconds late."""
    LOST = "lost"
    """Done, but the connection breaks before the answer."""


@dataclass(slots=True)
class _Fault:
    until: float
    method: str
    """"" for every method."""
    left: float
    """Calls that it still hits."""
    delay: float


@dataclass(slots=True)
class Faults:
    """`now` is in seconds."""

    now: Callable[[], float]
    copies: int = 1
    """How often every envelope is delivered."""
    _faults: dict[Trouble, _Fault] = field(default_factory=dict[Trouble, _Fault])

    def set(self, spec: Json) -> None:
        """Take up {"slack": what, "seconds", "method", "count", "delay"} or {"deliver": "twice"}. Raises Impossible."""
        if "deliver" in spec:
            times = {"once": 1, "twice": 2}.get(str(spec["deliver"]))
            if times is None:
                raise Impossible('“deliver” is "twice" or "once".')
            self.copies = times
            return
        what = str(spec.get("slack"))
        if what == "up":
            self._faults.clear()
            return
        if what not in list(Trouble):
            raise Impossible(f'“slack” is one of {", ".join(Trouble)}, or "up" to end them all; it was {what!r}.')
        seconds = _number(spec, "seconds", 30.0)
        self._faults[Trouble(what)] = _Fault(
            self.now() + seconds,
            str(spec.get("method", "")),
            _number(spec, "count", float("inf")),
            _number(spec, "delay", 2.0),
        )

    def hit(self, trouble: Trouble, method: str) -> float | None:
        """Whether a call of this method meets the trouble now: the seconds of delay or of what is left, else None."""
        fault = self._faults.get(trouble)
        if fault is None or self.now() >= fault.until or fault.left < 1 or fault.method not in ("", method):
            return None
        fault.left -= 1
        return fault.delay if trouble is Trouble.SLOW else max(fault.until - self.now(), 1.0)

    @property
    def down(self) -> float:
        """Seconds for which Slack is still down; 0 when it is up."""
        fault = self._faults.get(Trouble.DOWN)
        return max(fault.until - self.now(), 0.0) if fault else 0.0


def _number(spec: Json, name: str, default: float) -> float:
    value = spec.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise Impossible(f"“{name}” has to be a number that is not negative; it was {value!r}.")
    return float(value)
