"""Secrets never reach Slack, a log or the store: what looks like one is struck out, and so is what is known."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable

STRUCK = "[secret]"

_PATTERNS = (
    re.compile(r"\b(xox[a-z]-|xapp-|xwfp-)[A-Za-z0-9-]+"),
    re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b"),
    re.compile(r"\bgh[pousr]_[A-Za-z0-9]{20,}\b"),
    re.compile(r"\bbase64:[A-Za-z0-9+/=]{40,}"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)", re.S),
    re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"),
)
_ASSIGNED = re.compile(
    r"(?i)\b([a-z0-9_.-]*(?:password|passwd|secret|token|api_?key|app_key|private_key)[a-z0-9_]*[\"']?\s*[=:]\s*)"
    r"(\"[^\"]*\"|'[^']*'|[^\s,;&]+)"
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")


def redactor(known: Iterable[str]) -> Callable[[str], str]:
    """A function that strikes out these values wherever they stand, and everything that looks like a secret."""
    values = sorted({value for value in known if len(value) >= 8}, key=len, reverse=True)

    def redact(text: str) -> str:
        for value in values:
            text = text.replace(value, STRUCK)
        for pattern in _PATTERNS:
            text = pattern.sub(STRUCK, text)
        text = _ASSIGNED.sub(lambda found: found.group(1) + STRUCK, text)
        return _BEARER.sub(lambda found: f"{found.group(1)} {STRUCK}", text)

    return redact


class RedactingFormatter(logging.Formatter):
    """Formats a record, traceback and all, and strikes the secrets out of the finished text."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """The line as it may be written."""
        return self._redact(super().format(record))
