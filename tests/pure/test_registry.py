"""A chat line finds its action or gets what to type instead; what cannot work together is refused when it is made."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.engine.registry import Action, BadCommand, Registry, Reserved, UsageOverlap, discover
from tests.pure.making import ENVIRONMENTS
from tests.pure.registered import REGISTRY, WORDS


@pytest.mark.parametrize(
    ("text", "name", "arguments", "environment", "reason"),
    [
        ("deploy v1.2", "deploy", {"version": "v1.2"}, "production", ""),
        ("DEPLOY V1.2 to Staging", "deploy", {"version": "v1.2"}, "staging", ""),
        ("deploy v1.2 blue-green on staging", "deploy", {"version": "v1.2"}, "staging", ""),
        ("deploy reason=“it's time” v1.2", "deploy", {"version": "v1.2"}, "production", "it's time"),
        ("rollback", "rollback", {}, "production", ""),
        ("rollback on staging steps=2", "rollback", {"steps": 2}, "staging", ""),
        ("rollback to v1.1 on staging", "rollback", {"version": "v1.1"}, "staging", ""),
    ],
)
def test_a_line_finds_its_action(
    text: str, name: str, arguments: dict[str, object], environment: str, reason: str
) -> None:
    matched = REGISTRY.match(text, ENVIRONMENTS, "production")
    assert (matched.action.name, matched.arguments, matched.environment, matched.reason) == (
        name,
        arguments,
        environment,
        reason,
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["Say what to do, for example: /chom deploy v1.2"]),
        ("depoly v1.2", ['no command "depoly"', "Did you mean: /chom deploy <version>"]),
        ("stauts", ["Did you mean: /chom status"]),
        ("status", ["Says what is live where."]),
        ("deploy", ['After "deploy" comes a version such as v1.2', "/chom deploy <version>"]),
        ("deploy banana", ['"banana" is not a version; one looks like v1.2 or v1.0.1.']),
        ("deploy v1.2; rm -rf /", ['"v1.2;" is not a version', "/chom deploy <version>"]),
        ("deploy v1.2 ; rm -rf /", ['";" is not understood after "deploy v1.2"']),
        ("deploy v1.2 reason=no quotes here", ['Put the reason in quotes: reason="no quotes here".']),
        ("deploy v1.2 reason=fix <it> to staging", ['Put the reason in quotes: reason="fix ‹it›".']),
        ("rollback Reason=too slow", ['Put the reason in quotes: reason="too slow".']),
        ('deploy v1.2 v1.3 reason="in quotes"', ['"v1.3" is not understood after "deploy v1.2"']),
        ("deploy v1.2 v1.3 reason=one", ['"v1.3" is not understood after "deploy v1.2"']),
        ("deploy --flag", ['"--flag" is not understood', "no dashes"]),
        ("deploy v1.2 —force", ["no dashes"]),
        ("deploy ../x", ['"../x" is not a version']),
        ("deploy $(x)", ['"$(x)" is not a version']),
        ("deploy <!channel>", ['"‹!channel›" is not a version']),
        ("<!channel>", ['no command "‹!channel›"', "/chom help lists every command"]),
        ("<@U123> hi", ['no command "‹＠u123›"']),
        ("deploy v1.2 to <!here>", ['no environment "‹!here›"; there are production and staging']),
        ("deploy v1.2 to prod", ["Did you mean production?"]),
        ("deploy v1.2 to nowhere", ['no environment "nowhere"']),
        ("deploy v1.2 staging", ['Did you mean "to staging"?']),
        ("deploy v1.2 blue-gren", ['Did you mean "blue-green"?']),
        ("deploy v1.2 v1.3", ['"v1.3" is not understood after "deploy v1.2"']),
        ("deploy v1.2 emergency", ['Write: /chom deploy v1.2 emergency="why it cannot wait"']),
        ("deploy V1.2 Emergency to staging", ['/chom deploy v1.2 emergency="why it cannot wait" to staging']),
        ("deploy v1.2 emergency the shop is down", ['/chom deploy v1.2 emergency="why it cannot wait"']),
        ("deploy v1.2 to staging reason", ['/chom deploy v1.2 to staging reason="why"']),
        ("deploy v1.2 canary every", ["An option is written key=value. Write: /chom deploy v1.2 canary every=5m"]),
        ("deploy v1.2 to", ['After "deploy v1.2 to" comes an environment']),
        ("deploy v1.2 steps=2", ["deploy does not know steps=; it knows reason="]),
        ("deploy v1.2 raeson=x", ["Did you mean reason=?"]),
        ("rollback to staging", ['"staging" is not a version', 'Did you mean "on staging"?']),
        ("rollback v1.1", ['Did you mean "to v1.1"?']),
        ("rollback steps=many", ['steps="many" is not a whole number']),
        ("rollback steps=2 to v1.1", ["steps= cannot be combined with"]),
        ("deploy \u202e2.1v", ["cannot be seen (U+202E)"]),
        ("deploy " + "v" * 10_240, ["10,247 characters long"]),
        ("deploy " + "v" * 1_000, ["vvv…", "is not a version"]),
    ],
)
def test_a_line_that_is_not_understood_gets_what_to_type_instead(text: str, said: list[str]) -> None:
    with pytest.raises(BadCommand) as refused:
        REGISTRY.match(text, ENVIRONMENTS, "production")
    for part in said:
        assert part in str(refused.value)
    assert len(str(refused.value)) < 400
    assert_safe(str(refused.value))


def assert_safe(said: str) -> None:
    for action in REGISTRY.actions:
        said = said.replace(action.usage, "")
    assert not set("<>&@`*") & set(said)
    assert all(unicodedata.category(char) not in {"Cc", "Cf", "Cs"} for char in said)


_fragments = st.sampled_from(
    [
        "deploy",
        "rollback",
        "v1.2",
        "to",
        "on",
        "staging",
        "steps=",
        "reason=",
        '"',
        "“",
        "<!channel>",
        "[",
        "\u202e",
        "=",
    ]
)
_noise = st.lists(_fragments | st.text(max_size=8), max_size=8).flatmap(
    lambda parts: st.sampled_from(["", " "]).map(lambda gap: gap.join(parts))
)


@given(st.text() | _noise | _noise.map(lambda text: f"deploy {text}"))
def test_any_text_is_an_action_or_a_safe_sentence(text: str) -> None:
    try:
        matched = REGISTRY.match(text, ENVIRONMENTS, "production")
    except BadCommand as refused:
        assert_safe(str(refused))
    else:
        assert matched.environment in ENVIRONMENTS
        again = REGISTRY.match(matched.text, ENVIRONMENTS, "production")
        assert again == matched


@given(st.sampled_from(REGISTRY.actions), st.data())
def test_what_a_usage_allows_comes_back_as_that_action(action: Action, data: st.DataObject) -> None:
    form = data.draw(st.sampled_from(action.parsed.forms))
    texts = [getattr(word, "words", None) or word.kind.witnesses for word in form.words]
    words = [data.draw(st.sampled_from(choices)) for choices in texts]
    options = [f"{key}={data.draw(st.sampled_from(kind.witnesses))}" for key, kind in form.options.items()]
    reason = data.draw(st.sampled_from(["", "x", "it is time, and it's late"]))
    tail = [*options, *([f'reason="{reason}"'] if reason else [])]
    places = [(data.draw(st.integers(1, len(words))), part) for part in tail]
    for place, part in sorted(places, reverse=True):
        words.insert(place, part)
    known = (*ENVIRONMENTS, "v2", "v2-rc1")
    matched = REGISTRY.match(" ".join(words), known, "production")
    assert (matched.action, matched.reason) == (action, reason)
    assert len(matched.arguments) + ("environment" in action.usage) >= len(options)


def with_usage(name: str, usage: str) -> Action:
    return replace(REGISTRY.actions[0], name=name, usage=usage)


def test_overlapping_usages_are_refused_and_both_named() -> None:
    one, two = with_usage("one", "go <version>"), with_usage("two", "go (v2 | now)")
    with pytest.raises(UsageOverlap) as refused:
        Registry((one, two))
    assert str(refused.value) == "one ('go <version>') and two ('go (v2 | now)') both understand 'go v2'"


def test_strategies_of_one_command_live_side_by_side() -> None:
    registry = Registry((*REGISTRY.actions, with_usage("slow", "deploy <version> slowly [to|on <environment>]")))
    assert registry.match("deploy v1.2 slowly", ENVIRONMENTS, "production").action.name == "slow"
    assert registry.match("deploy v1.2", ENVIRONMENTS, "production").action.name == "deploy"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("deploy v1.2 rollin", '"rollin" is not understood after "deploy v1.2". Did you mean "rolling"? '
                               "Write: {rolling}"),
        ("deploy v1.2 by=50%", 'by= cannot be combined with "deploy v1.2". Write: {rolling}'),
        ("deploy v1.2 rolling by=half", 'by="half" is not a share of the servers; write for example by=25%. '
                                        "Write: {rolling}"),
        ("deploy v1.2 x", '"x" is not understood after "deploy v1.2". Write: {deploy}'),
    ],
)  # fmt: skip
def test_of_several_ways_the_one_is_shown_that_was_probably_meant(text: str, said: str) -> None:
    usages = {action.name: f"/chom {action.usage}" for action in REGISTRY.actions}
    with pytest.raises(BadCommand) as refused:
        REGISTRY.match(text, ENVIRONMENTS, "production")
    assert str(refused.value) == said.format(**usages)


def test_one_name_for_two_actions_is_refused() -> None:
    with pytest.raises(UsageOverlap, match="two actions are called 'one'"):
        Registry((with_usage("one", "go"), with_usage("one", "run")))


def test_a_reserved_word_is_nobodys_command() -> None:
    with pytest.raises(UsageOverlap, match="'go' belongs to one"):
        Registry((with_usage("one", "go"),), (Reserved("go [x]", "Goes."),))
    with pytest.raises(UsageOverlap, match="'help'"):
        Registry((), (WORDS[0], WORDS[0]))


def test_what_begins_as_a_command_is_shown_as_it_is_typed() -> None:
    shell = discover((*WORDS, Reserved("config put|key", "Stores values.", (), ("put", "key"))), "chom-bot ")
    anywhere = ["deploy", "deploy v1.2 rolling", "rollback", "rollback to v1.1", "config apply", "status", "stop chg-1"]
    for text in anywhere:
        assert (REGISTRY.with_lead(text), shell.with_lead(text)) == (f"/chom {text}", f"chom-bot {text}")
    for text in ("config put FILE", "config key"):
        assert (REGISTRY.with_lead(text), shell.with_lead(text)) == (text, f"chom-bot {text}")
    for text in ("", " ", "v1.2", "config", "deployed", "config nothing", "php artisan"):
        assert (REGISTRY.with_lead(text), Registry((), WORDS).with_lead(text)) == (text, text)


def test_help_tells_everything_and_the_shell_says_its_own_name() -> None:
    told = discover(WORDS, lead="chom-bot ").help()
    for known in (*REGISTRY.actions, *WORDS):
        assert f"chom-bot {known.usage}\n    {known.summary}" in told
    assert 'reason="' in told
    assert "/chom" not in told
    assert 'no command "foo"' in REGISTRY.help("foo") and 'no command "to"' in REGISTRY.help("to")
    for way in ("canary", "Rolling"):
        told = REGISTRY.help(way).splitlines()
        assert told[0].startswith(f"/chom deploy <version> {way.lower()} ") and len(told) > 1
    assert REGISTRY.help("STATUS now") == "/chom status [environment]\n    Says what is live where."
