"""What ruff and pyright do not see: every fault of the house is a line, and any line fails `make check`."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
MOST_LINES = 300
UNFINISHED = re.compile(
    r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b|pytest\.(mark\.)?(sk" + r"ip|xf" + r"ail)|import" + r"orskip"
)
ADDRESS = re.compile(r"https?://[^\s\"']*(/simple|registry\.)|files\.pythonhosted|/work/|/root/")


def tracked() -> list[Path]:
    """The files git knows, as paths below the root."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def faults_of(path: Path) -> Iterator[str]:
    """The faults of one file."""
    try:
        text = (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    for number, line in enumerate(text.splitlines(), 1):
        if UNFINISHED.search(line):
            yield f"{path}:{number}: unfinished or not tested: {line.strip()[:80]}"
        if ADDRESS.search(line):
            yield f"{path}:{number}: a path or an address of one machine: {line.strip()[:80]}"
    if path.suffix != ".py":
        return
    if text.strip() and not ast.get_docstring(ast.parse(text)):
        yield f"{path}:1: opens without a sentence that says why the file exists"
    length = text.count("\n")
    if length > MOST_LINES:
        yield f"{path}: {length} lines; is it one thing?"


def main() -> int:
    """Print every fault; 1 where there is any."""
    faults = [fault for path in tracked() if path.name != "house.py" for fault in faults_of(path)]
    print("\n".join(faults) if faults else "the house is clean", file=sys.stderr)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
