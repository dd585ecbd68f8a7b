"""Tests here say how many points they tried; tests/conftest.py prints it at the end."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.fixture
def tried(record_property: Callable[[str, object], None]) -> Callable[[str, int], None]:
    """Call with what was counted and how many."""
    return lambda what, count: record_property("tried", (what, count))
