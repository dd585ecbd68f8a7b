"""No secret gets into a line: known values are struck out, and so is what has a secret's name or shape."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from .base import DISK_FULL, Json, no_room

HIDDEN = "[redacted]"
_SECRET_NAME = r"password|passwd|passphrase|secret|token|api_?key|app_?key|private_?key|access_?key|credential|dsn"
_PATTERNS = (
    # NAME=value, "name": "value", 'name' => 'value' and name: value, where the name says that it is a secret
    (
        re.compile(
            r"(?i)\b([a-z0-9_.-]{0,40}(?:" + _SECRET_NAME + r"|authorization)[a-z0-9_.-]{0,40}[\"']?\s{0,4}(?:=>|[=:])"
            r"\s{0,4})(\"[^\"]*\"?|'[^']*'?|(?:bearer|basic)\s+\S+|[^\s,;&]+)"
        ),
        r"\1" + HIDDEN,
    ),
    # scheme://user:password@host
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,20}://[^\s/:@]{0,64}:)\S{1,256}@"), r"\1" + HIDDEN + "@"),
    # what is a secret by its shape: Slack, GitHub, GitLab, Stripe, AWS, JWT, Laravel's APP_KEY
    (
        re.compile(
            r"\b(?:xox[a-z]-|xapp-|gh[pousr]_|github_pat_|glpat-|[rs]k_live_|AKIA|ASIA)[A-Za-z0-9_-]{10,}"
            r"|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_.-]{10,}|\bbase64:[A-Za-z0-9+/=]{20,}"
        ),
        HIDDEN,
    ),
)
_SECRET = re.compile(rf"(?i){_SECRET_NAME}|_key$|_url$|_pass$|_salt$")
"""Compiled with the module, as all the others: a job is a fork that would compile it anew."""
CONTROL = re.compile(r"\x1b\[[0-9;?]{0,20}[ -/]{0,4}[@-~]|[\x00-\x08\x0b-\x1f\x7f]")


def redact(text: str, known: Sequence[str] = ()) -> str:
    """The text without what looks like a secret, without the values in `known`, and without control characters."""
    text = CONTROL.sub("", text)
    for value in known:
        text = text.replace(value, HIDDEN)
    for pattern, by in _PATTERNS:
        text = pattern.sub(by, text)
    return text


def env_secrets(path: Path) -> tuple[str, ...]:
    """The secret values in a .env file, the longest first. Short ones are common words and are left to the patterns."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()  # no such file, or not ours to read: then no command of ours can print it either
    found: set[str] = set()
    for line in lines:
        name, sep, value = line.strip().partition("=")
        value = value.strip().strip("\"'")
        if sep and len(value) >= 8 and _SECRET.search(name.strip()):
            found.add(value)
    return tuple(sorted(found, key=len, reverse=True))


def shown(value: object) -> str:
    """What somebody sent, safe to log and to show: printable ASCII, no secrets, 80 characters at most."""
    text = value if isinstance(value, str) else repr(value)
    return ascii(redact(text[:200]))[1:-1][:80]


def why_not(fault: Exception) -> Json:
    """A fault of the server's own, as the error that is answered to a request."""
    if no_room(fault):
        return {"code": "disk full", "message": f"{DISK_FULL} ({redact(str(fault))})"}
    return {"code": "host error", "message": f"the server could not do it: {redact(str(fault))}"}
