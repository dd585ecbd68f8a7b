"""The rules table: what the shipped one says, how a table chooses, and every fault of a broken one with its line."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from actions.engine.plan import Plan
from policies.change import Need, Requirement, Role, WhenReady
from policies.rules import BrokenRules, load, parse_rules
from tests.pure.making import deploy
from tests.support.rules import one_lead_text, without_rules

TEXT, HEAD = one_lead_text(), without_rules()
PATCH = replace(deploy(version="v1.1.1"), facts={"version_step": "patch", "strategy": "blue-green", "unknown": ""})


def test_the_shipped_table_asks_for_a_tech_lead_and_green_checks_on_main_where_nothing_asks_for_more() -> None:
    assert load().classify(PATCH, "production") == Requirement(
        1,
        "Category 1 because nothing in it asks for more.",
        (Need(Role.TECH_LEAD),),
        ("checks", "branch"),
        expires=timedelta(hours=4),
        alone=(Role.ON_CALL, Role.TECH_LEAD),
    )


def test_a_hotfix_is_tested_in_staging_first_and_words_and_looks_need_not_be() -> None:
    for file, evidence in (
        ("app/Shop.php", ("staging", "checks", "branch")),
        ("public/index.php", ("staging", "checks", "branch")),
        ("resources/views/shop.blade.php", ("checks", "branch")),
        ("README.md", ("checks", "branch")),
    ):
        asked = load().classify(replace(PATCH, facts={**PATCH.facts, "changed": (file,)}), "production")
        assert (asked.category, asked.evidence) == (1, evidence), file


def test_evidence_of_a_rule_is_asked_for_whatever_the_category_is() -> None:
    for number in (1, 2, 3):
        of_it = f'[[rules]]\ncategory = {number}\nbecause = "x"\n'
        text = HEAD + of_it + '[[rules]]\ncategory = 1\nbecause = "y"\nevidence = ["drill"]\n'
        asked = needed(text, deploy())
        assert "drill" in asked.evidence and "drill" in asked.times
        assert "drill" in parse_rules(text).evidence()


def test_what_brings_no_version_needs_people_and_no_evidence_of_a_version() -> None:
    made = replace(deploy(), action="config apply", sha256="", facts={"config_keys": ("MAIL_HOST",)})
    for least, needs in ((0, (Role.TECH_LEAD, Role.DEVOPS)), (3, (Role.CTO, Role.TEAM))):
        asked = load().classify(made, "production", least)
        assert tuple(need.role for need in asked.needs) == needs
        assert (asked.evidence, asked.strategies, asked.times) == ((), (), {})


def test_an_environment_that_the_table_does_not_know_is_as_strict_as_production() -> None:
    assert load().classify(deploy(), "production-eu") == load().classify(deploy(), "production")


def test_staging_needs_nobody() -> None:
    assert load().classify(deploy(), "staging").needs == ()
    assert load().classify(deploy(), "staging").because == "Staging needs no approval."
    assert load().classify(deploy(), "staging").evidence == ()


def needed(text: str, made: Plan, environment: str = "production") -> Requirement:
    return parse_rules(text).classify(made, environment)


def test_categories_2_and_3_are_defined_as_the_company_wrote_them() -> None:
    two = needed(HEAD + '[[rules]]\ncategory = 2\nbecause = "Two."', deploy())
    three = needed(HEAD + '[[rules]]\ncategory = 3\nbecause = "Three."', deploy())
    assert two.needs == (Need(Role.TECH_LEAD), Need(Role.DEVOPS))
    assert two.evidence == ("staging", "checks", "branch") and two.strategies == ()
    assert three.needs == (Need(Role.CTO), Need(Role.TEAM))
    assert three.evidence == ("staging", "drill", "checks", "branch") and three.strategies == ("canary",)
    assert two.watch == three.watch == timedelta(minutes=15)
    assert (two.when_ready, three.when_ready) == (WhenReady.START, WhenReady.ASK)
    assert two.times == {"staging": timedelta(minutes=30)}
    assert three.times == {"staging": timedelta(minutes=30), "drill": timedelta(days=30)}


def test_a_table_says_its_own_times() -> None:
    text = TEXT.replace('staging = "30 min"', 'staging = "2 s"').replace('watch = "15 min"', 'watch = "1 h"', 1)
    two = needed(text + '[[rules]]\ncategory = 2\nbecause = "Two."', deploy())
    assert (two.times, two.watch) == ({"staging": timedelta(seconds=2)}, timedelta(hours=1))
    assert parse_rules(text).sha256 != parse_rules(TEXT).sha256


@pytest.mark.parametrize("time", ["30", "-1 min", "30 minutes", "1.5 h", ""])
def test_a_time_that_is_none_is_refused(time: str) -> None:
    with pytest.raises(BrokenRules, match=r'evidence\.staging: it has to be a time such as "2 s", "30 min"'):
        parse_rules(TEXT.replace('staging = "30 min"', f'staging = "{time}"'))


@pytest.mark.parametrize("by_rule", [1, 2, 3])
@pytest.mark.parametrize("least", [0, 1, 2, 3])
def test_a_category_is_raised_and_never_lowered(by_rule: int, least: int) -> None:
    rules = parse_rules(HEAD + f'[[rules]]\ncategory = {by_rule}\nbecause = "of a fact"')
    asked = rules.classify(deploy(), "production", least)
    assert asked.category == max(by_rule, least)
    assert asked.needs == rules.classify(deploy(), "production", asked.category).needs
    raised = f"Category {least} because that was asked for; the rules say {by_rule} because of a fact."
    assert asked.because == (raised if least > by_rule else f"Category {by_rule} because of a fact.")


def test_what_no_rule_fits_is_the_highest() -> None:
    assert needed(HEAD, deploy()).category == 3
    assert (
        needed(HEAD + '[[rules]]\ncategory = 1\nbecause = "x"\nwhen = { actions = ["backup"] }', deploy()).category == 3
    )


@pytest.mark.parametrize(
    ("when", "fits"),
    [
        ("", True),
        ('environments = ["production", "eu"]', True),
        ('environments = ["eu"]', False),
        ('actions = ["deploy"]', True),
        ('actions = ["rollback"]', False),
        ('strategies = ["blue-green"]', True),
        ('strategies = ["canary"]', False),
        ('version_steps = ["minor"]', True),
        ('version_steps = ["major", "unknown"]', False),
        ("migrations = true", True),
        ("migrations = false", False),
        ('migrations = true, version_steps = ["major"]', False),
    ],
)
def test_a_rule_fits_when_all_it_names_is_true_and_the_highest_fitting_one_is_taken(when: str, fits: bool) -> None:
    made = deploy(migrations=("m1", "m2", "m3"))
    text = TEXT + f'\n[[rules]]\ncategory = 2\nbecause = "of the fact"\nwhen = {{ {when} }}\n'
    assert needed(text, made).category == (2 if fits else 1)
    assert (needed(text, made).because == "Category 2 because of the fact.") is fits


def test_a_plan_that_states_no_version_step_is_unknown() -> None:
    text = TEXT + '\n[[rules]]\ncategory = 3\nbecause = "x"\nwhen = { version_steps = ["unknown"] }\n'
    assert needed(text, replace(deploy(), facts={})).category == 3


def test_the_hash_covers_what_the_table_says_and_not_how_it_is_written() -> None:
    written = TEXT.replace("# ", "#   ").replace("expires_hours = 4\n", "\nexpires_hours   =   4 # hours\n")
    assert written != TEXT
    assert parse_rules(written).sha256 == parse_rules(TEXT).sha256
    for old, new in [
        ("expires_hours = 4", "expires_hours = 5"),
        ("tech-lead", "cto"),
        ("category = 1", "category = 2"),
    ]:
        assert parse_rules(TEXT.replace(old, new, 1)).sha256 != parse_rules(TEXT).sha256
    assert len(load().sha256) == 64


def test_every_fault_is_named_at_once_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "my-rules.toml"
    file.write_text(
        """[free]
