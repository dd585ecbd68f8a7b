"""The versions of the shop that the sandbox has for deploying, built at first start as real artifacts with an index."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bot.sandbox.manners import Manner


@dataclass(frozen=True, slots=True)
class Migration:
    """`up` is the PHP inside of up(); `takes` are seconds."""

    name: str
    up: str
    takes: float = 0.0


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the shop. `needs` names tables and columns ("orders.discount") that its code reads."""

    name: str
    made: datetime
    headline: str
    colour: str
    migrations: tuple[Migration, ...]
    needs: tuple[str, ...]
    manner: Manner = field(default_factory=Manner)
    framework: str = "v8.83.27"
    """What its lock says of laravel/framework."""
    php: str = "8.1"
    """What its Dockerfile is built on."""


def _create(table: str, *columns: str) -> str:
    lines = "\n".join(f"            $table->{column};" for column in ("id()", *columns, "timestamps()"))
    return f"        Schema::create('{table}', function (Blueprint $table) {{\n{lines}\n        }});"


def _add(table: str, *columns: str) -> str:
    lines = "\n".join(f"            $table->{column};" for column in columns)
    return f"        Schema::table('{table}', function (Blueprint $table) {{\n{lines}\n        }});"


_BASE = (
    Migration("2026_09_01_080000_create_products", _create("products", "string('name')", "decimal('price')")),
    Migration("2026_09_01_080100_create_orders", _create("orders", "integer('product_id')", "string('state')")),
)
_REVIEWS = Migration(
    "2026_10_20_091500_create_reviews", _create("reviews", "integer('product_id')", "text('words')"), takes=0.6
)
_DISCOUNT = Migration(
    "2026_11_09_140000_add_discount_to_orders", _add("orders", "decimal('discount')->nullable()"), takes=0.8
)
_WISHES = Migration(
    "2026_11_10_101500_create_wishes", _create("wishes", "integer('product_id')", "string('email')"), takes=0.8
)
_LISTS = Migration("2026_11_23_080000_create_lists", _create("lists", "string('name')", "string('email')"), takes=0.6)
_FORGET = Migration("2026_11_24_080000_drop_email_from_wishes", _add("wishes", "dropColumn('email')"), takes=0.6)
_NOW = ("products", "orders")


def _as_v1_2(name: str, day: int, headline: str, colour: str, manner: Manner) -> Version:
    made = datetime(2026, 11, day, 9, 30, tzinfo=UTC)
    needs = (*_NOW, "reviews.words", "orders.discount", "wishes")
    return Version(name, made, headline, colour, (*_BASE, _REVIEWS, _DISCOUNT, _WISHES), needs, manner)


VERSIONS = (
    Version("v1.0", datetime(2026, 10, 1, 8, 0, tzinfo=UTC), "Good things, delivered.", "#3b6ea5", _BASE, _NOW),
    Version("v1.0.1", datetime(2026, 10, 8, 8, 0, tzinfo=UTC), "Good things, well spelled.", "#337c91", _BASE, _NOW),
    Version(
        "v1.1",
        datetime(2026, 10, 20, 10, 0, tzinfo=UTC),
        "Now with reviews.",
        "#2a8151",
        (*_BASE, _REVIEWS),
        (*_NOW, "reviews.words"),
    ),
    Version(
        "v1.2",
        datetime(2026, 11, 10, 11, 0, tzinfo=UTC),
        "Now with discounts and wishes.",
        "#8a4fae",
        (*_BASE, _REVIEWS, _DISCOUNT, _WISHES),
        (*_NOW, "reviews.words", "orders.discount", "wishes"),
    ),
    Version(
        "v1.3",  # broken on purpose: its code reads a column that no migration adds
        datetime(2026, 11, 17, 16, 45, tzinfo=UTC),
        "Now with gift cards.",
        "#c0392b",
        (*_BASE, _REVIEWS, _DISCOUNT, _WISHES),
        (*_NOW, "reviews.words", "orders.discount", "wishes", "orders.gift_card"),
    ),
    # healthy, and bad only for the people who use it: what a canary is for
    _as_v1_2("v1.4", 18, "Now with a shopping list.", "#ac5181", Manner(error_rate=0.2)),
    _as_v1_2("v1.5", 19, "Now with a search that thinks.", "#a06a1c", Manner(latency_ms=2500)),
    _as_v1_2("v1.6", 20, "Now with today's bargains.", "#377d7d", Manner(bears=75)),
    Version(
        "v2.0",
        datetime(2026, 11, 23, 9, 0, tzinfo=UTC),
        "All new, on a new framework.",
        "#9b651a",
        (*_BASE, _REVIEWS, _DISCOUNT, _WISHES, _LISTS),
        (*_NOW, "reviews.words", "orders.discount", "wishes", "lists"),
        framework="v9.52.16",
        php="8.2",
    ),
    Version(
        "v2.1",  # takes away what v2.0 needs no longer: old code may not go on beside it, so it is no canary
        datetime(2026, 11, 24, 9, 0, tzinfo=UTC),
        "Wishes that remember less.",
        "#5d6b2f",
        (*_BASE, _REVIEWS, _DISCOUNT, _WISHES, _LISTS, _FORGET),
        (*_NOW, "reviews.words", "orders.discount", "wishes", "lists"),
        framework="v9.52.16",
        php="8.2",
    ),
)
_NAMED = {version.name: version for version in VERSIONS}
FIRST = _NAMED["v1.0"]
"""What both servers serve when the sandbox starts for the first time."""
PROPOSED, BROKEN = _NAMED["v1.2"], _NAMED["v1.3"]
"""What a newcomer is led to deploy first, and what nobody should ever be served."""

