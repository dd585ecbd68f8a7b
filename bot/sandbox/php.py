"""The sandbox's `php`: runs `artisan` as Laravel 8 does, on a real (SQLite) database; standard library only.

It is started as a file (`python -I -S php.py artisan migrate --force`), so that it costs milliseconds like PHP.
A migration's Schema calls are read from its PHP and executed; two comments in a migration steer it:
`// sandbox: takes 2.5` (seconds, before the change) and `// sandbox: fails SENTENCE`.
"""

from __future__ import annotations

import json
import re
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

_TYPES = {"id": "integer primary key", "integer": "integer", "boolean": "integer", "decimal": "numeric"}
_COLUMN = re.compile(r"\$table->(\w+)\((?:'(\w+)')?")
_SCHEMA = re.compile(r"Schema::(create|table)\('(\w+)'")
_TAKES = re.compile(r"//\s*sandbox:\s*takes\s+([\d.]+)")
_FAILS = re.compile(r"//\s*sandbox:\s*fails\s+(.+)")


def _say(line: str, to: TextIO = sys.stdout) -> None:
    to.write(line + "\n")
    to.flush()


class MigrationFailed(Exception):
    """The message is the sentence that Laravel prints."""


def database(release: Path) -> str:
    """Where the database lies that the release's .env names. Raises KeyError where it names none, OSError."""
    text = (release / ".env").read_text(encoding="utf-8")
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)["DB_DATABASE"]


def connect(release: Path) -> sqlite3.Connection:
    """The release's database. Raises KeyError where it names none."""
    opened = sqlite3.connect(database(release), timeout=5, isolation_level=None)
    opened.execute("pragma journal_mode = wal")
    return opened


def missing(release: Path) -> str:
    """What the release's code needs of the database and does not find, as SQL says it; "" where all is there."""
    needs = json.loads((release / "shop.json").read_text(encoding="utf-8"))["needs"]
    database = connect(release)
    try:
        for need in needs:
            table, _, column = need.partition(".")
            columns = [row[1] for row in database.execute(f"pragma table_info({table})")]
            if not columns:
                return f"SQLSTATE[HY000]: General error: 1 no such table: {table}"
            if column and column not in columns:
                return f"SQLSTATE[HY000]: General error: 1 no such column: {table}.{column}"
    finally:
        database.close()
    return ""


def version(release: Path) -> str:
    """What version.php returns."""
    found = re.search(r"return '([^']+)'", (release / "version.php").read_text(encoding="utf-8"))
    return found.group(1) if found else ""


def _statements(php: str) -> Iterator[str]:
    """The SQL of a migration's up()."""
    up = php.partition("function up")[2].partition("function down")[0]
    calls = list(_SCHEMA.finditer(up))
    for call, after in zip(calls, [*calls[1:], None], strict=True):
        body = up[call.end() : after.start() if after else len(up)]
        columns: list[str] = []
        for kind, name in _COLUMN.findall(body):
            if kind == "timestamps":
                columns += ["created_at text", "updated_at text"]
            elif kind == "dropColumn":
                yield f"alter table {call.group(2)} drop column {name}"
            elif kind == "id" or name:
                columns.append(f"{name or 'id'} {_TYPES.get(kind, 'text')}")
        if call.group(1) == "create":
            yield f"create table {call.group(2)} ({', '.join(columns)})"
        else:
            yield from (f"alter table {call.group(2)} add column {column}" for column in columns)


def _migrate(release: Path, options: list[str]) -> int:
    database = connect(release)
    known = database.execute("select 1 from sqlite_master where name = 'migrations'").fetchone()
    if not known:
        database.execute("create table migrations (migration text primary key, batch integer not null)")
        _say("Migration table created successfully.")
    done = {row[0] for row in database.execute("select migration from migrations")}
    todo = [f for f in sorted((release / "database/migrations").glob("*.php")) if f.stem not in done]
    if not todo:
        _say("Nothing to migrate.")
        return 0
    batch = database.execute("select coalesce(max(batch), 0) + 1 from migrations").fetchone()[0]
    for file in todo:
        php = file.read_text(encoding="utf-8")
        if "--pretend" in options:
            for statement in _statements(php):
                _say(f"{file.stem}: {statement}")
            continue
        _say(f"Migrating: {file.stem}")
        began = time.monotonic()
        _apply(database, php)
        database.execute("insert into migrations values (?, ?)", (file.stem, batch))
        _say(f"Migrated:  {file.stem} ({(time.monotonic() - began) * 1000:.2f}ms)")
    return 0


def _apply(database: sqlite3.Connection, php: str) -> None:
    takes, fails = _TAKES.search(php), _FAILS.search(php)
    time.sleep(float(takes.group(1)) if takes else 0)
    if fails:
        raise MigrationFailed(fails.group(1))
    for statement in _statements(php):
        try:
            database.execute(statement)
        except sqlite3.Error as wrong:
            raise MigrationFailed(f"SQLSTATE[HY000]: General error: 1 {wrong} (SQL: {statement})") from None


def _status(release: Path) -> int:
    done = {row[0] for row in connect(release).execute("select migration from migrations")}
    for file in sorted((release / "database/migrations").glob("*.php")):
        _say(f"| {'Yes' if file.stem in done else 'No '} | {file.stem}")
    return 0


def _cache(release: Path, what: str) -> int:
    file, said = {
        "config:cache": ("config.php", ("Configuration cache cleared!", "Configuration cached successfully!")),
        "route:cache": ("routes-v7.php", ("Route cache cleared!", "Routes cached successfully!")),
        "view:cache": ("views.php", ("Compiled views cleared!", "Blade templates cached successfully!")),
    }[what]
    (release / "bootstrap/cache" / file).write_text(f"<?php return ['base' => '{release}'];\n", encoding="utf-8")
    _say("\n".join(said))
    return 0


def _queue_restart(release: Path) -> int:
    (release / "storage/framework").mkdir(parents=True, exist_ok=True)
    (release / "storage/framework/queue-restart").write_text(f"{time.time()}\n", encoding="utf-8")
    _say("Broadcasting queue restart signal.")
    return 0


def artisan(release: Path, command: str, options: list[str]) -> int:
    """One artisan command in a release; the exit status."""
    match command:
        case "migrate":
            return _migrate(release, options)
        case "migrate:status":
            return _status(release)
        case "config:cache" | "route:cache" | "view:cache":
            return _cache(release, command)
        case "queue:restart":
            return _queue_restart(release)
        case "--version":
            _say("Laravel Framework 8.83.27")
            return 0
        case _:
            _say(f'\n  Command "{command}" is not defined.\n', sys.stderr)
            return 1


def main(argv: list[str]) -> int:
    """`php -v`, or `php …/artisan COMMAND [OPTION…]`."""
    if argv[:1] in (["-v"], ["--version"]):
        _say("PHP 8.2.0 (cli) (the sandbox's stand-in)")
        return 0
    script = Path(argv[0] if argv else "artisan").absolute()
    if not script.is_file() or script.name != "artisan":
        _say(f"Could not open input file: {argv[0] if argv else ''}")
        return 1
    try:
        return artisan(script.parent, argv[1] if len(argv) > 1 else "list", argv[2:])
    except MigrationFailed as failed:
        _say(f"\nIn Connection.php line 712:\n\n  {failed}\n", sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
