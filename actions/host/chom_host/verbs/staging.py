"""A release is unpacked beside the served one, with its links and caches, or is taken away again."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Optional

from ..archives import BadArchive, Scan, opened_archive, unpack, walk
from ..arguments import RELEASE, SHA256, text
from ..base import SPARE, Failed, Json
from ..config import note_baked, read_config
from ..disk import free_bytes, is_full, remove_tree, sha256_of
from ..files import write_whole
from ..head_start import head_start
from ..pools import in_canary
from ..server import marker, served, version_of
from ..work import Command, Verb, Work


def stage(work: Work, release: str, version: str, commit: str, sha256: str) -> str:
    settings, target = work.settings, work.settings.release(release)
    wanted: Json = {"id": release, "version": version, "commit": commit, "sha256": sha256}
    there = marker(settings, release)
    if there == wanted:
        return f"{version} is unpacked already"
    if there is not None:
        raise Failed(f"{target} exists and was made from another artifact ({there.get('version')})")
    if served(settings) == release:
        raise Failed(f"{target} is the release that is served; it is not replaced")
    settings.releases.mkdir(mode=0o755, parents=True, exist_ok=True)
    part = settings.releases / f".{release}.part"
    for old in (part, target):
        remove_tree(old)
    try:
        _unpack_artifact(work, sha256, part)
        (part / ".chom-release.json").unlink(missing_ok=True)
        link_shared(work, part)
        part.rename(target)
        finish(work, target, wanted, read_config(settings) if ".env" in settings.shared else b"")
    except (OSError, Failed):
        if is_full(settings):  # half a release is of no use, and turning back needs room on the disk too
            for half in (part, target):
                remove_tree(half)
        raise
    work.note(f"{version} lies in {target}")
    return f"{version} is unpacked"


def finish(work: Work, target: Path, mark: Json, env: bytes, source: str = "") -> None:
    """Its caches, what they were built from, and last the mark that says that it is whole."""
    note_baked(work.settings, target, env, source)
    build_caches(work, target)
    said = json.dumps(mark, sort_keys=True).encode() + b"\n"
    write_whole(target / ".chom-release.json", said, 0o640, last=True)  # the release's files and its name before it


def _unpack_artifact(work: Work, sha256: str, part: Path) -> None:
    settings, artifact = work.settings, work.settings.artifact(sha256)
    if (ready := head_start(settings, sha256)).is_dir():
        _needed(lambda name: (ready / name).is_file() and not (ready / name).is_symlink())
        work.say("unpacked while it arrived")
        ready.rename(part)
        return
    try:
        file = artifact.open("rb")
    except FileNotFoundError:
        raise Failed(f"the artifact {sha256} is not on this server; it has to be uploaded first") from None
    with file, artifact.open("rb") as same, ThreadPoolExecutor(1) as beside:
        hashing = beside.submit(sha256_of, same)
        scan, broken = _scanned(file, settings.max_unpacked)
        if (found := hashing.result()) != sha256:
            artifact.unlink()
            raise Failed(f"the artifact on this server has the sha256 {found}, not {sha256}; it was removed")
        if broken:
            raise broken
        _needed(scan.found)
        room = free_bytes(settings.releases) - SPARE
        if scan.total > room:
            raise Failed(f"the release needs {scan.total} bytes and only {max(room, 0)} can be used on this disk")
        work.say(f"scanned {scan.members} members, {scan.total} bytes: unpacking")
        part.mkdir(mode=0o750)
        unpack(file, part, settings.max_unpacked)


def _needed(is_there: Callable[[str], bool]) -> None:
    for needed in ("artisan", "public/index.php"):
        if not is_there(needed):
            raise BadArchive(f"the archive has no {needed} at its top, so it is no release of CHOM")


def _scanned(file: IO[bytes], most: int) -> tuple[Scan, Optional[BadArchive]]:
    """The whole archive looked through, and why it is refused."""
    scan = Scan(most)
    try:
        with opened_archive(file, most) as tar:
            for _ in walk(tar, scan):
                pass
    except BadArchive as fault:
        return scan, fault
    return scan, None


_STORAGE = ("app/public", "framework/cache/data", "framework/sessions", "framework/views", "logs")


def link_shared(work: Work, release: Path) -> None:
    """What outlives releases is linked in; what the archive brought in its place is not used."""
    for name in work.settings.shared:
        source, link = work.settings.shared_dir / name, release / name
        if name == "storage":
            for below in _STORAGE:
                _make_shared(work.settings.shared_dir, f"storage/{below}")
        if not source.exists():
            raise Failed(f"{source} does not exist on this server; put it there, readable for this user and PHP-FPM")
        if link.is_dir() and not link.is_symlink():
            shutil.rmtree(link)
        link.unlink(missing_ok=True)
        link.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(source, link.parent))


def _make_shared(top: Path, below: str) -> None:
    """Directories that PHP-FPM writes to as well: the group's, and so for what is made in them."""
    path = top
    for part in below.split("/"):
        path = path / part
        if not path.exists():
            path.mkdir(parents=True)
            path.chmod(0o2775)


_CACHE_FILES = {
    "config:cache": "APP_CONFIG_CACHE",
    "route:cache": "APP_ROUTES_CACHE",
    "event:cache": "APP_EVENTS_CACHE",
}


def build_caches(work: Work, release: Path) -> None:
    """All at once: each command is told that the files which the others are writing do not exist.

    Compiled views go into the release (where config/view.php asks VIEW_COMPILED_PATH, as Laravel's own does), since
    `view:cache` begins by deleting what the release that is served now has in shared/storage.
    """
    caches = work.settings.caches
    if not caches:
        return
    views = release / "bootstrap/cache/views"
    views.mkdir(mode=0o750, parents=True, exist_ok=True)
    views.chmod(0o2770)
    commands: list[Command] = []
    for cache in caches:
        others = {env for name, env in _CACHE_FILES.items() if name != cache}
        env = {name: str(release / "bootstrap/cache/none-yet.php") for name in others}
        env["VIEW_COMPILED_PATH"] = str(views)
        made = work.php(release, cache)
        commands.append(Command(made.title, made.argv, made.cwd, env))
    commands.append(Command("sync", ["sync", "-f", str(release)], release))  # what was unpacked, meanwhile
    work.run(*commands)
    for path in (release / "bootstrap/cache").glob("*.php"):
        path.chmod(path.stat().st_mode & 0o750)  # PHP-FPM reads code, it does not write it


def unstage(work: Work, release: str) -> str:
    if served(work.settings) == release:
        raise Failed(f"{release} is the release that is served; it is not removed")
    if in_canary(work.settings) == release:
        raise Failed(f"{release} is the release in the canary pool; it is not removed before that is stopped")
    remove_tree(work.settings.releases / f".{release}.part")
    version = version_of(work.settings, release)
    if remove_tree(work.settings.release(release)):
        return f"{version} was removed"
    return "it was not there"


VERBS = {
    "stage": Verb(
        {
            "release": RELEASE,
            "version": text(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}", "a version such as v1.2"),
            "commit": text(r"[0-9a-f]{40}", "a commit, 40 hex digits"),
            "sha256": SHA256,
        },
        stage,
        aside=True,
    ),
    "unstage": Verb({"release": RELEASE}, unstage, aside=True),
}
