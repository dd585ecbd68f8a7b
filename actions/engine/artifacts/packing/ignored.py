"""What is left out of an artifact: secrets always, what no server needs unless .chomignore says otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

FILE = ".chomignore"

NEVER = (".env", ".env.*", "!.env.example", "/auth.json", "/.npmrc")
"""Secrets of whoever builds: no line of .chomignore brings them in."""

DEFAULTS = (
    ".git",
    "/.github",
    "/.gitlab",
    "/.gitlab-ci.yml",
    "/.chomignore",
    ".idea",
    ".vscode",
    ".DS_Store",
    "*.swp",
    "node_modules",
    "/tests",
    "/phpunit.xml*",
    "/.phpunit*",
    "/storage",
    "/bootstrap/cache/*.php",
    "/bootstrap/cache/views",
    "/public/hot",
    "/database/*.sqlite*",
)
"""Each is of the builder's machine, of the tests, or is made or linked in on the server; "!/tests" brings one back."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """Patterns as in .gitignore; of two that match, the later one counts."""

    lines: tuple[str, ...]
    _spec: GitIgnoreSpec
    _never: GitIgnoreSpec

    @classmethod
    def of(cls, directory: Path) -> Ignored:
        """The defaults, and the directory's own .chomignore where it has one. Raises OSError, ValueError."""
        own = directory / FILE
        lines = (*DEFAULTS, *(own.read_text(encoding="utf-8").splitlines() if own.is_file() else ()))
        return cls(lines, GitIgnoreSpec.from_lines(lines), GitIgnoreSpec.from_lines(NEVER))

    def pattern(self, name: str, is_directory: bool) -> str:
        """The line that leaves this path out, "" where it is packed; what is in such a directory is not looked at."""
        path = f"{name}/" if is_directory else name
        never = self._never.check_file(path)
        if never.include and never.index is not None:
            return NEVER[never.index]
        found = self._spec.check_file(path)
        return self.lines[found.index].strip() if found.include and found.index is not None else ""
