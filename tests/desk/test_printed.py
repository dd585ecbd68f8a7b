"""What a terminal shows: everything that the card says of a plan, whoever asked and approved, and nothing that acts."""

from __future__ import annotations

import os
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from actions.engine.plan import Do, Irreversible
from actions.engine.registry import BadCommand, discover
from bot.cli import PLACES, cli
from bot.desk.view import EnvironmentStatus, PastRun
from bot.hosts import host
from bot.shell import printed, with_sentences
from bot.vocabulary import RESERVED, registry
from policies.change import Person
from tests.slack.changes import AT, CHANGE, MIGRATIONS, PEOPLE, PLAN, after, yes
from tests.slack.journals import STAGED
from tests.slack.views import GO, STAGES, WAITS, view

TITLE = PLAN.title
TYPED = CliRunner()
NASTY = st.one_of(st.sampled_from(["\x1b[2J\x1b[H", "\u202eevil", "a\nb\rc", "\x9b31m", "", "x" * 5000]), st.text())


def test_the_plan_as_it_is_asked_for() -> None:
    lines = printed.plan(view())
    assert lines[:2] == [f"{TITLE} (chg-7f3kq2)", "  asked for by Dana Dev (“the new checkout”)."]
    steps = [line.removesuffix(" (cannot be undone)") for line in lines[2 : 2 + len(PLAN.steps)]]
    beside = {"backup": ", at the same time as step 2", "verify": ", at the same time as step 7"}
    titles = [f"{step.title}{beside.get(step.name, '')}" for step in PLAN.steps]
    assert steps == [f"  {number}. {title}" for number, title in enumerate(titles, 1)]
    for_good = [step for step in PLAN.steps if isinstance(step, Do) and isinstance(step.undo, Irreversible)]
    assert for_good
    for step in for_good:
        number = PLAN.steps.index(step) + 1
        assert f"  {number}. {step.title} (cannot be undone)" in lines
        assert f"  Step {number} cannot be undone: {step.undo.what}" in lines
    assert all(any(name in line for line in lines) for name in MIGRATIONS)
    because = CHANGE.requirement.because.rstrip(".")
    assert lines[-2:] == [f"  {because}.", f"  replaces v1.1, commit {PLAN.commit[:10]}"]


def test_the_help_of_a_shell_knows_every_command_of_host() -> None:
    usage = next(word.usage for word in registry().reserved if word.head == "host")
    assert usage.removeprefix("host ").split("|") == [command.name for command in host.registered_commands]


def test_migrations_that_no_step_names_and_those_that_a_rollback_leaves() -> None:
    facts = {"migrations_left": ("2026_12_01_000000_more",), "older_than": "v1.3", "way_back": "forward-only"}
    facts |= {"destructive": MIGRATIONS[:1]}
    plan = replace(CHANGE.plan, steps=CHANGE.plan.steps[:2], facts=facts)
    lines = printed.plan(view(change=replace(CHANGE, plan=plan)))
    assert f"  Migrations that will be applied: {MIGRATIONS[0]} and {MIGRATIONS[1]}." in lines
    assert "  Older than v1.3, which is live." in lines
    assert "  Going back behind it needs a restore." in lines
    assert any(line.startswith("  Forward-only: 1 migration that v1.2 lacks stays in") for line in lines)
    assert "  Stay in the database: 2026_12_01_000000_more." in lines


def test_a_preview_says_that_it_is_one_and_names_no_change() -> None:
    lines = printed.preview(view())
    only = lines.index("Only a plan: nothing has been started, and nothing waits for anybody.")
    assert lines[only + 1 :] == [
        "If Dana Dev asks for it:",
        f"  ◷ {WAITS.said}",
        "    · Category 1 because every change needs a Tech Lead.",
        "    ◷ Still needs a Tech Lead: Lea Lead can approve it.",
        "    · If nobody decides, it lapses 2026-11-23 18:02 UTC; each word holds for 4 hours.",
    ]
    assert "chg-" not in "\n".join(lines)


@pytest.mark.parametrize("stage", ["done", "turned_back"])
def test_a_past_run_has_its_result_and_its_people(stage: str) -> None:
    ended = STAGES[stage].run.ended
    assert ended
    assert printed.past(PastRun(STAGES[stage], after(41), ended.at)) == [
        f"2026-11-23 14:02 UTC {TITLE} (chg-7f3kq2)",
        f"    {stage.replace('_', ' ')}: {ended.summary}",
        "    asked for by Dana Dev (“the new checkout”); approved by Lea Lead.",
    ]


def test_a_request_that_came_to_nothing_says_who_ended_it_and_why() -> None:
    assert printed.past(PastRun(STAGES["rejected_free"], after(41), None)) == [
        f"2026-11-23 14:02 UTC {TITLE} (chg-7f3kq2): rejected; asked for by Dana Dev (“the new checkout”).",
        "    Lea Lead rejected it: not now.",
    ]


def test_a_run_under_way_is_in_the_past_too() -> None:
    assert printed.past(PastRun(STAGES["running"], after(41), None))[1] == "    running"


def test_a_past_run_that_nobody_had_to_approve() -> None:
    free = replace(CHANGE, reason="", requirement=replace(CHANGE.requirement, needs=()))
    run = PastRun(view(GO, entries=STAGED, change=free), AT, None)
    assert printed.past(run)[-1] == "    asked for by Dana Dev; nobody had to approve it."


