"""What hosts and outages say, made fit to be kept and shown: without secrets, and not too long."""

from __future__ import annotations

from collections.abc import Iterable

from actions.engine.ports import OnBytes, OnLine, World

LINES, LENGTH = 20, 500
"""Lines that an entry keeps, and characters of each."""
PARTS = 10
"""How often an upload says how far it is."""


class Wording:
    """Redacts first and cuts after, so that no half of a secret is left."""

    def __init__(self, world: World) -> None:
        self._world = world

    def short(self, text: str) -> str:
        """One line as it may be kept."""
        said = " ".join(self._world.redact(text).split())
        return said if len(said) <= LENGTH else f"{said[: LENGTH - 1]}…"

    def lines(self, lines: Iterable[str]) -> tuple[str, ...]:
        """The last lines as they may be kept."""
        return tuple(self._line(line) for line in tuple(lines)[-LINES:])

    def live(self, run: str, step: str, host: str) -> OnLine:
        """Takes a job's output as it comes."""
        return lambda line: self._world.on_line(run, step, host, self._line(line))

    def progress(self, on_line: OnLine) -> OnBytes:
        """Takes an upload's progress, and says it in tenths."""
        told = 0

        def on_bytes(sent: int, total: int) -> None:
            nonlocal told
            part = sent * PARTS // total if total else 0
            if part > told:
                told = part
                on_line(f"{sent / 1e6:,.1f} of {total / 1e6:,.1f} MB are there")

        return on_bytes

    def _line(self, line: str) -> str:
        said = self._world.redact(line)
        return said if len(said) <= LENGTH else f"{said[: LENGTH - 1]}…"
