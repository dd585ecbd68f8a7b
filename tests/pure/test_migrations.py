"""Migrations as people write them: each is known for what it does, by its line, or counts as the worst."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.engine.migrations import Effect, WayBack, migration

HERE = Path(__file__).parent / "migrations"
BACK, FORWARD, RESTORE = WayBack.REVERSIBLE, WayBack.FORWARD_ONLY, WayBack.RESTORE

SAFE = {
    "create_users": BACK,
    "create_orders_with_keys": BACK,
    "add_nullable_phone": BACK,
    "add_flag_with_default": BACK,
    "add_timestamps_and_soft_deletes": BACK,
    "add_index_only": BACK,
    "add_unique_on_existing": BACK,
    "add_foreign_key": BACK,
    "add_generated_column": BACK,
    "add_only_where_it_is_missing": BACK,
    "add_to_many_tables": BACK,
    "create_on_another_connection": BACK,
    "words_in_comments_and_strings": BACK,
    "classic_class": BACK,
    "grouped_imports": BACK,
    "sql_create_and_add": BACK,
    "adds_rows": BACK,
    "foreign_keys_off": BACK,
    "no_way_back": FORWARD,
    "without_down": FORWARD,
    "empty_down": FORWARD,
}
LOSES = {
    "drop_column": (13, "calls dropColumn old_price of products"),
    "drop_table": (11, "drops legacy_orders"),
    "drop_inside_if": (15, "calls dropConstrainedForeignId team_id of users"),
    "change_type": (12, "changes the type amount of orders"),
    "sql_drop": (10, "runs ALTER TABLE orders DROP b"),
    "sql_modify": (10, "runs ALTER TABLE ORDERS MODIFY STATE ENUM('','')NOT NULL"),
    "sql_truncate_hidden_by_comment": (10, "runs TRUNCATE TABLE SESSIONS"),
    "sql_joined_constants": (10, "runs DROP TABLE USERS"),
    "truncates": (10, "calls truncate on the rows of cache"),
    "updates_rows": (10, "calls update on the rows of orders"),
    "deletes_rows_in_transaction": (11, "calls delete on the rows of visits"),
    "upper_case_calls": (11, "drops users"),
    "rename_and_drop_table": (12, "drops comments"),
}
BREAKS = {
    "rename_column": (BACK, 12, "calls renameColumn name of users"),
    "rename_table": (BACK, 11, "renames posts"),
    "rename_table_without_down": (RESTORE, 11, "renames posts"),
    "not_null_without_default": (
        BACK,
        12,
        "adds string channel of orders, which must be filled and has no default",
    ),
    "nullable_false": (BACK, 12, "adds string channel of orders, which must be filled and has no default"),
    "drop_unique": (
        BACK,
        12,
        "calls dropUnique users_email_unique of users, a rule that older code may rely on",
    ),
    "sql_not_null": (BACK, 10, "runs ALTER TABLE ORDERS ADD COLUMN CHANNEL VARCHAR(20)NOT NULL"),
}
UNKNOWN = {
    "sql_put_together": (11, "runs SQL that is put together only when it runs"),
    "sql_interpolated": (11, "runs SQL that is put together only when it runs"),
    "sql_procedure": (10, "runs SQL that is not read here (CREATE TRIGGER T"),
    "sql_executable_comment": (10, "runs SQL that is not read here"),
    "uses_a_model": (16, "calls User::query->each"),
    "calls_a_helper": (18, "calls $this->addAuditColumns"),
    "uses_a_trait": (9, "uses a trait"),
    "calls_artisan": (12, "calls Artisan::call"),
    "another_schema": (11, "calls Schema::create"),
    "macro_on_the_blueprint": (12, "calls auditColumns"),
    "closure_in_a_default": (12, "calls default"),
    "parent_that_is_not_laravels": (8, "cannot be read here: its class extends basemigration"),
    "code_beside_the_class": (3, "cannot be read here: it does more than to declare one migration"),
    "method_by_name": (12, "has an instruction that is not read here"),
    "alternative_syntax": (11, "has an instruction that is not read here"),
    "shell": (12, "cannot be read here"),
    "permission_tables": (22, "has an instruction that is not read here"),
}


def source(name: str) -> str:
    return (HERE / f"{name}.php").read_text(encoding="utf-8")


def test_every_migration_that_is_there_is_in_one_of_the_tables() -> None:
    assert sorted([*SAFE, *LOSES, *BREAKS, *UNKNOWN]) == sorted(path.stem for path in HERE.iterdir())
    assert len(list(HERE.iterdir())) >= 40


@pytest.mark.parametrize("name", SAFE)
def test_what_only_adds_is_not_destructive(name: str) -> None:
    found = migration(source(name).encode())
    assert found.worst is None and not found.destructive
    assert found.up and found.back is SAFE[name]


@pytest.mark.parametrize("name", LOSES)
def test_what_loses_data_is_destructive_by_its_line_and_needs_a_restore(name: str) -> None:
    found = migration(source(name).encode())
    assert found.worst is not None and found.worst.effect is Effect.LOSES
    assert (found.worst.line, found.worst.what) == LOSES[name] and found.back is RESTORE


@pytest.mark.parametrize("name", BREAKS)
def test_what_older_code_may_not_go_on_with_is_destructive(name: str) -> None:
    found = migration(source(name).encode())
    assert found.worst is not None and found.worst.effect is Effect.BREAKS
    assert (found.back, found.worst.line, found.worst.what) == BREAKS[name]


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_cannot_be_read_counts_as_destructive_and_says_where(name: str) -> None:
    found = migration(source(name).encode())
    assert found.worst is not None and found.worst.effect is Effect.UNKNOWN
    line, words = UNKNOWN[name]
    assert found.worst.line == line and found.worst.what.startswith(words) and found.back is RESTORE


HOSTILE = (
    "Schema::drop('users');",
    "\\Schema::DROPIFEXISTS('users');",
    "DB::statement('DROP TABLE users');",
    '\\Illuminate\\Support\\Facades\\DB::unprepared("DROP TABLE users");',
    "$this->helper();",
    "helper();",
    "(function () { User::truncate(); })();",
    "'system'('true');",
    "['User', 'truncate']();",
    "new Dropper();",
    "$x = new Dropper;",
    "$x = User::truncate();",
    "$x = array_map('system', ['true']);",
    "include 'drop.php';",
    "eval('x');",
    "while (true) { User::truncate(); }",
    "for ($n = 0; $n < 3; $n++) User::truncate();",
    "foreach (User::all() as $user) $user->delete();",
    "if (User::truncate()) {}",
    "if ($x = User::truncate()) {}",
    "switch (1) { case 1: User::truncate(); }",
    "return User::truncate();",
    "match (true) { default => User::truncate() };",
    "$x ??= User::truncate();",
    "$x?->delete();",
    "static::drop();",
    "try { User::truncate(); } catch (\\Throwable $e) {}",
    "DB::table('a')->get()->each->delete();",
    "Schema::table('a', $closure);",
    "Schema::table('a', function (Blueprint $t) { $t->drop(); });",
    "Schema::table('a', function (Blueprint $t) { $t->string('b')->nullable()->change(); });",
    "Schema::table('a', fn (Blueprint $t) => $t->string('b'));",
    "Schema::getConnection()->statement('DROP TABLE a');",
    "DB::connection()->getPdo()->exec('DROP TABLE a');",
    "echo User::truncate();",
    "`rm x`;",
    "DB::statement(<<<X\nDROP TABLE a\nX);",
    "#[\nSchema::drop('a');\n]",
    "// a\rSchema::drop('a');",
)


def hostile(text: str) -> list[str]:
    """The migration with something hostile before each instruction of its up()."""
    lines, made = text.splitlines(), list[str]()
    begin = next(n for n, line in enumerate(lines) if "function up" in line) + 2
    end = next((n for n, line in enumerate(lines) if "function down" in line), len(lines) - 1) - 1
    for at in range(begin, end):
        before = lines[at - 1].split(" //")[0].strip()
        if before == "{" or before.endswith((");", "{")):
            made += ["\n".join([*lines[:at], bad, *lines[at:]]) for bad in HOSTILE]
    return made


@pytest.mark.parametrize("name", [name for name in SAFE if name != "sql_create_and_add"])
def test_nothing_hides_among_what_is_harmless(name: str) -> None:
    changed = hostile(source(name))
    assert len(changed) >= len(HOSTILE)
    assert [text for text in changed if not migration(text.encode()).destructive] == []


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<?php",
        b"<?php ",
        b"\xff<?php ",
        b"<?php \xff",
        b"<?php return new class extends Migration { public function up() { Schema::drop('a'); } }",
        b"<?php " + b"(" * 500,
        b"<?php " + b"[" * 50 + b"]" * 50,
        b"<?php ?> <?php ",
        b"<?php // ?> ",
        b"<?php /* ",
        b"<?php ' ",
        b"<?php <<<X\n",
        b"<?php " + b"x" * (600 << 10),
    ],
)
def test_what_is_no_migration_counts_as_the_worst(text: bytes) -> None:
    found = migration(text)
    assert found.destructive and found.back is RESTORE


@given(st.sampled_from([*SAFE, *LOSES, *UNKNOWN]), st.data())
def test_whatever_a_file_holds_it_is_read_or_said_to_be_unreadable(name: str, data: st.DataObject) -> None:
    text = source(name).encode()
    at = data.draw(st.integers(0, len(text)))
    odd = data.draw(
        st.one_of(st.binary(max_size=6), st.sampled_from([b"{", b"}", b"'", b'"', b"/*", b"?>", b"<<<A\n"]))
    )
    found = migration(text[:at] + odd + text[at + data.draw(st.integers(0, 6)) :])
    assert found.destructive in (True, False) and found.back in WayBack


HEAD = "<?php use Illuminate\\Database\\Migrations\\Migration; use Illuminate\\Support\\Facades\\DB; "
UP = HEAD + "return new class extends Migration { public function up() { "


@pytest.mark.parametrize(
    "text",
    [
        "<?php " + "'\\" * 60_000,
        "<?php " + "/*" * 60_000,
        "<?php " + "<<<A\n" * 25_000,
        "<?php " + "<<<A\n" * 25_000 + "A",
        UP + ";x" * 20_000 + "} };",
        UP + "$x->a()" * 15_000 + "; } };",
        UP + "$x = [" + "a," * 60_000 + "]; User::truncate(); } };",
        UP + "DB::statement('" + "ADD " * 30_000 + "'); } };",
        UP + "DB::statement('" + "/* x " * 20_000 + "'); } };",
    ],
    ids=["quotes", "comments", "texts", "texts that end", "instructions", "calls", "values", "SQL", "SQL comments"],
)
def test_nobody_waits_long_for_a_file_that_is_made_to_be_slow(text: str) -> None:
    begun = time.process_time()
    assert migration(text.encode()).destructive
    assert time.process_time() - begun < 20
