"""The end of an output that may be longer than anybody wants to hold."""

from __future__ import annotations

from collections import deque

from actions.engine.ports import JobLog


class LastLines:
    """Keeps the last lines, `most` bytes of them at most, and counts those it let go."""

    def __init__(self, most: int) -> None:
        self._most, self._held, self._left = most, 0, 0
        self._lines: deque[tuple[str, int]] = deque()

    def add(self, line: str) -> None:
        """One more."""
        size = len(line.encode()) + 1
        self._lines.append((line, size))
        self._held += size
        while self._held > self._most and len(self._lines) > 1:
            self._held -= self._lines.popleft()[1]
            self._left += 1

    def log(self) -> JobLog:
        """What is held."""
        return JobLog(tuple(line for line, _ in self._lines), self._left)
