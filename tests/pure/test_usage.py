"""A usage line parses what it shows; lines that share a text are found, checked against trying every text."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from actions.engine.registry.usage import BadUsage, Form, Literal, Usage, overlap, parse_usage

DEPLOY = "deploy <version> [blue-green] [to|on <environment>]"


def bound(usage: Usage, words: tuple[str, ...], options: dict[str, str]) -> list[dict[str, object]]:
    return [dict(found) for form in usage.forms if (found := form.bind(words, options)) is not None]


@pytest.mark.parametrize(
    ("line", "text", "options", "arguments"),
    [
        (DEPLOY, "deploy v1.2", {}, {"version": "v1.2"}),
        (DEPLOY, "Deploy v1.2 Blue-Green", {}, {"version": "v1.2"}),
        (DEPLOY, "deploy v1.2 on staging", {}, {"version": "v1.2", "environment": "staging"}),
        (DEPLOY, "deploy v1.2 blue-green to EU", {}, {"version": "v1.2", "environment": "eu"}),
        (DEPLOY, "deploy", {}, None),
        (DEPLOY, "deploy v1.2 to", {}, None),
        (DEPLOY, "deploy v1.2 to staging blue-green", {}, None),
        (DEPLOY, "deploy v1.2", {"steps": "1"}, None),
        ("rollback [steps=N | to <version>]", "rollback", {"steps": "3"}, {"steps": 3}),
        ("rollback [steps=N | to <version>]", "rollback to v1.1", {}, {"version": "v1.1"}),
        ("rollback [steps=N | to <version>]", "rollback to v1.1", {"steps": "3"}, None),
        ("rollback [steps=N | to <version>]", "rollback", {"steps": "0"}, None),
        ("go (a | b) [by=<version>]", "go b", {"by": "v2"}, {"by": "v2"}),
        ("go (a | b) [by=<version>]", "go", {}, None),
    ],
)
def test_a_usage_line_parses_what_it_shows(
    line: str, text: str, options: dict[str, str], arguments: dict[str, object] | None
) -> None:
    assert bound(parse_usage(line), tuple(text.split()), options) == ([] if arguments is None else [arguments])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("go <thing>", "no kind of argument called <thing>"),
        ("go k=<thing>", "no kind of argument called <thing>"),
        ("go [a", "not closed"),
        ("go (a]", "not closed"),
        ("go a]", "not opened"),
        ("<version> go", "begins with one bare word"),
        ("[go] a", "begins with one bare word"),
        ("", "begins with one bare word"),
        ("go <version> to <version>", "same argument twice"),
        ("go [a] [a]", "two ways"),
        ("go [<version> | <environment>]", "two ways"),
        ("go Äpfel", "is not a word"),
        ("go " + "[k] " * 9, "more than 256"),
    ],
)
def test_a_broken_usage_line_is_found_at_start(line: str, said: str) -> None:
    with pytest.raises(BadUsage, match=said.replace("|", r"\|")):
        parse_usage(line)


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        (DEPLOY, "deploy <version> canary [to|on <environment>]", ""),
        (DEPLOY, "deploy <version> [to <environment>]", "deploy v1.2"),
        ("deploy <version>", "deploy v2", "deploy v2"),
        ("deploy <version>", "deploy latest", ""),
        ("go <version>", "go <environment>", "go v2"),
        ("go [a]", "go [b]", "go"),
        ("go a [k=N]", "go <environment> k=N", "go a k=1"),
        ("go k=N", "go k=<version>", ""),
        ("go k=N", "go m=N", ""),
        ("go a", "run a", ""),
    ],
)
def test_lines_that_share_a_text_are_found(one: str, other: str, shared: str) -> None:
    assert overlap(parse_usage(one), parse_usage(other)) == shared
    assert bool(overlap(parse_usage(other), parse_usage(one))) == bool(shared)


WORDS = ("a", "b", "v1.2", "v2", "production", "7")
TEXTS = [
    (("go", *words), dict((*k, *m)))
    for length in range(4)
    for words in itertools.product(WORDS, repeat=length)
    for k, m in itertools.product(((), (("k", "7"),), (("k", "v2"),)), ((), (("m", "7"),)))
]
"""Every line of up to three words after "go": enough, because each kind and each pair of kinds has its word here."""

_piece = st.sampled_from(["a", "b", "a|b", "<version>", "<environment>", "k=N", "m=N", "k=<version>"])
_group = st.lists(st.lists(_piece, min_size=1, max_size=2).map(" ".join), min_size=1, max_size=2).map(
    lambda choices: "[" + " | ".join(choices) + "]"
)
_lines = st.lists(_piece | _group, max_size=3).map(lambda items: " ".join(["go", *items]))


def readable(line: str) -> Usage:
    try:
        usage = parse_usage(line)
    except BadUsage:
        assume(False)
        raise
    assume(all(form.size <= 4 for form in usage.forms))
    return usage


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(_lines, _lines)
def test_overlap_is_what_trying_every_text_finds(one: str, other: str) -> None:
    first, second = readable(one), readable(other)
    tried = any(bound(first, *text) and bound(second, *text) for text in TEXTS)
    assert bool(overlap(first, second)) == tried
    assert all(len(bound(first, *text)) <= 1 for text in TEXTS)


def texts_of(form: Form) -> Iterator[tuple[tuple[str, ...], dict[str, str]]]:
    words = [word.words if isinstance(word, Literal) else word.kind.witnesses for word in form.words]
    values = [[(key, text) for text in kind.witnesses] for key, kind in form.options.items()]
    for chosen in itertools.product(*words):
        for options in itertools.product(*values):
            yield chosen, dict(options)


@pytest.mark.parametrize("line", [DEPLOY, "rollback [steps=N | to <version>] [on <environment>]"])
def test_every_text_that_a_line_allows_is_understood_in_one_way(line: str) -> None:
    usage = parse_usage(line)
    texts = [text for form in usage.forms for text in texts_of(form)]
    assert len(texts) > 10
    assert all(len(bound(usage, *text)) == 1 for text in texts)
