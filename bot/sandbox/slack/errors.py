"""Slack's refusals, with the bodies that Slack sends, so that the real clients meet what they will meet."""

from __future__ import annotations

from typing import Any, cast

Json = dict[str, Any]
"""One JSON object as it goes over the wire; what is inside is Slack's affair and is checked where it comes in."""


def as_object(value: object) -> Json | None:
    """The value, where it is a JSON object."""
    return cast("Json", value) if isinstance(value, dict) else None


def as_list(value: object) -> list[Any] | None:
    """The value, where it is a JSON array."""
    return cast("list[Any]", value) if isinstance(value, list) else None


class SlackError(Exception):
    """An answer with HTTP 200 and `"ok": false`; `extra` are Slack's further fields of that error."""

    def __init__(self, error: str, **extra: Any) -> None:
        super().__init__(error)
        self.error = error
        self.extra = extra

    def body(self) -> Json:
        """Slack's error body."""
        return {"ok": False, "error": self.error, **self.extra}


class RateLimited(Exception):
    """An answer with HTTP 429; `retry_after` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"retry after {retry_after} s")
        self.retry_after = retry_after


class Impossible(Exception):
    """A person cannot do that in this Slack now; the sentence says why and what would work."""


def invalid_arguments(*messages: str, error: str = "invalid_arguments") -> SlackError:
    """Slack's form for what is wrong with arguments: a list of sentences under response_metadata."""
    return SlackError(error, response_metadata={"messages": [f"[ERROR] {message}" for message in messages]})


def invalid_blocks(faults: list[str]) -> SlackError:
    """`faults` are sentences ending in a JSON pointer."""
    messages = [f"[ERROR] {fault}" for fault in faults]
    return SlackError("invalid_blocks", errors=faults, response_metadata={"messages": messages})
