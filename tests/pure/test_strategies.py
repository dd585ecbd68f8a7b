"""The ways to deploy are what the usage lines say, so that a new file in actions/ is offered without more."""

from __future__ import annotations

from actions.blue_green import ACTION as BLUE_GREEN
from actions.engine.registry import Action, discover
from actions.engine.registry.strategies import Strategy, strategies


def action(usage: str, *, brings: bool = True) -> Action:
    return Action("other", usage, "Says what it does.", BLUE_GREEN.plan, brings, "deployment")


def words(*usages: str) -> list[tuple[str, bool]]:
    return [(one.word, one.default) for one in strategies([BLUE_GREEN, *map(action, usages)])]


def test_today_there_is_what_the_shipped_actions_give() -> None:
    first, *others = strategies(discover().actions)
    assert first == Strategy("blue-green", BLUE_GREEN.summary, default=True)
    assert [one.word for one in others] == ["canary", "rolling"]


def test_another_file_is_another_way_and_never_the_default() -> None:
    assert words("deploy <version> canary [to|on <environment>]") == [("blue-green", True), ("canary", False)]
    assert words("deploy <version> rolling|slow") == [("blue-green", True), ("rolling", False), ("slow", False)]
    assert words("deploy <version> canary [by=N] [to <environment>]") == [("blue-green", True), ("canary", False)]


def test_what_is_no_way_to_deploy_a_version_is_not_offered() -> None:
    assert words("deploy <version> canary by=N", "undeploy <version> fast", "deploy everything") == [
        ("blue-green", True)
    ]
    assert strategies([action("deploy <version> fast", brings=False)]) == ()


def test_where_the_action_that_needs_no_word_comes_later_it_stands_first_all_the_same() -> None:
    found = strategies([action("deploy <version> canary"), BLUE_GREEN])
    assert [one.word for one in found] == ["blue-green", "canary"]