def test_status_says_what_runs_and_what_waits() -> None:
    migrates = PLAN.steps.index(PLAN.step("migrate")) + 1
    one = EnvironmentStatus("production", None, "app2 does not answer.", STAGES["running"], (STAGES["waiting"],))
    assert printed.status(one) == [
        "production: app2 does not answer.",
        f"    now: {TITLE} (chg-7f3kq2): running, step {migrates} of {len(PLAN.steps)}",
        f"    waits: {TITLE} (chg-7f3kq2): {WAITS.said}",
    ]


def test_status_says_of_a_run_that_nobody_walks_what_moves_it_again() -> None:
    one = EnvironmentStatus("production", None, "app2 does not answer.", STAGES["running"], (), idle=True)
    assert printed.status(one)[-1] == (
        "      No bot goes on with it now. To go on here: `chom-bot follow chg-7f3kq2`; to turn it back: "
        "`chom-bot stop chg-7f3kq2`. A bot that starts goes on too."
    )


def test_whoever_leaves_is_told_that_a_run_may_stand_still(capsys: pytest.CaptureFixture[str]) -> None:
    async def left() -> int:
        raise KeyboardInterrupt

    assert with_sentences(left) == 130
    assert "goes on where a bot serves, and else stands still" in capsys.readouterr().err


def test_status_says_who_has_a_canary_and_that_it_is_held() -> None:
    one = EnvironmentStatus("production", None, "app2 does not answer.", STAGES["canary_held"], ())
    *_, said, typed = printed.status(one)
    assert said.startswith("      10 % of users have v1.2, the others v1.1. ")
    assert "It is held; if nobody answers within" in said
    assert typed == "      In a shell: chom-bot answer chg-7f3kq2 promote to 25 %"


def test_a_question_is_answered_by_a_command() -> None:
    assert printed.answers(STAGES["asked"])[0] == "In a shell: chom-bot answer chg-7f3kq2 try again"
    last = [f"In a shell: chom-bot answer chg-7f3kq2 {said}" for said in ("make v1.2 live", "hold")]
    assert printed.answers(STAGES["canary_last"]) == last
    assert printed.answers(STAGES["running"]) == []


def test_times_are_in_utc() -> None:
    assert printed.spoken("It is closed until 2026-11-23T22:21:51Z.") == "It is closed until 2026-11-23 22:21 UTC."


def test_what_the_desk_says_to_type_is_what_one_types_here() -> None:
    assert printed.spoken("Use `rollback`, or ask for `php artisan`.") == (
        "Use `chom-bot rollback`, or ask for `php artisan`."
    )


@settings(max_examples=80, deadline=None)
@given(
    *[st.one_of(st.sampled_from(["\x1b[2J\x1b[H", "\u202eevil", "a\nb\rc", "\x9b31m", "", "x" * 5000]), st.text())] * 3
)
def test_no_foreign_word_moves_the_cursor_or_begins_a_line(name: str, reason: str, title: str) -> None:
    people = PEOPLE | {"dev": Person("dev", name, frozenset())}
    change = replace(CHANGE, reason=reason, plan=replace(CHANGE.plan, title=title, facts={"replaces": title}))
    seen = replace(view(GO, yes(change=change), change=change), people=people)
    one = EnvironmentStatus("production", None, reason, seen, (seen,))
    lines = [*printed.plan(seen), *printed.preview(seen), *printed.past(PastRun(seen, AT, None)), *printed.status(one)]
    for char in "".join(lines):
        assert unicodedata.category(char) not in {"Cc", "Cf", "Zl", "Zp"}, repr(char)


@pytest.mark.parametrize(
    "words",
    [
        ["deplyo", "v1.2"],
        ["hlep"],
        ["x;", "rm", "-rf", "/"],
        ["$(x)"],
        ["../x"],
        ["<!channel>"],
        ["\u202edeploy"],
        ["x" * 3000],
    ],
    ids=str,
)
def test_unknown_words_get_the_advice_that_slack_gives(words: list[str]) -> None:
    with pytest.raises(BadCommand) as wrong:
        discover(RESERVED).match(" ".join(words), ("production",), "production")
    told = TYPED.invoke(cli, words, env={**os.environ, "CHOM_CONFIG": "/nowhere/chom.toml"})
    assert (told.exit_code, told.stdout) == (2, "")
    assert told.stderr.strip().replace("chom-bot ", "/chom ") == str(wrong.value)


def test_every_command_is_in_the_help_and_has_help_of_its_own() -> None:
    told = TYPED.invoke(cli, ["help"]).stdout
    listed = {line.split()[1] for line in told.splitlines() if line.startswith("chom-bot ")}
    assert listed == set(cli_commands())
    for name in listed:
        helped = TYPED.invoke(cli, [name, "--help"])
        assert helped.exit_code == 0
        assert (f"chom-bot help {name}" in helped.stdout) is bool(PLACES[name].settings)
        assert TYPED.invoke(cli, ["help", name]).stdout.startswith(f"chom-bot {name}")
    assert "Did you mean: chom-bot approve <change>?" in TYPED.invoke(cli, ["help", "aprove"]).stdout


def test_the_help_of_config_says_how_a_value_gets_there() -> None:
    assert "Stores new values for the environment file" in PLACES["config"].help


def cli_commands() -> list[str]:
    from typer.main import get_group

    return list(get_group(cli).commands)
