"""What a version changes against what is served, as facts of a plan: typed, small, the same each time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from actions.engine.contents import ENV, LOCKS, MIGRATION, UNREADABLE, Contents
from actions.engine.contents.advisories import of_moved
from actions.engine.migrations import UNSEEN, WayBack
from actions.engine.plan import Arg
from actions.engine.steps import version_step

MOST = 1000
"""So many changed files are named; more of them count as not known."""


def facts(new: Contents, served: Sequence[Contents], pending: Iterable[str]) -> dict[str, Arg]:
    """Against every release that is served; () where nothing is."""
    changed = sorted({path for old in served for path in _differing(new.files, old.files)} if served else new.files)
    locks = sorted({line for old in served for line in _locks(new.packages, old.packages)})
    known = (line for old in served for line in of_moved(_moved(new, old), new.audit, old.audit))
    env_old = [old.env for old in served] or [frozenset[str]()]
    quiet = [old for old in served if old.packages == new.packages and old.vendor != new.vendor]
    sizes = [max(side.files.get(path, ("", 0))[1] for side in (new, *served)) for path in changed]
    named = tuple(path for path in changed if path not in (*LOCKS, ENV) and not MIGRATION.fullmatch(path))
    return {
        "unknown": ""
        if len(changed) <= MOST
        else f"{len(changed):,} files differ, which is more than can be looked at",
        "first": not served,
        "changed": named[:MOST],
        "changed_files": len(changed),
        "changed_bytes": sum(sizes),
        "locks": tuple(locks),
        "lock_steps": tuple(sorted({line.rpartition("(")[2].rstrip(")") for line in locks})),
        "advisories": tuple(dict.fromkeys(known)),
        "vendor": bool(quiet),
        "env_added": tuple(sorted({key for old in env_old for key in new.env - old})),
        "env_removed": tuple(sorted({key for old in env_old for key in old - new.env})),
        **of_migrations(new, pending),
    }


def of_migrations(new: Contents, pending: Iterable[str]) -> dict[str, Arg]:
    """What the migrations that would run do; this is known whatever is served."""
    found = {name: new.migrations.get(name, UNSEEN) for name in pending}
    because = {name: one.because for name, one in found.items() if one.destructive}
    return {
        "destructive": tuple(because),
        "destructive_because": tuple(because.values()),
        "restores": tuple(name for name, one in found.items() if one.back is WayBack.RESTORE),
        "forward_only": tuple(name for name, one in found.items() if one.back is WayBack.FORWARD_ONLY),
    }


def _moved(new: Contents, old: Contents) -> list[str]:
    return list(_differing(new.packages, old.packages))


def _differing(new: Mapping[str, object], old: Mapping[str, object]) -> Iterable[str]:
    return (path for path in new.keys() | old.keys() if new.get(path) != old.get(path))


def _locks(new: Mapping[str, str], old: Mapping[str, str]) -> Iterable[str]:
    """ "laravel/framework v8.83.27 → v9.0.0 (major)"."""
    for name in _differing(new, old):
        before, after = old.get(name, ""), new.get(name, "")
        step = "added" if not before else "removed" if not after else version_step(before, after)
        step = "unknown" if name.endswith(UNREADABLE) else step
        short = (version if len(version) < 30 else "" for version in (before, after))
        yield f"{name} {' → '.join(version for version in short if version)} ({step})".replace("  ", " ")
