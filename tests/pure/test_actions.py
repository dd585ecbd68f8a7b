"""`ls actions/` is what the bot can do: every action keeps the promises of one."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

import actions
from actions.engine.codec import dump, load
from actions.engine.fleet import Fleet, Request
from actions.engine.plan import Ask, Back, Do, Expect, Harmless, Irreversible, Plan, Watch, hosts_of
from actions.engine.registry import Action
from tests.pure.making import ENVIRONMENTS, artifact, changed_before, fleet, host, proposed, request
from tests.pure.registered import REGISTRY

FLEETS = {
    "two hosts": fleet(),
    "one host": fleet(host()),
    "mixed": fleet(host("app1"), host("app2", current="20261015_100000")),
    "reloading": fleet(reload=("php8.2-fpm",)),
}


def arguments_of(action: Action, text: str) -> Request:
    matched = REGISTRY.match(text, ENVIRONMENTS, "production")
    assert matched.action is action
    return request(action.name, dict(matched.arguments), reason=matched.reason, text=matched.text)


def one_release_only(action: Action, text: str) -> bool:
    return "config" in action.name or (action.name == "rollback" and "to" not in text.split())


def plans() -> list[Any]:
    """Every action with each of its examples on each fleet that it can be planned for."""
    return [
        pytest.param(action, text, FLEETS[name], id=f"{text} [{name}]")
        for action in REGISTRY.actions
        for text in action.examples
        for name in FLEETS
        if not (name == "mixed" and one_release_only(action, text))
    ]


def planned(action: Action, text: str, on: Fleet) -> Plan:
    built = artifact(migrations=("m1", "m2", "m3")) if action.brings_artifact else None
    on = proposed(on) if action.brings_config else changed_before(on) if action.name == "config undo" else on
    return action.plan(arguments_of(action, text), on, built)


def test_every_file_of_actions_is_an_action() -> None:
    files = {path.stem for path in Path(actions.__path__[0]).glob("*.py")} - {"__init__"}
    assert files
    assert len(REGISTRY.actions) == len(files)
    assert len({action.name for action in REGISTRY.actions}) == len(files)


@pytest.mark.parametrize("action", REGISTRY.actions, ids=lambda action: action.name)
def test_every_action_has_help_and_examples_that_it_understands(action: Action) -> None:
    told = REGISTRY.help(action.parsed.head)
    assert action.usage in told
    assert action.summary in told
    assert action.summary.endswith(".")
    assert action.examples
    for example in action.examples:
        assert example in told
        assert arguments_of(action, example)


@pytest.mark.parametrize(("action", "text", "on"), plans())
def test_planning_is_deterministic_and_survives_json_byte_for_byte(action: Action, text: str, on: Fleet) -> None:
    one, two = planned(action, text, on), planned(action, text, on)
    assert dump(one) == dump(two)
    assert one.action == action.name
    again = load(Plan, dump(one))
    assert again == one
    assert dump(again) == dump(one)
    assert again.digest() == one.digest() == two.digest()


@pytest.mark.parametrize(("action", "text", "on"), plans())
def test_every_step_has_an_undo_or_says_why_it_needs_none(action: Action, text: str, on: Fleet) -> None:
    plan = planned(action, text, on)
    assert isinstance(plan.steps[0], Expect)
    assert len({step.name for step in plan.steps}) == len(plan.steps)
    for step in plan.steps:
        assert step.title
        assert set(hosts_of(step)) <= {seen.name for seen in on.hosts}
        match step:
            case Do(undo=Back(call, title)):
                assert call.verb
                assert title
            case Do(undo=Harmless(words) | Irreversible(words)):
                assert len(words.split()) > 3
            case Watch(probes=probes, seconds=seconds):
                assert probes
                assert seconds > 0
            case Ask() | Expect():
                assert step.title
    assert {"replaces", "migrations", "version_step", "hosts", "strategy", "log"} <= plan.facts.keys()


@pytest.mark.parametrize("action", REGISTRY.actions, ids=lambda action: action.name)
def test_an_action_imports_nothing_but_plans_and_words(action: Action) -> None:
    """So that one file cannot do I/O or know of approval, even where no import contract names it yet."""
    file = Path(action.plan.__code__.co_filename)  # type: ignore[attr-defined]
    tree = ast.parse(file.read_text(encoding="utf-8"))
    froms = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    bare = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    engine = {
        f"actions.engine.{name}"
        for name in (
            "analysis.limits",
            "across",
            "fleet",
            "plan",
            "registry",
            "steps",
            "words",
            "grammar",
            "configuring",
        )
    }
    engine |= {"actions.engine"}
    pure = {"__future__", "collections.abc", "dataclasses", "datetime", "re", "typing", "math", "enum", "itertools"}
    planners = {f"actions.{name}" for name in ("blue_green",)}  # a strategy may build on another's plan
    assert froms | bare <= engine | pure | planners
