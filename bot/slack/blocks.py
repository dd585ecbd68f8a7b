"""Block Kit built so that no message can break its limits, whatever text goes in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from actions.engine.words import in_utc
from bot.slack.words import plain

Block = dict[str, Any]
OPEN_CARD = "chom_open_card"
"""Of a button that only leads to a card."""
MOST_BLOCKS = 50
SECTION = 3000
HEADER = 150
TEXT = 3000
"""Longest `text` of a message that is sent; Slack refuses more than 4,000 characters."""


@dataclass(frozen=True, slots=True)
class Card:
    """A message: `text` is a whole sentence for notifications and screen readers, `blocks` what is seen."""

    text: str
    blocks: tuple[Block, ...]


class Style(StrEnum):
    """How much a button stands out."""

    PRIMARY = "primary"
    DANGER = "danger"
    QUIET = ""


@dataclass(frozen=True, slots=True)
class Confirm:
    """The question Slack asks before it sends a click."""

    title: str
    text: str
    yes: str
    no: str = "Not yet"


@dataclass(frozen=True, slots=True)
class Button:
    """A button; the confirm dialog is part of it because no button here acts without one."""

    action: str
    label: str
    value: str
    of: str
    """What it acts on. A screen reader says it after the label, and voice control finds the button by the label."""
    confirm: Confirm | None = None
    style: Style = Style.QUIET
    url: str = ""
    """Where a click leads, in the reader's browser or in Slack itself; the bot hears of the click all the same."""


def text_object(text: str, limit: int) -> Block:
    """plain_text, in which Slack parses nothing."""
    return {"type": "plain_text", "text": plain(in_utc(text), limit) or "…", "emoji": False}


def mrkdwn(text: str, limit: int = SECTION) -> Block:
    """Text that the caller built of its own words and of words.inline, words.code and words.at.

    verbatim, so that Slack makes no links or mentions of what only looks like them.
    """
    kept = text if len(text) <= limit else _whole_lines(text, limit)
    return {"type": "mrkdwn", "text": kept if kept.strip() else "…", "verbatim": True}


def _whole_lines(text: str, limit: int) -> str:
    """Leave off lines at the end: a cut inside a line could cut a link or an entity in two."""
    kept, room = list[str](), limit - 1
    for line in text.split("\n"):
        if len(line) + 1 > room:
            break
        room -= len(line) + 1
        kept.append(line)
    return "\n".join([*kept, "…"])


def header(text: str) -> Block:
    """The first line, in large letters."""
    return {"type": "header", "text": text_object(text, HEADER)}


def section(text: str, accessory: Button | None = None) -> Block:
    """A paragraph of mrkdwn, with a button beside it where one is given."""
    block: Block = {"type": "section", "text": mrkdwn(text)}
    return block if accessory is None else {**block, "accessory": _button(accessory)}


def words(text: str) -> Block:
    """A paragraph of somebody's own words."""
    return {"type": "section", "text": text_object(text, SECTION)}


def sections(lines: Iterable[str], most: int = 6) -> list[Block]:
    """Lines of mrkdwn in as few paragraphs as hold them; those beyond `most` paragraphs are counted."""
    pages: list[list[str]] = [[]]
    todo = list(lines)
    for done, line in enumerate(todo):
        if pages[-1] and sum(len(x) + 1 for x in pages[-1]) + len(line) > SECTION - 100:
            if len(pages) == most:
                pages[-1].append(f"… and {len(todo) - done} more")
                break
            pages.append([])
        pages[-1].append(line)
    return [section("\n".join(page)) for page in pages if page]


def divider() -> Block:
    """A line between what belongs apart."""
    return {"type": "divider"}


def context(*texts: str) -> Block:
    """Small print of mrkdwn."""
    return {"type": "context", "elements": [mrkdwn(text, 2000) for text in texts[:10]]}


def actions(buttons: Sequence[Button]) -> Block:
    """A row of buttons; action ids are unique in it."""
    assert len({b.action for b in buttons}) == len(buttons) <= 25
    return {"type": "actions", "elements": [_button(button) for button in buttons]}


def _button(button: Button) -> Block:
    assert len(button.value) <= 2000
    made: Block = {
        "type": "button",
        "action_id": button.action,
        "text": text_object(button.label, 75),
        "value": button.value,
        "accessibility_label": plain(f"{button.label.removesuffix('…')}: {button.of}", 75),
    }
    if button.url:
        made["url"] = button.url
    if button.style is not Style.QUIET:
        made["style"] = button.style.value
    if button.confirm is not None:
        made["confirm"] = _confirm(button.confirm, button.style)
    return made


def _confirm(confirm: Confirm, style: Style) -> Block:
    made: Block = {
        "title": text_object(confirm.title, 100),
        "text": text_object(confirm.text, 300),
        "confirm": text_object(confirm.yes, 30),
        "deny": text_object(confirm.no, 30),
    }
    return made if style is Style.QUIET else {**made, "style": style.value}


def card(text: str, blocks: Sequence[Block]) -> Card:
    """A message within the limits; `text` may hold anybody's words."""
    kept = blocks if len(blocks) <= MOST_BLOCKS else [*blocks[: MOST_BLOCKS - 1], context("… there is more.")]
    return Card(plain(in_utc(text), TEXT) or "…", tuple(kept))
