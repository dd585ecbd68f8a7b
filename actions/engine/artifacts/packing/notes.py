"""What packs well and is still worth a look: packages for developers, and a tree that is not its commit."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

GIT_S = 20
"""Seconds that git has for an answer; without one there is no note."""


def notes_of(directory: Path, commit: str) -> Iterator[str]:
    """Each a sentence."""
    yield from _packages_for_developers(directory)
    if (head := _git(directory, "rev-parse", "HEAD")) is None:
        return
    if head != commit:
        yield f"{directory} is at commit {head[:10]}, and the artifact says {commit[:10]}."
        return
    changed = (_git(directory, "status", "--porcelain", "--untracked-files=no", "--", ".") or "").splitlines()
    if names := [line.strip().partition(" ")[2].strip() for line in changed]:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield f"{', '.join(names[:3])}{more}: packed as it is, which is not as it is in commit {commit[:10]}."


def _packages_for_developers(directory: Path) -> Iterator[str]:
    try:
        said: dict[str, Any] = json.loads((directory / "vendor/composer/installed.json").read_bytes())
        names: list[str] = said.get("dev-package-names", []) if said.get("dev") is True else []
    except (OSError, ValueError, AttributeError):
        return
    if names:
        yield f"vendor/ holds {len(names)} packages for developers; composer install --no-dev leaves them out."


def _git(directory: Path, *words: str) -> str | None:
    """What git says; None where there is no git, or it knows nothing of this directory."""
    git = shutil.which("git")
    if git is None:
        return None
    try:
        said = subprocess.run([git, "-C", str(directory), *words], capture_output=True, timeout=GIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return said.stdout.decode("utf-8", "replace").rstrip("\n") if said.returncode == 0 else None
