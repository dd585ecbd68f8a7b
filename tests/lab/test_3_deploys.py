"""Deploys and rollbacks of a real Laravel by the real bot, typed and clicked in Slack, with users on the site.

The tests of the lab are one story, in the order of their files: each begins where the one before has ended.
"""

from __future__ import annotations

import http.client
import json
import time

from tests.lab import site
from tests.lab.bot_process import Bot, chom_host
from tests.lab.conftest import Lab, Users
from tests.lab.releases import DOOMED, SUBTITLE, SUMMARY
from tests.lab.site import query
from tests.lab.slack import Slack
from tests.lab.vps import Vps

FIRST = "2026_01_01_000000_create_notes"
DONE = "is live on production"


def served(vps: Vps) -> str:
    """What a user is given now."""
    connection = http.client.HTTPConnection(vps.address, timeout=10)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def migrations(vps: Vps) -> list[str]:
    """The database's own list, in the order of their ids."""
    return query(vps, "select migration from migrations order by id").split()


def columns(vps: Vps) -> set[str]:
    return set(query(vps, "select column_name from information_schema.columns where table_name='notes'").split())


def current(vps: Vps) -> str:
    """The id of the release that is served."""
    return vps.ssh("readlink /var/www/chom_current").stdout.decode().strip().removeprefix("releases/")


def releases(vps: Vps) -> list[str]:
    return vps.ssh("ls /var/www/releases").stdout.decode().split()


def worker_runs(vps: Vps, release: str) -> None:
    """Until the queue worker has left the old release and begun anew in this one."""
    deadline = time.monotonic() + 30
    while (found := site.worker(vps)) != release:
        assert time.monotonic() < deadline, f"the worker runs {found!r}, not {release}"
        time.sleep(0.2)


def test_the_first_deploy_ever(vps: Vps, bot: Bot, channel: Slack) -> None:
    channel.command("dev", "plan deploy v1.0")
    channel.whisper("dev", "Only a plan: nothing has been started.")
    card = channel.ask_and_approve("deploy v1.0", "Deploy v1.0 to production")
    done = channel.card_says("Deploy v1.0 to production", DONE)
    assert served(vps) == "CHOM v1.0"
    assert migrations(vps) == [FIRST]
    assert vps.ssh("readlink /var/www/chom").stdout.strip() == b"chom_current"
    assert releases(vps) == [current(vps)]
    assert FIRST in json.dumps(done["blocks"]), "the card names the migration that stays"
    told = "Migrations on app1: 1 applied"
    channel.until(lambda _: any(told in said for said in channel.thread(card)), f"the thread says {told!r}")


def test_a_version_with_a_migration(vps: Vps, channel: Slack, users: Users) -> None:
    worker_runs(vps, blue := current(vps))
    query(vps, "insert into notes (text) values ('Größe: 3 × 4 Ω')")
    channel.ask_and_approve("deploy v1.1", "Deploy v1.1 to production")
    channel.card_says("Deploy v1.1 to production", DONE)
    assert served(vps) == "CHOM v1.1"
    assert migrations(vps) == [FIRST, SUBTITLE] and "subtitle" in columns(vps)
    assert releases(vps) == [blue, current(vps)], "BLUE is kept"
    worker_runs(vps, current(vps))
    users.were_given("v1.0", "v1.1")
    assert users.seen()["served"]["v1.0"] > 20


def test_the_backup_is_the_database_as_it_was_before_and_can_be_restored(vps: Vps) -> None:
    place = "/var/backups/chom/database"
    files = vps.ssh(f"ls {place}").stdout.decode().split()
    assert files == [name for id_ in releases(vps) for name in (f"chom_{id_}.sql.gz", f"chom_{id_}.sql.gz.sha256")]
    made = f"{place}/chom_{current(vps)}.sql.gz"
    assert vps.ssh(f"stat -c '%U %a' {made}").stdout == b"ops 600\n"
    vps.ssh(f"cd {place} && sha256sum --check --quiet *.sha256")
    vps.ssh(f"mariadb -e 'create database restored' && gunzip < {made} | mariadb restored")
    try:
        assert query(vps, "select migration from restored.migrations") == FIRST
        assert query(vps, "select text from restored.notes") == "Größe: 3 × 4 Ω"
        assert not query(vps, "show columns from restored.notes like 'subtitle'")
    finally:
        vps.ssh("mariadb -e 'drop database restored'")


