"""Another configuration is served as another release is: made ready beside the served one, and reached by one switch.

A release is its code and the environment file that its caches were built from. So no request sees half a change, PHP's
opcache, which looks at no file twice, is never asked to forget one, and going back is a switch as well.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from ..arguments import RELEASE, many, text
from ..base import SPARE, Failed, Json
from ..config import (
    BAKED,
    baked,
    config_id,
    env_path,
    keep,
    kept_file,
    note_in_force,
    one_of,
    read_config,
    why_not_replaced,
    write_like_env,
)
from ..disk import free_bytes, remove_tree
from ..edits import edits_path, read_edits
from ..envfile import statements
from ..files import sync_dir
from ..server import marker, served, version_of, whole_release
from ..settings import Settings
from ..work import Verb, Work
from .staging import finish, link_shared

MOVED = "shared/.env is not the file that the plan was made for: somebody has changed it. Look at it, and ask again"
_SHORT = 6
"""A value of fewer characters is a common word, and is not struck out of what commands print."""


def config_stage(
    work: Work, release: str, source: str, revision: str, edits: str, to: list[str], base: list[str]
) -> str:
    """A release with the code of `source`, and the file that is in force as `edits` change it, or an earlier one.

    `revision` is what people call the edits: it stands in the log.
    """
    settings, target = work.settings, work.settings.release(release)
    origin = whole_release(work, source)
    wanted: Json = {**(marker(settings, source) or {}), "id": release}
    there = marker(settings, release)
    if there == wanted:
        return "it is ready already"
    if there is not None or served(settings) == release:
        raise Failed(f"{target} exists already, and is another release")
    env = _wanted(work, edits, to, base)
    part = settings.releases / f".{release}.part"
    for old in (part, target):
        remove_tree(old)
    _copy(settings, origin, part)
    link_shared(work, part)
    if env != read_config(settings):
        (part / ".env").unlink()
        write_like_env(settings, part / ".env", env)
    part.rename(target)
    finish(work, target, wanted, env, baked(settings, source)["source"] or source)
    edits_path(settings, edits or "none").unlink(missing_ok=True)
    return f"{version_of(settings, release)} is ready with it"


def _wanted(work: Work, edits: str, to: Sequence[str], base: Sequence[str]) -> bytes:
    """The file that the release gets. Its values are struck out of all that is said from now on."""
    settings, now = work.settings, read_config(work.settings)
    if ".env" not in settings.shared:
        raise Failed(".env is not among what this server's releases share, so there is none to change")
    if why := why_not_replaced(settings):
        raise Failed(why)
    if config_id(settings, now) not in base:
        raise Failed(MOVED)
    env = _edited(settings, now, edits) if edits else _earlier(settings, now, to)
    values = {one.value for one in statements(env.decode("utf-8", "replace")) if len(one.value) >= _SHORT}
    work.known = tuple(sorted({*work.known, *values}, key=len, reverse=True))
    return env


def _edited(settings: Settings, now: bytes, edits: str) -> bytes:
    try:
        return read_edits(edits_path(settings, edits).read_bytes()).applied_to(now)
    except FileNotFoundError:
        raise Failed("the new configuration is not on this server; it has to be uploaded first") from None
    except ValueError as fault:
        raise Failed(str(fault)) from None


def _earlier(settings: Settings, now: bytes, to: Sequence[str]) -> bytes:
    if config_id(settings, now) in to:
        return now
    if id_ := one_of(settings, to):
        return kept_file(settings, id_).read_bytes()
    raise Failed("the earlier configuration is not kept on this server")


def _copy(settings: Settings, origin: Path, part: Path) -> None:
    """Hard links, since nobody writes to a release; what artisan writes is copied or made anew. Raises Failed."""
    caches = origin / "bootstrap/cache"

    def left_off(directory: str, names: list[str]) -> set[str]:
        if Path(directory) == caches:
            return {name for name in names if name in ("views", "config.php", "events.php") or name[:7] == "routes-"}
        return {".chom-release.json", BAKED} if Path(directory) == origin else set()

    def link(source: str, to: str) -> str:
        try:
            if Path(source).parent != caches:
                os.link(source, to, follow_symlinks=False)
                return to
        except OSError as fault:  # another login's file, another disk, or no hard links there
            if fault.errno == errno.ENOSPC:
                raise
        return shutil.copy2(source, to)

    if free_bytes(settings.releases) < SPARE:
        raise Failed("this disk is full; make room and ask again")
    shutil.copytree(origin, part, symlinks=True, ignore=left_off, copy_function=link)


def config_apply(work: Work, release: str, source: str, base: list[str]) -> str:
    """What the release was made with becomes shared/.env; the file before it is kept."""
    settings, target = work.settings, whole_release(work, release)
    fresh, now, own = baked(settings, release)["config"], read_config(settings), target / ".env"
    current = config_id(settings, now)
    if current != fresh:
        if current not in base:
            raise Failed(MOVED)
        env = own.read_bytes()
        if config_id(settings, env) != fresh:
            raise Failed(f"{own} is not the file that the caches of this release were built from")
        _tell_workers(work, source)
        keep(settings, now)
        write_like_env(settings, env_path(settings), env)
    note_in_force(settings, one_of(settings, base) or current, fresh, release)
    _link_again(settings, own)
    return "shared/.env is the new one" if current != fresh else "shared/.env is the new one already"


def config_restore(work: Work, to: list[str]) -> str:
    """shared/.env is again the one of these that this server keeps; the one that was there is kept."""
    settings, now = work.settings, read_config(work.settings)
    current = config_id(settings, now)
    if current in to:
        note_in_force(settings, current, current, "")
        return "shared/.env is the one before already"
    before = one_of(settings, to)
    if not before:
        raise Failed("the configuration before it is not kept on this server")
    if release := served(settings):
        _tell_workers(work, release)
    keep(settings, now)
    write_like_env(settings, env_path(settings), kept_file(settings, before).read_bytes())
    note_in_force(settings, current, before, "")
    return "shared/.env is the one before again"


def _tell_workers(work: Work, release: str) -> None:
    """Those that run look where their own configuration says, which may not be where the next one's does."""
    work.run(work.php(work.settings.release(release), "queue:restart"))


def _link_again(settings: Settings, own: Path) -> None:
    """From now on the release's file is shared/.env, as every other release's."""
    if own.is_symlink():
        return
    fresh = own.with_name(".env.next")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(os.path.relpath(settings.shared_dir / ".env", own.parent))
    fresh.replace(own)
    sync_dir(own.parent)


CONFIG = text(r"[0-9a-f]{32}", "the id of an environment file, 32 hex digits")
VERBS = {
    "config_stage": Verb(
        {
            "release": RELEASE,
            "source": RELEASE,
            "revision": text(r"(?:cfg-[a-z2-9]{6})?", "a revision such as cfg-7f3kq2, or nothing"),
            "edits": text(r"(?:[0-9a-f]{64})?", "the sha256 of edits, 64 hex digits, or nothing"),
            "to": many(CONFIG, 1000),
            "base": many(CONFIG, 1000),
        },
        config_stage,
        aside=True,
    ),
    "config_apply": Verb({"release": RELEASE, "source": RELEASE, "base": many(CONFIG, 1000)}, config_apply),
    "config_restore": Verb({"to": many(CONFIG, 1000)}, config_restore),
}
