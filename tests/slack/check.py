"""What holds for every message, whatever words went into it: Slack takes it, and nobody's words do anything in it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

from slack_sdk.models.blocks import Block

from bot.sandbox.slack.blocks import Surface, faults_of
from bot.slack.blocks import Card

OURS = re.compile(
    r"<!date\^\d+\^[^<>|]*\|[^<>|]*>|<@U0(?:LEAD|DEVOPS|CTO)>|<#C0[A-Z]+>"
    r"|<https?://[^<>|\s]+\|(?:Open its card|Open it)>"
    r"|<https://chom\.slack\.com/archives/[A-Z0-9]+/p\d+\|[^<>|]+>"
)
ENTITY = re.compile(r"&(?!amp;|lt;|gt;)")
BIDI = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c]")


def texts_in(value: Any) -> Iterator[tuple[str, str]]:
    """(type, text) of every text object in the blocks."""
    return ((one["type"], one["text"]) for one in _objects(value))


def check(card: Card) -> None:
    """Raises AssertionError with what is wrong."""
    assert 0 < len(card.text) <= 3000
    check_words("plain_text", card.text)
    check_blocks(list(card.blocks), Surface.MESSAGE)


def check_blocks(blocks: list[dict[str, Any]], surface: Surface) -> None:
    """Raises AssertionError with what is wrong."""
    assert faults_of(blocks, surface) == []
    for block in blocks:
        parsed = Block.parse(block)
        assert parsed is not None, block
        parsed.to_dict()
    for block in blocks:
        ids = [element["action_id"] for element in block.get("elements", []) if "action_id" in element]
        assert len(ids) == len(set(ids))
    for kind, text in texts_in(blocks):
        check_words(kind, text)
    verbatim = [t for t in _objects(blocks) if t["type"] == "mrkdwn"]
    assert all(t["verbatim"] is True for t in verbatim)


def check_words(kind: str, text: str) -> None:
    """Nobody's words do anything in it."""
    rest = OURS.sub("", text) if kind == "mrkdwn" else text
    assert "<" not in rest and ">" not in rest, text
    assert not ENTITY.search(text), text
    assert not BIDI.search(text), text


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if value.get("type") in {"plain_text", "mrkdwn"}:
            yield value
        for inner in value.values():
            yield from _objects(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _objects(inner)


def words_of(card: Card) -> str:
    """All that is read, with entities as characters."""
    return html.unescape("\n".join(text for _, text in texts_in(list(card.blocks))))


def buttons(card: Card) -> dict[str, dict[str, Any]]:
    """Label -> button."""
    found: dict[str, dict[str, Any]] = {}
    for block in card.blocks:
        for element in [*block.get("elements", []), block.get("accessory", {})]:
            if element.get("type") == "button":
                found[element["text"]["text"]] = element
    return found
