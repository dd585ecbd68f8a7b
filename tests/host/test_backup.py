"""The database is backed up whole or not at all, and nobody learns its password on the way."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import sqlite3
import stat
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from actions.host.chom_host import dotenv
from actions.host.chom_host.base import Failed
from actions.host.chom_host.settings import Settings
from tests.host.server import Channel, Server

NAME, LATER = "20261121_100000", "20261122_100000"
PASSWORD = 'pa"ss\\w#rd'
DUMP = """#!/usr/bin/env python3
import json, os, pathlib, sys
here = pathlib.Path(__file__).parent
options = pathlib.Path(sys.argv[1].partition("=")[2])
(here / "dump.json").write_text(json.dumps({
    "argv": sys.argv[1:], "options": options.read_text(), "mode": options.stat().st_mode & 0o777}))
exec((here / "dump.py").read_text())
"""
WHOLE = """
print("-- MariaDB dump 10.19")
for table in ("notes", "users"):
    print(f"CREATE TABLE `{table}` (id int);\\nINSERT INTO `{table}` VALUES (1);")
print("-- Dump completed on 2026-11-21 10:00:00")
"""


@pytest.fixture
def mariadb(server: Server) -> Server:
    """A server whose mariadb-dump does what `dumps` says."""
    server.program("mariadb-dump", DUMP)
    server.settings(dump=str(server.bin / "mariadb-dump"), backups=str(server.root / "backups"))
    quoted = PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
    (server.www / "shared/.env").write_text(f'DB_DATABASE=chom\nDB_USERNAME=chom\nDB_PASSWORD="{quoted}"\n')
    dumps(server, WHOLE)
    return server


def dumps(server: Server, script: str) -> None:
    (server.bin / "dump.py").write_text(script)


def back_up(channel: Channel, name: str = NAME, days: int = 7) -> dict[str, Any]:
    back_up.number = getattr(back_up, "number", 0) + 1  # type: ignore[attr-defined]
    return channel.run(f"run{back_up.number}/backup/forward", "backup", {"name": name, "days": days})


def files(server: Server) -> list[str]:
    return sorted(path.name for path in (server.root / "backups/database").iterdir())


def test_a_backup_is_whole_private_and_checked(mariadb: Server, channel: Channel) -> None:
    state = back_up(channel)
    assert state["ok"], state
    assert state["summary"].startswith("chom_20261121_100000.sql.gz was made and read back: 2 tables, ")
    place = mariadb.root / "backups/database"
    made = place / f"chom_{NAME}.sql.gz"
    assert files(mariadb) == [made.name, f"{made.name}.sha256"]
    assert gzip.decompress(made.read_bytes()).decode().startswith("-- MariaDB dump")
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    assert (place / f"{made.name}.sha256").read_text() == f"{digest}  {made.name}\n", "as sha256sum -c wants it"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600 and stat.S_IMODE(place.stat().st_mode) == 0o700


def test_the_password_is_on_no_command_line_and_in_no_log(mariadb: Server, channel: Channel) -> None:
    dumps(mariadb, WHOLE + "print('connected with', options.read_text(), file=sys.stderr)")
    assert back_up(channel)["ok"]
    told = json.loads((mariadb.bin / "dump.json").read_text())
    assert told["argv"][-1] == "chom" and "--single-transaction" in told["argv"]
    assert not any(PASSWORD in word for word in told["argv"])
    assert "loose-ssl-verify-server-cert=0\n" in told["options"], "an 11.4 client would ask for TLS"
    assert told["mode"] == 0o600 and 'password="pa\\"ss\\\\w#rd"' in told["options"]
    assert not list(mariadb.state.rglob("*.cnf")), "the file with the password is gone"
    assert PASSWORD not in mariadb.log() and "w#rd" not in mariadb.log()


def test_a_second_job_finds_the_backup_there(mariadb: Server, channel: Channel) -> None:
    assert back_up(channel)["ok"]
    dumps(mariadb, "sys.exit('it is not to be made twice')")
    again = back_up(channel)
    assert (again["ok"], again["summary"]) == (True, f"chom_{NAME}.sql.gz is there already")


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (
            "sys.exit('Warning: old\\nGot error: 2026: SSL is required\\n')",
            "mariadb-dump failed with exit status 1: Got error: 2026: SSL is required",
        ),
        (
            "sys.exit('no: ' + options.read_text().splitlines()[-3])",
            "mariadb-dump failed with exit status 1: no: ",
        ),
        (WHOLE + "sys.exit(3)", "mariadb-dump failed with exit status 3"),
        ("print('-- MariaDB dump 10.19')", "the dump has no end"),
        ("import signal; os.kill(os.getpid(), signal.SIGKILL)", "mariadb-dump was ended by SIGKILL"),
    ],
)
def test_what_is_not_whole_is_no_backup(mariadb: Server, channel: Channel, script: str, why: str) -> None:
    dumps(mariadb, script)
    state = back_up(channel)
    assert not state["ok"] and state["summary"].startswith(why) and "w#rd" not in state["summary"]
    assert files(mariadb) == []


def test_what_the_dump_says_is_told(mariadb: Server, channel: Channel) -> None:
    dumps(mariadb, "sys.exit('mariadb-dump: Got error: 1045: Access denied')")
    assert "mariadb-dump: Got error: 1045: Access denied" in back_up(channel)["lines"]


def test_old_backups_go_and_others_files_stay(mariadb: Server, channel: Channel) -> None:
    assert back_up(channel)["ok"]
    place = mariadb.root / "backups/database"
    (place / "by-hand.sql.gz").touch()
    (place / ".chom_20260101_000000.sql.gz.part").touch()
    long_ago = time.time() - 7 * 86400 - 60
    for path in place.iterdir():
        os.utime(path, (long_ago, long_ago))
    state = back_up(channel, LATER)
    assert state["summary"].endswith("; 1 older than 7 days was removed")
    assert files(mariadb) == ["by-hand.sql.gz", f"chom_{LATER}.sql.gz", f"chom_{LATER}.sql.gz.sha256"]


def test_a_server_without_the_program_says_so(mariadb: Server, channel: Channel) -> None:
    (mariadb.bin / "mariadb-dump").unlink()
    state = back_up(channel)
    assert not state["ok"] and "mariadb-dump cannot be started" in state["summary"]
    assert files(mariadb) == []


def test_sqlite_is_copied_while_others_write(server: Server, channel: Channel) -> None:
    source = server.root / "database.sqlite"
    server.settings(backups=str(server.root / "backups"))
    (server.www / "shared/.env").write_text(f"DB_CONNECTION=sqlite\nDB_DATABASE={source}\n")
    missing = back_up(channel)
    assert missing["ok"] and missing["summary"] == f"there is no database yet ({source})"
    with closing(sqlite3.connect(source)) as live:
        live.executescript("create table notes (id int); insert into notes values (1); pragma journal_mode=wal;")
        live.execute("insert into notes values (2)")  # not committed
        state = back_up(channel)
    assert state["ok"] and "1 table, " in state["summary"], state
    copy = server.root / "copy.sqlite"
    copy.write_bytes(gzip.decompress((server.root / f"backups/database/database_{NAME}.sqlite.gz").read_bytes()))
    with closing(sqlite3.connect(copy)) as found:
        assert found.execute("select id from notes").fetchall() == [(1,)]


LOCAL = ("127.0.0.1", "3306")
DATABASES = {
    "DB_DATABASE=chom\nDB_PASSWORD=a b # no": dotenv.Database("mysql", "chom", *LOCAL, "", "", "a b"),
    "DB_CONNECTION=mariadb\nDB_DATABASE='x'\nDB_SOCKET=/s": dotenv.Database("mariadb", "x", *LOCAL, "/s"),
    'export DB_DATABASE="c\\"h"\n#DB_DATABASE=no': dotenv.Database("mysql", 'c"h', *LOCAL),
    "DB_URL=mysql://u:p%40ss@db:3307/chom": dotenv.Database("mysql", "chom", "db", "3307", "", "u", "p@ss"),
}


@pytest.mark.parametrize(("text", "found"), DATABASES.items())
def test_the_database_that_the_settings_name(tmp_path: Path, text: str, found: dotenv.Database) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/.env").write_text(text)
    assert dotenv.database(Settings(www=str(tmp_path))) == found


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("DB_CONNECTION=pgsql\nDB_DATABASE=x", "of the kind “pgsql”"),
        ("APP_NAME=chom", "does not say which database"),
        (None, "cannot be read"),
    ],
)
def test_a_database_that_cannot_be_backed_up(tmp_path: Path, text: str | None, why: str) -> None:
    (tmp_path / "shared").mkdir()
    if text is not None:
        (tmp_path / "shared/.env").write_text(text)
    with pytest.raises(Failed, match=why):
        dotenv.database(Settings(www=str(tmp_path)))
