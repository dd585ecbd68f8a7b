"""Old releases, uploads and jobs make room."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence

from ..arguments import RELEASE, many, number
from ..config import baked
from ..disk import changed, remove_tree
from ..pools import in_canary
from ..server import activations, kept, served, served_before, version_of
from ..settings import Settings
from ..work import Verb, Work

REMEMBERED = 90 * 86400
"""Seconds for which ended jobs are known."""


def prune(work: Work, keep: int, protect: list[str]) -> str:
    """What goes is settled at once, before the slow part: a run that gave this job up may have a successor by then."""
    settings = work.settings
    uploads = [path for path in settings.incoming.iterdir() if path.name.endswith(".tar.gz")]
    trees = list(settings.releases.glob(".*.tree"))
    last = {a["release"]: at for at, a in enumerate(activations(settings))}
    newest_first = sorted(kept(settings), key=lambda id_: (last.get(id_, -1), id_), reverse=True)
    stay = {*_builds(settings, newest_first)[:keep], *protect}
    stay |= {served(settings), served_before(settings), in_canary(settings)}
    old = {id_: version_of(settings, id_) for id_ in sorted(newest_first) if id_ not in stay}
    removed = {id_: version for id_, version in old.items() if remove_tree(settings.release(id_))}
    if removed:
        work.note(f"removed {', '.join(removed)}")
    for left in (*settings.releases.glob(".*.gone"), *trees):
        remove_tree(left)
    for upload in uploads:
        upload.unlink(missing_ok=True)
    _forget(settings)
    return f"{', '.join(removed.values())} removed" if removed else "nothing to remove"


def _builds(settings: Settings, newest_first: Sequence[str]) -> list[str]:
    """Of those that differ by their configuration alone, the newest."""
    found: dict[str, str] = {}
    for id_ in newest_first:
        found.setdefault(baked(settings, id_).get("source") or id_, id_)
    return list(found.values())


def _forget(settings: Settings) -> None:
    """Uploads that were never finished, and jobs that nobody will ask about any more."""
    now = time.time()
    for edits in (settings.config / "incoming").glob("*"):
        if changed(edits) < now - 86400:
            edits.unlink(missing_ok=True)
    for part in settings.incoming.iterdir():
        if not part.name.endswith(".tar.gz") and changed(part) < now - 86400:
            part.unlink(missing_ok=True)
    for tree in settings.releases.glob(".*.part"):
        if changed(tree) < now - 86400:
            remove_tree(tree)
    for directory in settings.jobs.iterdir():
        unborn = directory.name.startswith(".new.") and changed(directory) < now - 3600
        if unborn or changed(directory / "result.json") < now - REMEMBERED:
            shutil.rmtree(directory)


VERBS = {"prune": Verb({"keep": number(1, 1000), "protect": many(RELEASE)}, prune, aside=True)}
