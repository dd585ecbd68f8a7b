"""`chom-bot pack`: the artifact from a working tree, and its place in the list of versions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from actions.engine.artifacts.packing import CannotPack, Order, Packed, pack
from actions.engine.artifacts.packing.audits import Unreadable, audit_of
from actions.engine.words import counted, megabytes

Directory = Annotated[Path, typer.Argument(help="The working tree: artisan lies at its top, vendor/ is installed.")]
Version = Annotated[str, typer.Option(help="What people will type: v1.2.")]
Commit = Annotated[str, typer.Option(help="The commit that the tree is at, 40 hex digits.")]
Out = Annotated[Path, typer.Option(help="Where the artifact, its manifest and index.json go.")]
Advisories = Annotated[
    list[Path] | None,
    typer.Option(help="What `composer audit --locked --format=json` or `npm audit --json` printed. May be repeated."),
]
Before = Annotated[list[Path] | None, typer.Option(help="The same of the version before: what of it is fixed is said.")]
Replace = Annotated[bool, typer.Option("--replace", help="Take the place of another artifact of this version.")]


def pack_command(
    directory: Directory,
    version: Version,
    commit: Commit,
    out: Out,
    replace: Replace = False,
    advisories: Advisories = None,
    advisories_before: Before = None,
) -> None:
    """The command."""
    try:
        audit = audit_of(advisories or (), advisories_before or ())
        packed = pack(Order(directory, version, commit, out, _made(), replace, audit))
    except (CannotPack, Unreadable) as cannot:
        typer.echo("\n".join(cannot.faults), err=True)
        typer.echo("Nothing was packed.", err=True)
        raise typer.Exit(1) from None
    for line in _said(packed, out):
        typer.echo(line)


def _made() -> datetime:
    """Now, or what SOURCE_DATE_EPOCH says, as reproducible builds have it."""
    told = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(told), UTC) if told.isdigit() else datetime.now(UTC).replace(microsecond=0)


def _said(packed: Packed, out: Path) -> Iterator[str]:
    entry, manifest = packed.entry, cast("dict[str, Any]", packed.manifest)
    size = f"{counted(manifest['files'], 'file')}, {megabytes(manifest['unpacked'])} in {megabytes(entry.size)}"
    yield f"{out / entry.file}: {size}"
    yield f"  version    {entry.version}, commit {entry.commit}"
    yield f"  sha256     {entry.sha256}"
    migrations = manifest["migrations"]
    newest = f", the newest {migrations[-1]}" if migrations else ""
    yield f"  migrations {len(migrations)}{newest}"
    for name, sha256 in manifest["locks"].items():
        yield f"  {name} {sha256}"
    if audit := entry.audit:
        known = f"{counted(len(audit.found), 'known fault')} of packages, {len(audit.fixed)} fixed"
        yield f"  advisories {known}"
    if packed.left_out:
        yield f"  left out   {', '.join(sorted(packed.left_out))}"
    yield from (f"  note: {note}" for note in packed.notes)
    if packed.fresh:
        yield f"{out / 'index.json'} lists {entry.version}."
    else:
        yield f"{entry.version} was there already, byte for byte; nothing changed."
