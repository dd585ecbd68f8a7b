"""The shop's stand-ins behave as Laravel, PHP-FPM and nginx do, as far as a deploy can tell."""

import asyncio
import json
import re
import struct
import subprocess
import sys
import tarfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from actions.engine.contents import Contents, Gathering
from actions.engine.contents.compared import facts
from actions.engine.plan import Plan
from bot.sandbox import php, releases
from bot.sandbox.application import Answers, answer
from bot.sandbox.fastcgi import Fpm, params
from bot.sandbox.keep import any_port
from bot.sandbox.manners import Manners
from bot.sandbox.routing import CANARY, STABLE, Routing
from bot.sandbox.shop import Pool, Shop
from bot.sandbox.traffic import Customers
from policies.rules import load

VERSIONS = {version.name: version for version in releases.VERSIONS}


def unpack(www: Path, version: str) -> Path:
    """A release directory of that version, with the database that all of them share."""
    release = www / "releases" / version
    release.mkdir(parents=True)
    for path, text in releases.files(VERSIONS[version]).items():
        (release / path).parent.mkdir(parents=True, exist_ok=True)
        (release / path).write_text(re.sub(r"takes 0\.\d", "takes 0.01", text))
    (release / ".env").write_text(f"APP_ENV=test\nDB_DATABASE={www / 'database.sqlite'}\n")
    return release


