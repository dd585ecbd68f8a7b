"""Stands for `php`: runs `artisan` as far as chom-host asks, and counts every effect in a file.

Run as `php.py ROOT artisan COMMAND …` in a release. Each migration that is applied, and each other command, is one
line in ROOT/effects: a test that finds a line twice has found an effect that happened twice. A comment in a migration
steers it: `// takes 2.5` (seconds), `// until go` (ROOT/go exists), `// prints 1000` (lines), `// fails`.
"""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path


def note(root: Path, effect: str) -> None:
    """One line, whatever else writes there."""
    fd = os.open(root / "effects", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(fd, f"{effect}\n".encode())
    os.close(fd)


def told(text: str, word: str) -> float:
    found = re.search(rf"// {word} ([\d.]+)", text)
    return float(found[1]) if found else 0.0


def migrate(root: Path) -> int:
    table = root / "applied"
    table.touch()
    for file in sorted(Path("database/migrations").glob("*.php")):
        text = file.read_text()
        if file.stem in table.read_text().split():
            continue
        sys.stdout.write(f"Migrating: {file.stem}\n")
        for number in range(int(told(text, "prints"))):
            sys.stdout.write(f"row {number} of {file.stem}\n")
        sys.stdout.flush()
        time.sleep(told(text, "takes"))
        while "// until go" in text and not (root / "go").exists():
            time.sleep(0.02)
        if "// fails" in text:
            sys.stdout.write(f"SQLSTATE[42S01]: {file.stem} does not work\n")
            return 1
        with table.open("a") as applied:
            applied.write(f"{file.stem}\n")
        note(root, f"migrated {file.stem}")
        sys.stdout.write(f"Migrated:  {file.stem} (1.00ms)\n")
        sys.stdout.flush()
    return 0


def main() -> int:
    root, command = Path(sys.argv[1]), sys.argv[3]
    if command == "migrate":
        return migrate(root)
    note(root, f"{command} {Path.cwd().name.strip('.').removesuffix('.part')}")
    sys.stdout.write(f"{command}: done\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
