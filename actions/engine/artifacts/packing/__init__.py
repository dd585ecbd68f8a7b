"""An artifact from a working tree: the same bytes from the same files, and nothing in it that a server would refuse."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from actions.engine.artifacts.archive import UnsafeArchive, scan
from actions.engine.artifacts.index import LIMIT, Entry
from actions.engine.artifacts.packing.ignored import FILE, Ignored
from actions.engine.artifacts.packing.notes import notes_of
from actions.engine.artifacts.packing.shelf import Shelf, Taken
from actions.engine.artifacts.packing.tarball import Tarball, write
from actions.engine.artifacts.packing.tree import Tree, sha256_of, tree_of
from actions.engine.contents.advisories import Audit
from actions.engine.registry.grammar import VERSION
from actions.engine.words import megabytes, quote

__all__ = ["CannotPack", "Order", "Packed", "pack"]

LOCKS = ("composer.lock", "package-lock.json")
NEEDED = ("artisan", "public/index.php")


class CannotPack(Exception):
    """Nothing was packed; `faults` are sentences."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be packed, as what, and where it goes."""

    directory: Path
    version: str
    commit: str
    out: Path
    made: datetime
    """In UTC; by it the list of versions is ordered. It is not in the archive."""
    replace: bool = False
    """Take the place of an artifact of this version that has other content."""
    audit: Audit | None = None
    """What is known of the packages in it; None where nobody looked."""


@dataclass(frozen=True, slots=True)
class Packed:
    """What was made."""

    entry: Entry
    """As index.json lists it."""
    manifest: Mapping[str, object]
    """As chom-VERSION.json says it."""
    left_out: Mapping[str, int]
    """Pattern -> how many paths it left out; a directory is one."""
    notes: tuple[str, ...]
    """What whoever packs should look at, as sentences."""
    fresh: bool
    """False where this very artifact was there already, so that nothing was changed."""


def pack(order: Order) -> Packed:
    """Pack the tree, write the artifact and its manifest, and list it. Raises CannotPack with every fault.

    The list is changed last and in one rename: whoever reads it meanwhile sees the old one or the new one.
    """
    if faults := _misordered(order):
        raise CannotPack(*faults)
    directory = order.directory.resolve()
    try:
        tree = tree_of(directory, Ignored.of(directory), order.out.resolve())
        if faults := [*tree.faults, *_lacks(tree, directory)]:
            raise CannotPack(*faults)
        order.out.mkdir(parents=True, exist_ok=True)
        with Shelf(order.out) as shelf:
            return _shelved(order, tree, shelf)
    except Taken as taken:
        raise CannotPack(str(taken)) from None
    except UnsafeArchive as fault:
        raise CannotPack(f"{str(fault)[:1].upper()}{str(fault)[1:].rstrip('.')}.") from None
    except OSError as fault:
        raise CannotPack(f"{fault.filename or directory} cannot be packed: {fault.strerror or fault}.") from None
    except ValueError as fault:
        raise CannotPack(f"{directory / FILE} cannot be read: {fault}.") from None


def _shelved(order: Order, tree: Tree, shelf: Shelf) -> Packed:
    part = shelf.part()
    tarball = write(tree.members, part)
    if tarball.size > LIMIT:
        raise CannotPack(f"The artifact would have {megabytes(tarball.size)}; at most {megabytes(LIMIT)} are allowed.")
    migrations = tuple(sorted(scan(part).migrations))
    file = f"chom-{order.version}.tar.gz"
    wanted = Entry(order.version, order.commit, tarball.sha256, file, tarball.size, order.made, order.audit)
    entry, fresh = shelf.listed(wanted, order.replace)
    manifest = _manifest(entry, tarball, tree, migrations)
    shelf.put(part, entry, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    notes = (*tree.notes, *notes_of(order.directory, order.commit))
    return Packed(entry, manifest, tree.left_out, notes, fresh)


def _manifest(entry: Entry, tarball: Tarball, tree: Tree, migrations: tuple[str, ...]) -> dict[str, object]:
    return {
        "version": entry.version,
        "commit": entry.commit,
        "sha256": entry.sha256,
        "file": entry.file,
        "size": entry.size,
        "made": entry.made.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "tar_sha256": tarball.tar_sha256,
        "files": sum(member.is_file for member in tree.members),
        "unpacked": tarball.unpacked,
        "migrations": list(migrations),
        "locks": {name: sha256_of(member.path) for name in LOCKS if (member := tree.member(name))},
        **({"audit": dataclasses.asdict(entry.audit)} if entry.audit else {}),
    }


def _misordered(order: Order) -> list[str]:
    faults: list[str] = []
    if not (VERSION.accepts(order.version) and VERSION.parse(order.version) == order.version):
        faults.append(f"{quote(order.version)} is not a version; one looks like {VERSION.looks}.")
    if not re.fullmatch(r"[0-9a-f]{40}", order.commit):
        faults.append(f"{quote(order.commit)} is not a commit: 40 hex digits, as `git rev-parse HEAD` prints them.")
    if not order.directory.is_dir():
        faults.append(f"{order.directory} is no directory.")
    elif order.out.resolve() == order.directory.resolve():
        faults.append(f"--out is {order.directory} itself, which is packed; name another directory.")
    return faults


def _lacks(tree: Tree, directory: Path) -> list[str]:
    """What a release cannot do without."""
    lacks = [f"{directory} has no {name}, so it is no release of CHOM." for name in NEEDED if not tree.has_file(name)]
    if not lacks and tree.has_file("composer.json") and not tree.has_file("vendor/autoload.php"):
        lacks.append("There is no vendor/autoload.php; first: composer install --no-dev --optimize-autoloader")
    return lacks