def artisan(release: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """As chom-host runs it: a process of its own."""
    command = [sys.executable, "-I", "-S", php.__file__, "artisan", *words]
    return subprocess.run(command, cwd=release, capture_output=True, text=True, check=False)


def test_a_migration_runs_once_and_is_said_as_laravel_says_it(tmp_path: Path) -> None:
    first = artisan(unpack(tmp_path, "v1.0"), "migrate", "--force")
    assert first.stdout.startswith(
        "Migration table created successfully.\nMigrating: 2026_09_01_080000_create_products\n"
    )
    second = artisan(unpack(tmp_path, "v1.1"), "migrate", "--force")
    lines = second.stdout.splitlines()
    assert lines[0] == "Migrating: 2026_10_20_091500_create_reviews"
    assert lines[1].startswith("Migrated:  2026_10_20_091500_create_reviews (")
    assert lines[1].endswith("ms)") and len(lines) == 2
    assert artisan(tmp_path / "releases/v1.1", "migrate", "--force").stdout == "Nothing to migrate.\n"


def test_a_migration_whose_record_was_lost_fails_when_it_runs_again(tmp_path: Path) -> None:
    release = unpack(tmp_path, "v1.0")
    artisan(release, "migrate", "--force")
    php.connect(release).execute("delete from migrations where migration like '%products'")
    again = artisan(release, "migrate", "--force")
    assert again.returncode == 1
    assert "table products already exists" in again.stderr


def test_a_migration_that_is_marked_to_fail_leaves_the_earlier_ones_applied(tmp_path: Path) -> None:
    release = unpack(tmp_path, "v1.2")
    bad = release / "database/migrations/2026_11_09_140000_add_discount_to_orders.php"
    bad.write_text(bad.read_text().replace("// sandbox: takes 0.01", "// sandbox: fails Lock wait timeout exceeded"))
    failed = artisan(release, "migrate", "--force")
    assert failed.returncode == 1
    assert "Lock wait timeout exceeded" in failed.stderr
    assert failed.stdout.splitlines()[-1] == "Migrating: 2026_11_09_140000_add_discount_to_orders"
    assert "Migrated:  2026_10_20_091500_create_reviews" in failed.stdout


@pytest.mark.parametrize(
    ("command", "said", "made"),
    [
        ("config:cache", "Configuration cached successfully!", "bootstrap/cache/config.php"),
        ("route:cache", "Routes cached successfully!", "bootstrap/cache/routes-v7.php"),
        ("view:cache", "Blade templates cached successfully!", "bootstrap/cache/views.php"),
        ("queue:restart", "Broadcasting queue restart signal.", "storage/framework/queue-restart"),
    ],
)
def test_the_artisan_commands_of_a_deploy_have_their_effect(tmp_path: Path, command: str, said: str, made: str) -> None:
    release = unpack(tmp_path, "v1.0")
    done = artisan(release, command)
    assert (done.returncode, said in done.stdout, (release / made).exists()) == (0, True, True)


def test_an_unknown_artisan_command_and_a_missing_artisan_fail(tmp_path: Path) -> None:
    assert artisan(unpack(tmp_path, "v1.0"), "migrte").returncode == 1
    assert artisan(tmp_path, "migrate").stdout == "Could not open input file: artisan\n"


def test_a_release_is_healthy_once_its_migrations_are_there_and_v1_3_never_is(tmp_path: Path) -> None:
    release, broken = unpack(tmp_path, "v1.2"), unpack(tmp_path, "v1.3")
    assert answer(release, "/health", "staging").status == 500
    artisan(release, "migrate", "--force")
    assert json.loads(answer(release, "/health", "staging").body)["release"] == "v1.2"
    artisan(broken, "migrate", "--force")
    page = answer(broken, "/health", "staging")
    assert (page.status, json.loads(page.body)["error"]) == (
        500,
        "SQLSTATE[HY000]: General error: 1 no such column: orders.gift_card",
    )
    assert answer(broken, "/", "staging").status == 500


def make_shop(root: Path, served: Path) -> Shop:
    """One whose stable pool serves `served`, and whose canary `root`/canary."""
    stable, canary = (
        Pool(name, link, Fpm("staging", root / f"{name}.sock"), Answers("staging", name))
        for name, link in ((STABLE, served), (CANARY, root / "canary"))
    )
    known = Manners({version.name: version.manner for version in releases.VERSIONS})
    return Shop("staging", stable, canary, Routing(root / "run", root / "pins.conf"), known, any_port())


@asynccontextmanager
async def open_shop(root: Path, served: Path) -> AsyncIterator[Shop]:
    """With both of its pools running."""
    shop = make_shop(root, served)
    fpms = [pool.fpm for pool in shop.pools.values()]
    await asyncio.gather(shop.start(), *(fpm.start() for fpm in fpms))
    try:
        yield shop
    finally:
        await asyncio.gather(shop.close(), *(fpm.close() for fpm in fpms))


async def test_the_shop_serves_what_the_symlink_says_and_customers_are_counted(tmp_path: Path) -> None:
    for version in ("v1.0", "v1.3"):
        artisan(unpack(tmp_path, version), "migrate", "--force")
    async with open_shop(tmp_path, tmp_path / "chom") as shop, aiohttp.ClientSession() as session:
        customers = Customers(shop.url, 20)
        async with session.get(shop.url) as nothing:
            assert nothing.status == 503
        customers.start()
        for version, status in (("v1.0", 200), ("v1.3", 500)):
            (tmp_path / "next").symlink_to(f"releases/{version}")
            (tmp_path / "next").rename(tmp_path / "chom")
            async with session.get(f"{shop.url}/health") as health:
                assert (health.status, (await health.json())["release"]) == (status, version)
            await asyncio.sleep(0.3)
        await customers.close()
    assert customers.served.versions["v1.0"] >= 2
    assert customers.served.failed >= customers.served.versions["v1.3"] >= 2
    assert customers.served.last_failure == "HTTP 500 from v1.3"


async def ask_fpm(socket: Path, script: Path, path: str) -> tuple[bytes, bytes]:
    """A FastCGI GET, as a web server makes it: stdout and stderr."""
    pairs = {"SCRIPT_FILENAME": str(script), "REQUEST_URI": path, "REQUEST_METHOD": "GET", "LONG": "x" * 300}
    body = b""
    for name, value in pairs.items():
        for length in (len(name), len(value)):
            body += bytes([length]) if length < 128 else struct.pack(">I", length | 1 << 31)
        body += name.encode() + value.encode()
    assert params(body)["LONG"] == "x" * 300
    reader, writer = await asyncio.open_unix_connection(socket)
    for kind, content in ((1, struct.pack(">HB5x", 1, 0)), (4, body), (4, b""), (5, b"")):
        writer.write(struct.pack(">BBHHBB", 1, kind, 1, len(content), 3, 0) + content + b"\0" * 3)
    streams, kind = {6: b"", 7: b"", 3: b""}, 0
    while kind != 3:
        _, kind, _, length, padding, _ = struct.unpack(">BBHHBB", await reader.readexactly(8))
        streams[kind] += (await reader.readexactly(length + padding))[:length]
    writer.close()
    return streams[6], streams[7]


async def test_php_fpm_answers_for_the_release_whose_script_is_named(tmp_path: Path) -> None:
    good, broken = unpack(tmp_path, "v1.0"), unpack(tmp_path, "v1.3")
    artisan(broken, "migrate", "--force")
    fpm = Fpm("staging", tmp_path / "fpm.sock")
    await fpm.start()
    try:
        out, _ = await ask_fpm(fpm.socket, good / "public/index.php", "/health?from=chom-host")
        assert out.startswith(b"Content-type: application/json\r\n\r\n") and b'"release": "v1.0"' in out
        out, _ = await ask_fpm(fpm.socket, broken / "public/index.php", "/health")
        assert out.startswith(b"Status: 500 Internal Server Error\r\n") and b"orders.gift_card" in out
        out, err = await ask_fpm(fpm.socket, tmp_path / "no/public/index.php", "/health")
        assert (out.startswith(b"Status: 404"), err) == (True, b"Primary script unknown")
    finally:
        await fpm.close()


def test_artifacts_are_the_same_bytes_each_time_and_the_index_speaks_true(tmp_path: Path) -> None:
    releases.build(tmp_path / "a")
    releases.build(tmp_path / "b")
    for file in sorted((tmp_path / "a").iterdir()):
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()
    listed = json.loads((tmp_path / "a/index.json").read_text())["releases"]
    assert [entry["version"] for entry in listed] == [version.name for version in releases.VERSIONS]
    assert len({entry["commit"] for entry in listed}) == len(releases.VERSIONS)
    counts = []
    for entry in listed:
        file = tmp_path / "a" / entry["file"]
        assert file.stat().st_size == entry["size"] and len(entry["commit"]) == 40
        with tarfile.open(file) as tar:
            names = tar.getnames()
        counts.append(sum(name.startswith("database/migrations/") for name in names))
        assert {"artisan", "public/index.php"} <= set(names)
    assert counts == [len(version.migrations) for version in releases.VERSIONS]


def test_a_migration_of_v2_1_drops_a_column(tmp_path: Path) -> None:
    release = unpack(tmp_path, "v2.1")
    assert artisan(release, "migrate", "--force").returncode == 0
    columns = [row[1] for row in php.connect(release).execute("pragma table_info(wishes)")]
    assert "product_id" in columns and "email" not in columns


@pytest.mark.parametrize(
    ("old", "new", "because"),
    [
        ("v1.0", "v1.0.1", "Category 1 because nothing in it asks for more."),
        ("v1.0", "v1.1", "Category 2 because of new features in v1.1 and of 1 migration."),
        ("v1.0", "v1.2", "Category 2 because of new features in v1.2 and of 3 migrations."),
        ("v1.2", "v1.3", "Category 2 because of new features in v1.3."),
        ("v1.2", "v2.0", "Category 3 because of the new major version v2.0, of the infrastructure in Dockerfile and"),
        ("v2.0", "v2.1", "Category 3 because of 2026_11_24_080000_drop_email_from_wishes (line"),
    ],
)
def test_a_version_is_of_the_category_that_the_readme_says(old: str, new: str, because: str) -> None:
    found, served = gathered(new), gathered(old)
    pending = tuple(sorted({*found.migrations} - {*served.migrations}))
    step = {"v1.0.1": "patch", "v2.0": "major"}.get(new, "minor")
    known = {**facts(found, [served], pending), "migrations": pending, "version_step": step}
    asked = load().classify(Plan("deploy", "", "production", new, "", "d" * 64, "", (), (), known), "production")
    assert asked.because.startswith(because)


def gathered(version: str) -> Contents:
    """What the bot reads of that version's artifact."""
    gathering = Gathering()
    for name, text in releases.files(VERSIONS[version]).items():
        data = text.encode()
        gathering.take(name, len(data), lambda data=data: iter([data]))
    return gathering.contents()


async def test_in_maintenance_mode_users_are_told_to_come_back_and_the_cookie_gets_past(tmp_path: Path) -> None:
    release = unpack(tmp_path, "v1.0")
    artisan(release, "migrate", "--force")
    down = release / "storage/framework/down"
    down.parent.mkdir(parents=True, exist_ok=True)
    down.write_text(json.dumps({"status": 503, "retry": 30, "secret": "s3", "chom_until": time.time() + 600}))
    async with open_shop(tmp_path, release) as shop:
        jar = aiohttp.CookieJar(unsafe=True)  # cookies of an address without a name, too
        async with aiohttp.ClientSession(cookie_jar=jar) as session:
            async with session.get(f"{shop.url}/") as told:
                assert (told.status, told.headers["Retry-After"]) == (503, "30")
            async with session.get(f"{shop.url}/s3", allow_redirects=False) as told:
                assert (told.status, told.headers["Location"]) == (302, "/")
            async with session.get(f"{shop.url}/") as told:
                assert told.status == 200, "with the cookie that the secret's page set"
        down.write_text(json.dumps({"status": 503, "secret": "s3", "chom_until": time.time() - 1}))
        async with aiohttp.ClientSession() as session, session.get(f"{shop.url}/") as told:
            assert told.status == 200 and not down.exists(), "its time is over"
