"""Rules tables for tests that are not about categories: the shipped one, with one approver for every change."""

from __future__ import annotations

from bot.sandbox.toml import rules_text
from policies.rules import SHIPPED, Rules, parse_rules

_OF_ONE = 'evidence = ["checks", "branch"]\n'
SHIPPED_TEXT = SHIPPED.read_text(encoding="utf-8")
ONE_LEAD_RULE = '[[rules]]\ncategory = 1\nbecause = "every change needs a Tech Lead"\n'


def without_rules(text: str = SHIPPED_TEXT) -> str:
    """The table up to its rules, where Category 1 asks for no evidence."""
    head, found, _ = text.partition("[[rules]]")
    assert found and _OF_ONE in head, "the shipped table is written otherwise now"
    return head.replace(_OF_ONE, "", 1)


def one_lead_text() -> str:
    """Every change of production needs one Tech Lead and no evidence; `category=` still raises it."""
    return without_rules() + ONE_LEAD_RULE


def one_lead() -> Rules:
    """That table, read."""
    return parse_rules(one_lead_text())


def lead_and_devops() -> Rules:
    """Every change of production needs a Tech Lead and a DevOps engineer, and no evidence."""
    lead = 'needs = [{ role = "tech-lead" }]\n'
    assert lead in SHIPPED_TEXT, "the shipped table is written otherwise now"
    return parse_rules(one_lead_text().replace(lead, 'needs = [{ role = "tech-lead" }, { role = "devops" }]\n', 1))


def one_lead_in_the_sandbox() -> str:
    """That table, with the sandbox's times."""
    return without_rules(rules_text()) + ONE_LEAD_RULE
