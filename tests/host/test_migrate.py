"""Migrations through chom-host: what was applied is named, also where it failed half way."""

from __future__ import annotations

import json

import pytest

from actions.host.chom_host import server
from tests.host.deploys import R1, deploy
from tests.host.server import Channel, Server

APPLIED = ["2025_01_01_000000_create_notes", "2025_02_01_000000_add_author"]
LARAVEL_8 = """print("Migrating: 2025_01_01_000000_create_notes")
print("Migrated:  2025_01_01_000000_create_notes (12.31ms)")
print("Migrating: 2025_02_01_000000_add_author"); print("Migrated:  2025_02_01_000000_add_author (1.02ms)")
"""
LARAVEL_11 = """print(); print("   INFO  Running migrations.  "); print()
print("  2025_01_01_000000_create_notes ............................ 12.31ms DONE")
print("\\x1b[1m  2025_02_01_000000_add_author \\x1b[90m........\\x1b[39m 1.02ms \\x1b[32;1mDONE\\x1b[39;22m  ")
"""


@pytest.mark.parametrize("output", [LARAVEL_8, LARAVEL_11], ids=["Laravel 8", "Laravel 11"])
def test_migrate_names_what_it_applied(server: Server, channel: Channel, output: str) -> None:
    channel.run("run/stage/forward", "stage", server.stage_args(R1, "v1.0"))
    server.artisan("migrate", output)
    state = channel.run("run/migrate/forward", "migrate", {"release": R1})
    assert state["ok"] and state["applied"] == APPLIED
    assert state["summary"] == f"2 migrations applied: {', '.join(APPLIED)}"
    assert server.php_log("migrate")[0]["options"][:2] == ["--force", "--no-interaction"]
    server.artisan("migrate", "print('Nothing to migrate.')")
    again = channel.run("run/migrate/again", "migrate", {"release": R1})
    assert (again["ok"], again["summary"], again["applied"]) == (True, "nothing to migrate", [])
    seen = channel.ask("survey")
    assert (seen["migrations"], seen["ran"]) == (APPLIED, dict.fromkeys(APPLIED, R1)), "whose name the backup has"


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("a word from the migrationMigrated:  2025_01_01_000000_create_notes (1ms)", "2025_01_01_000000_create_notes"),
        ("a word 2025_01_01_000000_create_notes .... 1ms DONE", "2025_01_01_000000_create_notes"),
        ("PASSWORD=xMigrated:  2025_01_01_000000_create_notes (1ms)", "2025_01_01_000000_create_notes"),
        ("Migrating: 2025_01_01_000000_create_notes", ""),
        ("  2025_01_01_000000_create_notes ........ 1ms FAIL", ""),
        ("  2025_01_01_000000_create_notes ........ DONE 12 of 40 rows", ""),
        ("Nothing to migrate.", ""),
    ],
)
def test_a_line_that_says_what_was_applied(line: str, name: str) -> None:
    assert server.applied_migration(line) == name


def test_migrate_that_fails_half_way_names_what_stays(server: Server, channel: Channel) -> None:
    channel.run("run/stage/forward", "stage", server.stage_args(R1, "v1.0"))
    server.artisan("migrate", LARAVEL_8 + "print('SQLSTATE[42S01]: table exists'); sys.exit(1)")
    state = channel.run("run/migrate/forward", "migrate", {"release": R1})
    assert not state["ok"] and state["applied"] == APPLIED
    assert state["summary"].startswith("php artisan migrate failed with exit status 1; applied before that")
    assert "SQLSTATE[42S01]: table exists" in state["lines"]
    recorded = [json.loads(line) for line in (server.state / "migrations.jsonl").read_text().splitlines()]
    assert [(r["migration"], r["release"]) for r in recorded] == [(name, R1) for name in APPLIED]


def test_survey_knows_the_migrations_of_the_served_release(server: Server, channel: Channel) -> None:
    deploy(server, channel, R1, "v1.0")
    seen = channel.ask("survey")
    assert seen["migrations"] == seen["releases"][0]["migrations"] == ["2025_01_01_000000_create_notes"]
