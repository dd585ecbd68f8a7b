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


@dataclass(frozen=True, slots=True)
class Breakable:
    """Something that can be broken: what the page calls it, what /sandbox/fault takes, what it then says."""

    label: str
    spec: Json
    said: str


SLACK_FAULTS = (
    Breakable(
        "Slack down for 20 s",
        {"slack": "down", "seconds": 20},
        "Slack is down for 20 seconds. Nobody can type or press anything, and a deploy goes on.",
    ),
    Breakable(
        "Slack too busy for 10 s",
        {"slack": "429", "seconds": 10},
        "Slack answers whatever the bot asks with 429 for 10 seconds.",
    ),
    Breakable(
        "Slack broken for 10 s",
        {"slack": "500", "seconds": 10},
        "Slack answers whatever the bot asks with 500 for 10 seconds.",
    ),
    Breakable(
        "Slack slow for 20 s",
        {"slack": "slow", "delay": 2, "seconds": 20},
        "Slack answers the bot two seconds late for 20 seconds.",
    ),
    Breakable(
        "Lose Slack's next answer",
        {"slack": "lost", "count": 1},
        "Slack will do the next thing that the bot asks, and its answer is lost.",
    ),
    Breakable("End Slack's troubles", {"slack": "up"}, "Slack answers as it should."),
    Breakable(
        "Deliver everything twice",
        {"deliver": "twice"},
        "Slack delivers every command and every click twice from now on.",
    ),
    Breakable("Deliver once again", {"deliver": "once"}, "Slack delivers everything once."),
    Breakable("Cut the bot's line to Slack", {"socket": "cut"}, "The bot's connections to Slack broke without a word."),
    Breakable(
        "Mute the bot's line to Slack",
        {"socket": "mute"},
        "The bot's connections to Slack stand, and nothing passes through them.",
    ),
    Breakable(
        "Break off the next delivery",
        {"socket": "half"},
        "The next command or click breaks off in the middle, with the connection.",
    ),
    Breakable(
        "Lose the next acknowledgement",
        {"socket": "unacked"},
        "The next command or click arrives, and the connection breaks before the bot's answer.",
    ),
    Breakable(
        "Ask the bot to reconnect",
        {"socket": "refresh_requested"},
        "Slack asked the bot to connect anew.",
    ),
    Breakable(
        "Warn the bot of its line's end",
        {"socket": "warning"},
        "Slack told the bot that its connections end in ten seconds.",
    ),
    Breakable(
        "Switch Socket Mode off and on",
        {"socket": "link_disabled"},
        "Socket Mode was switched off and on: the bot's connections end.",
    ),
)


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