_ARTISAN = """#!/usr/bin/env php
<?php
define('LARAVEL_START', microtime(true));
require __DIR__.'/vendor/autoload.php';
$app = require_once __DIR__.'/bootstrap/app.php';
exit($app->make(Illuminate\\Contracts\\Console\\Kernel::class)->handle(
    new Symfony\\Component\\Console\\Input\\ArgvInput, new Symfony\\Component\\Console\\Output\\ConsoleOutput));
"""
_INDEX = """<?php
define('LARAVEL_START', microtime(true));
require __DIR__.'/../vendor/autoload.php';
$app = require_once __DIR__.'/../bootstrap/app.php';
$kernel = $app->make(Illuminate\\Contracts\\Http\\Kernel::class);
$kernel->handle(Illuminate\\Http\\Request::capture())->send();
"""
_ROUTES = """<?php
Route::get('/', [ShopController::class, 'show']);
Route::get('/health', [HealthController::class, 'show']);
"""


def _migration_php(migration: Migration) -> str:
    takes = f"        // sandbox: takes {migration.takes}\n" if migration.takes else ""
    return (
        "<?php\nuse Illuminate\\Database\\{Migrations\\Migration, Schema\\Blueprint};\n"
        "use Illuminate\\Support\\Facades\\Schema;\n\nreturn new class extends Migration\n{\n"
        f"    public function up()\n    {{\n{takes}{migration.up}\n    }}\n\n"
        "    public function down()\n    {\n    }\n};\n"
    )


def files(version: Version) -> Mapping[str, str]:
    """The release's files: their path and text."""
    shop: dict[str, object] = {"headline": version.headline, "colour": version.colour, "needs": version.needs}
    if version.manner != Manner():
        shop["manner"] = asdict(version.manner)
    lock = {"packages": [{"name": "laravel/framework", "version": version.framework}]}
    return {
        "artisan": _ARTISAN,
        "Dockerfile": f"FROM php:{version.php}-fpm\n",
        "version.php": f"<?php return '{version.name}';\n",
        "shop.json": json.dumps(shop, indent=2) + "\n",
        "composer.lock": json.dumps(lock, indent=2) + "\n",
        "public/index.php": _INDEX,
        "routes/web.php": _ROUTES,
        "bootstrap/app.php": "<?php return new Illuminate\\Foundation\\Application(dirname(__DIR__));\n",
        "bootstrap/cache/.gitignore": "*\n!.gitignore\n",
        "vendor/autoload.php": "<?php\n",
        **{f"database/migrations/{m.name}.php": _migration_php(m) for m in version.migrations},
    }


def commit(version: Version) -> str:
    """A commit (40 hex digits) that is a function of the content."""
    return hashlib.sha1(json.dumps(files(version), sort_keys=True).encode(), usedforsecurity=False).hexdigest()


def pack(contents: Mapping[str, str], made: datetime) -> bytes:
    """The tar.gz of these files; the same bytes for the same files and time."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, text in sorted(contents.items()):
            member = tarfile.TarInfo(path)
            member.size = len(text.encode())
            member.mode = 0o755 if path == "artisan" else 0o644
            member.mtime = int(made.timestamp())
            tar.addfile(member, io.BytesIO(text.encode()))
    return gzip.compress(plain.getvalue(), mtime=0)


def build(directory: Path) -> None:
    """Write the artifacts and index.json that are not there yet or are not these."""
    directory.mkdir(parents=True, exist_ok=True)
    listed: list[Mapping[str, str | int]] = []
    for version in VERSIONS:
        packed = pack(files(version), version.made)
        file = directory / f"chom-{version.name}.tar.gz"
        if not file.exists() or file.read_bytes() != packed:
            file.write_bytes(packed)
        listed.append(
            {
                "version": version.name,
                "commit": commit(version),
                "sha256": hashlib.sha256(packed).hexdigest(),
                "file": file.name,
                "size": len(packed),
                "made": version.made.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        )
    (directory / "index.json").write_text(json.dumps({"releases": listed}, indent=2) + "\n", encoding="utf-8")
