"""Packing a tree in a line, in this process or as the command, and what a list has then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from actions.engine.artifacts.packing import CannotPack, Order, Packed, pack
from tests.adapters.trees import COMMIT

AT = datetime(2026, 11, 1, 10, tzinfo=UTC)


def packed(directory: Path, out: Path, version: str = "v1.2", days: int = 0, **more: Any) -> Packed:
    return pack(Order(directory, version, COMMIT, out, AT + timedelta(days=days), **more))


def refused(directory: Path, out: Path, **more: Any) -> tuple[str, ...]:
    """The faults; nothing was written for them."""
    before = sorted(path.name for path in out.glob("*")) if out.exists() else None
    with pytest.raises(CannotPack) as caught:
        packed(directory, out, **more)
    assert before == (sorted(path.name for path in out.glob("*")) if out.exists() else None)
    assert not list(out.glob(".packing.*.part"))
    return caught.value.faults


def listed(out: Path) -> list[str]:
    return [entry["version"] for entry in json.loads((out / "index.json").read_text())["releases"]]


def chom_bot(*words: str | Path, umask: int = 0o022, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bot", "pack", *map(str, words)],
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: os.umask(umask) and None,
    )


def pipeline() -> Any:
    """The job that makes an artifact in the example of a pipeline."""
    text = (Path(__file__).parents[2] / ".github/artifact.example.yml").read_text()
    return yaml.safe_load(text)["jobs"]["artifact"]


def steps_of(job: Any) -> dict[str, str]:
    """Its named shell steps."""
    return {step["name"]: step["run"] for step in job["steps"] if {"name", "run"} <= set(step)}
