"""Artifacts of the lab's Laravel application: real tar.gz files with an index, made as CI would make them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

APP = Path(__file__).parent / "app"

MIGRATION = """<?php
use Illuminate\\Database\\Migrations\\Migration;
use Illuminate\\Database\\Schema\\Blueprint;
use Illuminate\\Support\\Facades\\Schema;

class %(name)s extends Migration
{
    public function up()
    {
        %(body)s
        Schema::table('notes', fn (Blueprint $table) => $table->string('%(column)s')->nullable());
    }

    public function down()
    {
        Schema::table('notes', fn (Blueprint $table) => $table->dropColumn('%(column)s'));
    }
}
"""


@dataclass(frozen=True)
class Build:
    """One version of the application; `files` are added to those under app/."""

    version: str
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def commit(self) -> str:
        """A commit id that is the same in every run."""
        return hashlib.sha1(self.version.encode(), usedforsecurity=False).hexdigest()


def migration(column: str, body: str = "") -> str:
    """A migration that adds a nullable column, after running `body`."""
    return MIGRATION % {"name": "Add" + column.title(), "column": column, "body": body}


def tarball(build: Build) -> bytes:
    """The tar.gz of a build, the same bytes each time."""
    files = {str(p.relative_to(APP)): p.read_bytes() for p in sorted(APP.rglob("*")) if p.is_file()}
    files["version.php"] = f"<?php return '{build.version}';\n".encode()
    files |= {name: text.encode() for name, text in build.files.items()}
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(files[name]), 0o755 if name == "artisan" else 0o644
            tar.addfile(member, io.BytesIO(files[name]))
    return gzip.compress(raw.getvalue(), mtime=0)


def publish(directory: Path, builds: list[Build]) -> None:
    """Write the artifacts and the index.json that lists them, the last build being the newest."""
    directory.mkdir(parents=True, exist_ok=True)
    releases: list[dict[str, object]] = []
    for number, build in enumerate(builds):
        body, file = tarball(build), f"chom-{build.version}.tar.gz"
        (directory / file).write_bytes(body)
        releases.append(
            {
                "version": build.version,
                "commit": build.commit,
                "sha256": hashlib.sha256(body).hexdigest(),
                "file": file,
                "size": len(body),
                "made": f"2026-11-{number + 1:02}T10:00:00Z",
            }
        )
    (directory / "index.json").write_text(json.dumps({"releases": releases}, indent=1))
