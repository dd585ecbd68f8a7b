"""Modals built within Slack's limits: a window, its fields, what it holds for the bot, and what people put in."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, cast

from bot.slack.acts.asker import field as text_at
from bot.slack.blocks import Block, Card, text_object

TITLE = 24
OPTION = 75
MOST_OPTIONS = 100
MOST_BLOCKS = 100


@dataclass(frozen=True, slots=True)
class Held:
    """What a window holds for the bot (private_metadata), so that nothing has to be remembered elsewhere."""

    channel: str = ""
    respond: str = ""
    """The response_url of what opened it, "" where there was none: the way to tell who has closed the window."""
    change: str = ""
    digest: str = ""
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    """Of this filling-in: what was sent with it once is not done again."""

    def dump(self) -> str:
        """As JSON, 1,000 characters at most."""
        return json.dumps(asdict(replace(self, respond=self.respond if len(self.respond) < 500 else "")))

    @staticmethod
    def load(text: str) -> Held:
        """From what `dump` made. Raises ValueError for anything else."""
        read: object = json.loads(text)
        names = {one.name for one in fields(Held)}
        if not isinstance(read, dict) or cast("dict[str, object]", read).keys() != names:
            raise ValueError("this window is of another version of the bot")
        return Held(**{name: str(value) for name, value in cast("dict[str, object]", read).items()})


@dataclass(frozen=True, slots=True)
class Modal:
    """A window; without `submit` it can only be closed."""

    title: str
    blocks: tuple[Block, ...]
    callback: str = ""
    submit: str = ""
    close: str = "Close"
    held: Held | None = None

    def view(self) -> dict[str, Any]:
        """As views.open and response_action take it."""
        made: dict[str, Any] = {
            "type": "modal",
            "title": text_object(self.title, TITLE),
            "close": text_object(self.close, TITLE),
            "blocks": list(self.blocks[:MOST_BLOCKS]),
        }
        if self.submit:
            made["submit"] = text_object(self.submit, TITLE)
        if self.callback:
            made["callback_id"] = self.callback
        if self.held:
            made["private_metadata"] = self.held.dump()
        return made


def window(title: str, card: Card) -> Modal:
    """A message as a window that can only be closed."""
    return Modal(title, card.blocks)


# --- fields --------------------------------------------------------------


def option(text: str, value: str, description: str = "") -> Block:
    """One line of a select."""
    made = {"text": text_object(text, OPTION), "value": value[:150] or "-"}
    return made | ({"description": text_object(description, OPTION)} if description else {})


def select(name: str, label: str, options: Sequence[Block], chosen: str, hint: str = "") -> Block:
    """A choice of what is known; `chosen` is a value, and the first one where it is none of them."""
    first = next((one for one in options if one["value"] == chosen), options[0])
    element = {"type": "static_select", "options": list(options[:MOST_OPTIONS]), "initial_option": first}
    return _input(name, label, element, hint)


def search(name: str, label: str, chosen: Block | None, placeholder: str) -> Block:
    """A choice of what the bot is asked for while the person types."""
    element: Block = {"type": "external_select", "min_query_length": 0, "placeholder": text_object(placeholder, 150)}
    return _input(name, label, element | ({"initial_option": chosen} if chosen else {}))


def several_lines(name: str, label: str, typed: str, most: int, placeholder: str, hint: str = "") -> Block:
    """A text that may be left out."""
    element: Block = {
        "type": "plain_text_input",
        "multiline": True,
        "max_length": most,
        "placeholder": text_object(placeholder, 150),
    }
    kept = typed[:most]
    return _input(name, label, element | ({"initial_value": kept} if kept else {}), hint) | {"optional": True}


def _input(name: str, label: str, element: Block, hint: str = "") -> Block:
    made = {"type": "input", "block_id": name, "label": text_object(label, 150)}
    made["element"] = {**element, "action_id": f"chom_{name}"}
    return made | ({"hint": text_object(hint, 300)} if hint else {})


def entered(view: Mapping[str, Any], name: str) -> str:
    """What a person put into that field of a view that came from Slack; "" for nothing."""
    place = ("state", "values", name, f"chom_{name}")
    return text_at(view, *place, "selected_option", "value") or text_at(view, *place, "value")
