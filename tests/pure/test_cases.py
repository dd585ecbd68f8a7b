"""The shipped rules against their table of cases, and what is said of a table that does not hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from policies.cases import BrokenCases, load_cases
from policies.rules import SHIPPED, load, parse_rules
from tests.support.rules import SHIPPED_TEXT, one_lead

PEOPLE = '[people]\ndana = []\nlena = ["tech-lead"]\n'


def written(at: Path, rows: str) -> Path:
    file = at / "cases.toml"
    file.write_text(PEOPLE + rows, encoding="utf-8")
    return file


def test_the_shipped_rules_say_what_their_table_wants() -> None:
    cases = load_cases()
    assert len(cases) >= 150
    assert [f"{failure.line}: {failure.name}" for failure in cases.run(load())] == []


def test_no_two_cases_of_one_kind_are_called_the_same() -> None:
    names = [(case.action, case.emergency, case.raised, case.at, case.name) for case in load_cases().file.cases]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('needs = [{ role = "tech-lead" }]\n', 'needs = [{ role = "devops" }]\n'),
        ('needs = [{ role = "tech-lead" }, { role = "devops" }]', 'needs = [{ role = "tech-lead" }]'),
        ('needs = [{ role = "cto" }, { role = "team" }]', 'needs = [{ role = "cto" }]'),
        ('evidence = ["staging", "drill", "checks", "branch"]', 'evidence = ["staging"]'),
        ('strategies = ["canary"]', 'strategies = ["canary", "blue-green"]'),
        ('evidence = ["checks", "branch"]', 'evidence = ["checks"]'),
        ('evidence = ["staging"]  # a hotfix', "# a hotfix"),
        ("files_over = 200", "files_over = 199"),
        ("files_over = 200", "files_over = 201"),
        ("minutes = 30", "minutes = 60"),
        ('roles = ["on-call", "tech-lead"]', 'roles = ["on-call", "cto"]'),
        ('roles = ["tech-lead", "devops", "cto", "on-call"]', 'roles = ["tech-lead", "devops", "cto", "team"]'),
        ('environments = ["staging"]', 'environments = ["production"]'),
    ],
)
def test_another_table_does_not_pass(old: str, new: str) -> None:
    """A table that could not fail would prove nothing."""
    text = SHIPPED.read_text(encoding="utf-8")
    assert old in text
    assert load_cases().run(parse_rules(text.replace(old, new, 1)))


@pytest.mark.parametrize("number", range(SHIPPED_TEXT.count("[[rules]]")))
def test_no_rule_can_be_left_out(number: int) -> None:
    head, *rules = SHIPPED_TEXT.split("[[rules]]")
    del rules[number]
    assert load_cases().run(parse_rules("[[rules]]".join([head, *rules])))


def test_a_case_that_goes_otherwise_is_told_with_its_line_and_why(tmp_path: Path) -> None:
    rows = '\n[[cases]]\nname = "a developer"\napprovals = ["dana"]\nverdict = "allowed"\nmissing = []\n'
    (failure,) = load_cases(written(tmp_path, rows)).run(one_lead())
    assert (failure.line, failure.name) == (5, "a developer")
    assert failure.wanted == "allowed, missing nobody"
    assert failure.got.startswith("waiting, missing tech-lead, saying “Waiting for a Tech Lead: Lena.")
    assert "✗ Dana's approval does not count: they asked for it themselves." in "\n".join(failure.tree)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ('[[cases]]\nname = "x"\nverdict = "yes"\n', "cases.toml:6: cases.0.verdict"),
        ('[[cases]]\nname = "x"\nverdict = "allowed"\napprovals = ["lena maybe"]\n', "cases.toml:7: "),
        ('[[cases]]\nname = "x"\nverdict = "allowed"\nweather = "rain"\n', "cases.toml:7: cases.0.weather"),
        ("[[cases]]\nname = \n", "cases.toml:5: "),
        ("", "cases"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_its_line(tmp_path: Path, rows: str, said: str) -> None:
    with pytest.raises(BrokenCases) as broken:
        load_cases(written(tmp_path, rows))
    assert said in "\n".join(broken.value.faults)