environments = "staging"
colour = "green"

[category.1]
name = "Low"
needs = [{ role = "boss" }]

[category.2]
needs = [{ role = "devops" }, { role = "devops" }]
expires_hours = 0

[category.9]
name = "x"

[[rules]]
category = 4
because = ""

[[rules]]
category = 1
because = "y"
when = { version_steps = ["huge"], weather = "rain" }
""",
        encoding="utf-8",
    )
    with pytest.raises(BrokenRules) as broken:
        load(file)
    faults = broken.value.faults
    assert [fault.split(": ")[0] for fault in faults] == [
        f"my-rules.toml:{line}" for line in (1, 2, 3, 7, 9, 10, 11, 13, 17, 18, 23, 23)
    ]
    said = "\n".join(faults)
    for part in (
        "colour is nothing that this table knows",
        "'tech-lead', 'devops', 'cto', 'team' or 'on-call'",
        "category.2.name is missing.",
        "category.2 needs devops twice; write one with count = 2",
        "category.3 is missing.",
    ):
        assert part in said


def test_what_is_not_toml_is_said_with_its_line() -> None:
    with pytest.raises(BrokenRules, match=r"^rules\.toml:3: Invalid value\.$"):
        parse_rules("[free]\nenvironments = [\n")


def test_an_empty_table_is_refused() -> None:
    with pytest.raises(BrokenRules, match="is missing, or holds no rules"):
        parse_rules("")