def test_debian_13_backs_up_a_database_that_has_no_certificate(lab: Lab, bot: Bot, channel: Slack) -> None:
    """app2's chom-host dumps with MariaDB 11.8's client, and each table of MariaDB 10.11 on app1 comes out the same."""
    alone = f"MYSQL_PWD={site.DB_PASSWORD} mariadb-dump --host={lab.app1.address} --user=chom chom"
    refused = lab.app2.ssh(alone, check=False)
    assert refused.returncode and b"SSL is required" in refused.stderr, "left alone it would insist on TLS"
    name = current(lab.app2)
    with chom_host(bot, lab.app2) as host:
        fence = host.ask("survey")["fence"]
        done = host.run("by-hand/backup/forward", "backup", {"name": name, "days": 7}, fence=fence)
    tables = query(lab.app1, "show tables").split()
    assert done["ok"] and f" was made and read back: {len(tables)} tables, " in done["summary"], done
    dump = lab.app2.ssh(f"gunzip --stdout /var/backups/chom/database/chom_{name}.sql.gz").stdout
    lab.app1.ssh("mariadb -e 'create database restored'")
    try:
        lab.app1.ssh("mariadb restored", stdin=dump)
        sums = [query(lab.app1, f"checksum table {table}, restored.{table}").split()[1::2] for table in tables]
        assert tables and all(one == two != "NULL" for one, two in sums), (tables, sums)
        assert query(lab.app1, "select text from restored.notes") == "Größe: 3 × 4 Ω"
    finally:
        lab.app1.ssh("mariadb -e 'drop database restored'")


def test_a_broken_version_is_served_to_nobody(vps: Vps, channel: Slack, users: Users) -> None:
    blue, before = current(vps), releases(vps)
    title = "Deploy v1.2 to production"
    channel.ask_and_approve("deploy v1.2", title)
    card = channel.card_says(title, "Turned back.")
    for said in ("HTTP 500: the mail server is not configured", "v1.1 serves as before; nothing was switched"):
        assert said in card["text"], "what was wrong, in the page's own words, and what is true now"
    assert (served(vps), current(vps), releases(vps)) == ("CHOM v1.1", blue, before)
    users.were_given("v1.0", "v1.1")


def test_a_migration_that_fails_names_what_was_applied(vps: Vps, channel: Slack, users: Users) -> None:
    blue, before = current(vps), releases(vps)
    title = "Deploy v1.3 to production"
    channel.ask_and_approve("deploy v1.3", title)
    card = channel.card_says(title, "Turned back.")
    assert f"The applied migration stays: {SUMMARY}." in card["text"]
    assert DOOMED not in card["text"]
    assert migrations(vps) == [FIRST, SUBTITLE, SUMMARY] and "doomed" not in columns(vps)
    assert (served(vps), current(vps), releases(vps)) == ("CHOM v1.1", blue, before)
    assert DOOMED not in migrations(vps)
    users.were_given("v1.0", "v1.1")


def test_rollback(vps: Vps, channel: Slack, users: Users) -> None:
    old, new = releases(vps)
    worker_runs(vps, new)
    channel.ask_and_approve("rollback", "Roll back production: v1.1 → v1.0")
    channel.card_says("Roll back production: v1.1 → v1.0", DONE)
    assert (served(vps), current(vps)) == ("CHOM v1.0", old)
    worker_runs(vps, old)
    assert migrations(vps) == [FIRST, SUBTITLE, SUMMARY], "a rollback leaves the database as it is"
    users.were_given("v1.0", "v1.1", "v1.0")
