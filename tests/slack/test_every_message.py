"""Nothing that the app can say is without its picture, and no picture speaks the code's language."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.slack.check import texts_in

HERE = Path(__file__).parent
SLACK = HERE.parents[1] / "bot/slack"
MADE = {"Card", "Modal", "Home", "list[Said]"}
"""What a function has to return to be one that makes what people see."""
CARDS, MESSAGES, FORMS = (
    ("cards/live", "cards/details", "cards/explained"),
    ("messages/texts", "messages/thread", "messages/notices", "messages/log_file", "messages/start", "messages/home"),
    ("acts/deploy_form", "acts/reject_form", "acts/reviews"),
)
MAKERS = (*CARDS, *MESSAGES, *FORMS)
"""The modules of bot/slack that make it; the others only hand it on."""
HOSTILE = (*CARDS, "messages/texts", "messages/thread", "messages/notices", "acts/reviews")
PICTURED = ("pictures.py", "forms.py", "test_home.py")
SNAPSHOTS = {
    f"{path.parent.name}/{path.stem}": path
    for folder in ("snapshots", "form_snapshots", "homes")
    for path in sorted((HERE / folder).glob("*.json"))
}


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _called(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            yield node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id, node


def _makers(module: str) -> set[str]:
    found = [node for node in _parsed(SLACK / f"{module}.py").body if isinstance(node, ast.FunctionDef)]
    return {node.name for node in found if node.returns and ast.unparse(node.returns) in MADE and node.name[0] != "_"}


@pytest.mark.parametrize("module", MAKERS)
def test_everything_that_makes_a_message_is_in_a_picture(module: str) -> None:
    pictured = {name for test in PICTURED for name, _ in _called(_parsed(HERE / test))}
    makers = _makers(module)
    assert makers, f"{module} makes nothing; is it still where the words are?"
    assert makers <= pictured


@pytest.mark.parametrize("module", HOSTILE)
def test_everything_that_makes_a_message_was_given_hostile_words(module: str) -> None:
    assert _makers(module) <= {name for name, _ in _called(_parsed(HERE / "test_hostile.py"))}


def test_messages_are_worded_in_one_of_these_modules_and_nowhere_else() -> None:
    """Elsewhere a message may carry only what another has worded: a refusal, help, a constant with its picture."""
    for path in SLACK.rglob("*.py"):
        module = str(path.relative_to(SLACK).with_suffix(""))
        if module in {*MAKERS, "blocks", "acts/modal", "acts/windows"}:
            continue
        assert not _makers(module), path.name
        for name, call in _called(_parsed(path)):
            worded = any(isinstance(arg, ast.Constant | ast.JoinedStr) for arg in call.args)
            assert not (isinstance(call.func, ast.Name) and name == "card"), (
                f"{path.name}:{call.lineno} builds a message"
            )
            assert not (name == "said" and worded), f"{path.name}:{call.lineno} words one"


JARGON = re.compile(
    r"\b(digest|journal|fence[ds]?|run id|walker|sha256|docket|redis|verdict|quorum|payload|ephemeral|None|null|"
    r"Traceback|[A-Z][a-z]+Error|chg-\w+:\w+)\b"
)
SLACKS = {"type", "action_id", "block_id", "callback_id", "private_metadata", "value", "url"}


def _read(value: Any) -> Iterator[str]:
    """Everything of a picture that a person reads."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in SLACKS:
                yield from _read(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _read(inner)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_no_picture_speaks_the_codes_language(name: str) -> None:
    for said in _read(json.loads(SNAPSHOTS[name].read_text(encoding="utf-8"))):
        assert not JARGON.search(said), said
        assert "  " not in said.strip() or "```" in said, said
        assert not re.search(r"\.\.(?!\.)|\s[.,;](?:\s|$)|: *\.", said.replace("…", "")), said


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_times_are_in_the_readers_zone_wherever_slack_can_show_them_so(name: str) -> None:
    picture = json.loads(SNAPSHOTS[name].read_text(encoding="utf-8"))
    for kind, said in texts_in(picture.get("blocks", [])):
        if kind == "mrkdwn":
            assert not re.search(r"\bUTC\b|\d\d:\d\d:\d\dZ", re.sub(r"<!date[^>]*>", "", said)), said


def _buttons(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if value.get("type") == "button":
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _buttons(inner)


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_a_button_is_heard_as_it_is_read(name: str) -> None:
    """WCAG 2.5.3: who speaks to a machine says what stands on the button."""
    for button in _buttons(json.loads(SNAPSHOTS[name].read_text(encoding="utf-8"))):
        read, heard = button["text"]["text"].removesuffix("…"), button.get("accessibility_label", "")
        assert not heard or heard.startswith(read), (read, heard)
