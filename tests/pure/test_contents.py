"""What a version changes against what is served: gathered, compared, and put into a category by the rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.engine.contents import Contents, Gathering
from actions.engine.contents.advisories import Advisory, Audit
from actions.engine.contents.compared import MOST, facts
from actions.engine.plan import Plan
from policies.change import Requirement
from policies.rules import BrokenRules, load, parse_rules
from tests.pure.making import deploy
from tests.pure.test_migrations import source
from tests.support.rules import SHIPPED_TEXT, without_rules

RULES = load()
OVER = "of the packages laravel/framework v8.83.27 →"
LOCK = '{"packages": [{"name": "laravel/framework", "version": "%s"}, {"name": "acme/pay", "version": "v1.4.0"}]}'
SERVED = {
    "artisan": "<?php",
    "app/Shop.php": "<?php // 1",
    "config/app.php": "<?php return [];",
    ".env.example": "# the shop\nAPP_KEY=\nexport DB_HOST=localhost\n",
    "composer.lock": LOCK % "v8.83.27",
    "package-lock.json": '{"packages": {"": {"version": "1"}, "node_modules/vue": {"version": "3.2.0"}}}',
    "vendor/laravel/framework/a.php": "<?php",
    "vendor/composer/installed.php": "<?php // commit 1",
    "Dockerfile": "FROM php:8.2",
    "database/migrations/m1.php": source("create_users"),
}


def contents(files: Mapping[str, str]) -> Contents:
    gathering = Gathering()
    for name, text in files.items():
        data = text.encode()
        gathering.take(name, len(data), lambda data=data: iter([data]))
    return gathering.contents()


def plan(changed: Mapping[str, str | None], version: str = "v1.1.1", **more: Any) -> Plan:
    """A deploy over v1.1 of what is served with these files changed; None removes one."""
    files = {name: text for name, text in {**SERVED, **changed}.items() if text is not None}
    new = contents(files)
    names = tuple(sorted(new.migrations))
    made = deploy(version=version, migrations=("m1", "m2", *(name for name in names if name != "m1")))
    pending = made.facts["migrations"]
    assert isinstance(pending, tuple)
    return replace(made, facts={**made.facts, **facts(new, [contents(SERVED)], pending), **more})


def asked(changed: Mapping[str, str | None], version: str = "v1.1.1", **more: Any) -> Requirement:
    return RULES.classify(plan(changed, version, **more), "production")


CASES: list[tuple[int, str, dict[str, str | None], str]] = [
    (1, "nothing in it asks for more and of the hotfix in app/Shop.php", {"app/Shop.php": "<?php // 2"}, "v1.1.1"),
    (1, "nothing in it asks for more", {"README.md": "words", "public/logo.svg": "<svg/>"}, "v1.1.1"),
    (1, "nothing in it asks for more", {"vendor/composer/installed.php": "<?php // commit 2"}, "v1.1.1"),
    (2, "of new features in v1.2", {"app/Shop.php": "<?php // 2"}, "v1.2"),
    (2, "of 1 migration", {"database/migrations/m3.php": source("add_nullable_phone")}, "v1.1.1"),
    (2, "of the configuration in config/app.php", {"config/app.php": "<?php return [1];"}, "v1.1.1"),
    (2, "of the configuration in config/app.php", {"config/app.php": None}, "v1.1.1"),
    (2, "of MAIL_HOST in .env.example", {".env.example": "APP_KEY=\nDB_HOST=\nMAIL_HOST=x"}, "v1.1.1"),
    (2, "of DB_HOST in .env.example", {".env.example": "APP_KEY="}, "v1.1.1"),
    (
        2,
        f"{OVER} v8.83.28 (patch)",
        {"composer.lock": LOCK % "v8.83.28"},
        "v1.1.1",
    ),
    (3, f"{OVER} v9.1.0 (major)", {"composer.lock": LOCK % "v9.1.0"}, "v1.1.1"),
    (
        3,
        f"{OVER} dev-main (unknown)",
        {"composer.lock": LOCK % "dev-main"},
        "v1.1.1",
    ),
    (2, "of the packages vue 3.2.0 (removed)", {"package-lock.json": '{"packages": {}}'}, "v1.1.1"),
    (2, "of its size, 201 files that change", {f"app/F{n}.php": "x" for n in range(201)}, "v1.1.1"),
    (3, "of the new major version v2.0", {}, "v2.0"),
    (3, "of the infrastructure in Dockerfile", {"Dockerfile": "FROM php:8.3"}, "v1.1.1"),
    (3, "of the infrastructure in .github/workflows/ci.yml", {".github/workflows/ci.yml": "on: push"}, "v1.1.1"),
    (
        3,
        "of m3 (line 13: it calls dropColumn old_price of products)",
        {"database/migrations/m3.php": source("drop_column")},
        "v1.1.1",
    ),
    (3, "installed packages differ and no lock does", {"vendor/laravel/framework/a.php": "<?php evil();"}, "v1.1.1"),
    (3, f"{MOST + 1:,} files differ", {f"app/F{n}.php": "x" for n in range(MOST + 1)}, "v1.1.1"),
]


@pytest.mark.parametrize(("category", "because", "changed", "version"), CASES, ids=[case[1][:40] for case in CASES])
def test_what_a_version_contains_makes_its_category(
    category: int, because: str, changed: dict[str, str | None], version: str
) -> None:
    found = asked(changed, version)
    assert found.because.startswith(f"Category {category} because {because}") and found.category == category


def test_the_facts_that_make_a_category_are_said_together_and_lesser_ones_are_not() -> None:
    changed = {"database/migrations/m3.php": source("add_nullable_phone"), "config/app.php": "<?php return [1];"}
    said = "Category 2 because of new features in v1.2, of 1 migration and of the configuration in config/app.php."
    assert asked(changed, "v1.2").because == said
    assert asked({**changed, "Dockerfile": "x"}, "v1.2").because == (
        "Category 3 because of the infrastructure in Dockerfile."
    )


def known(package: str, id_: str, severity: str = "high") -> Advisory:
    return Advisory(package, id_, severity)


@pytest.mark.parametrize(
    ("served", "new", "told"),
    [
        (None, Audit(), ()),
        (Audit((known("vue", "CVE-1"),)), Audit(), ("vue (fixes CVE-1, high)",)),
        (Audit((known("vue", "CVE-1"),)), None, ("vue (had CVE-1, high)",)),
        (None, Audit((), (known("vue", "CVE-1", "low"),)), ("vue (fixes CVE-1, low)",)),
        (None, Audit((known("vue", "CVE-1"),)), ("vue (has CVE-1, high)",)),
        (Audit((known("vue", "CVE-1", "low"),)), Audit((known("vue", "CVE-1"),)), ("vue (has CVE-1, high)",)),
        (Audit((known("acme/pay", "CVE-1"),)), Audit((known("laravel/framework", "CVE-2"),)), ()),
        (
            Audit((known("vue", "CVE-2", "low"), known("axios", "CVE-3", "odd"))),
            Audit((known("vue", "CVE-4", "critical"),)),
            ("vue (has CVE-4, critical)", "vue (fixes CVE-2, low)", "axios (fixes CVE-3, odd)"),
        ),
    ],
)
def test_an_advisory_of_a_package_that_moves_is_a_fact(served: Audit | None, new: Audit | None, told: object) -> None:
    lock = '{"packages": {"node_modules/a/node_modules/axios": {"version": "1.1.0"}}}'
    moved = contents({**SERVED, "package-lock.json": lock})
    found = facts(replace(moved, audit=new), [replace(contents(SERVED), audit=served)], ())
    assert found["advisories"] == told
    same = facts(replace(contents(SERVED), audit=new), [replace(contents(SERVED), audit=served)], ())
    assert same["advisories"] == (), "what does not move is no update"
    made = plan({})
    asked_for = RULES.classify(replace(made, facts={**made.facts, **found}), "production")
    assert asked_for.category == (3 if told else 2)


def test_what_is_not_known_is_the_highest_and_says_what_is_not_known() -> None:
    made = plan({}, unknown="what it changes is not known (v1.1: its artifact is gone)")
    found = RULES.classify(made, "production")
    assert found.because == "Category 3 because what it changes is not known (v1.1: its artifact is gone)."
    assert RULES.classify(deploy(version="v1.1.1"), "production").category == 3


def test_no_condition_on_contents_fits_what_is_not_known() -> None:
    for when in (
        "files_over = 1",
        'files = ["*"]',
        "vendor = false",
        "env = false",
        "first = false",
        "unknown = false",
    ):
        rules = parse_rules(f'{without_rules()}[[rules]]\ncategory = 1\nbecause = "x"\nwhen = {{ {when} }}')
        assert rules.classify(deploy(), "production").category == 3


def test_of_several_releases_that_are_served_every_one_counts() -> None:
    other = contents({**SERVED, "Dockerfile": "FROM php:8.1"})
    found = facts(contents(SERVED), [contents(SERVED), other], ())
    assert found["changed"] == ("Dockerfile",) and found["changed_files"] == 1


def test_the_first_release_is_compared_with_nothing() -> None:
    made = deploy(version="v1.0")
    found = replace(made, facts={**made.facts, **facts(contents(SERVED), [], ()), "version_step": "unknown"})
    assert RULES.classify(found, "production").because == "Category 2 because it is the first release there."


def test_a_rollback_is_category_1_and_configuration_is_category_2() -> None:
    made = replace(deploy(), sha256="", action="rollback", facts={"version_step": "minor"})
    assert RULES.classify(made, "production").category == 1
    keys = replace(made, action="config apply", facts={"config_keys": ("MAIL_HOST",)})
    assert RULES.classify(keys, "production").because == "Category 2 because of the configuration key MAIL_HOST."


@pytest.mark.parametrize("text", ["{", "[]", "null", '{"packages": 3}', '{"packages": [{"name": 1}]}', "[" * 9_000])
def test_a_lock_that_cannot_be_read_counts_as_unknown_when_it_changes(text: str) -> None:
    assert asked({"composer.lock": text}).category == 3


FREELY = [name for name in [*SERVED, "app/New.php", "config/new.php"] if not name.startswith(("database/", "vendor/"))]
"""Not m1, which is pending where its file is new, and not what a lock may explain: then more changes tell more."""


@given(st.dictionaries(st.sampled_from(FREELY), st.sampled_from(["", "x", None])), st.data())
def test_more_changes_never_need_a_lower_category_nor_less_evidence(
    changed: dict[str, str | None], data: st.DataObject
) -> None:
    fewer = data.draw(st.sets(st.sampled_from(sorted(changed)))) if changed else set[str]()
    more, less = asked(changed), asked({name: changed[name] for name in fewer})
    assert more.category >= less.category and set(more.evidence) >= set(less.evidence)


@given(st.dictionaries(st.sampled_from(FREELY), st.sampled_from(["", "x", None])), st.sampled_from(["v1.1.1", "v1.2"]))
def test_a_raised_category_never_needs_less(changed: dict[str, str | None], version: str) -> None:
    made = plan(changed, version)
    steps = [RULES.classify(made, "production", least) for least in range(4)]
    for less, more in pairwise(steps):
        assert more.category >= less.category and set(more.evidence) >= set(less.evidence)
        assert sum(need.count for need in more.needs) >= sum(need.count for need in less.needs)
        assert set(more.strategies) <= set(less.strategies) or not less.strategies
        assert more.expires <= less.expires and more.watch >= less.watch


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('because = "{wether}"', "and not 'wether'"),
        ('because = "x"\nwhen = { files = ["/etc/*"] }', 'and not "/etc/*"'),
        ('because = "x"\nwhen = { files_over = 0 }', "greater than or equal to 1"),
        ('because = "x"\nwhen = { locks = ["huge"] }', "'major', 'minor'"),
    ],
)
def test_a_condition_that_is_none_is_refused_with_its_line(rule: str, said: str) -> None:
    with pytest.raises(BrokenRules, match=r"^rules\.toml:\d+: rules\.") as broken:
        parse_rules(f"{SHIPPED_TEXT}\n[[rules]]\ncategory = 2\n{rule}\n")
    assert said in str(broken.value)
