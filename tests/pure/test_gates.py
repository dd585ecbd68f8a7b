"""Gates: what a card shows of each kind of evidence, and that what is unknown is never a tick."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from policies.change import Evidence
from policies.gates import Mark, gates
from tests.pure.making import NOW, TWO, change

GREEN = Evidence("staging", True, "Healthy in staging for 30 minutes.", NOW)

SOON = NOW + timedelta(minutes=18)


@pytest.mark.parametrize(
    ("evidence", "mark"),
    [
        ([], Mark.WAITS),
        ([GREEN], Mark.STANDS),
        ([replace(GREEN, holds=False)], Mark.LACKS),
        ([replace(GREEN, holds=False, opens=SOON)], Mark.WAITS),
        ([replace(GREEN, holds=False, opens=NOW - timedelta(hours=1))], Mark.WAITS),
        ([replace(GREEN, expires=NOW)], Mark.LACKS),
        ([replace(GREEN, expires=NOW, opens=SOON)], Mark.LACKS),
        ([replace(GREEN, name="drill")], Mark.WAITS),
    ],
)
def test_each_gate_has_a_mark_and_a_sentence(evidence: list[Evidence], mark: Mark) -> None:
    (gate,) = gates(change(TWO), evidence, NOW)
    assert (gate.mark, gate.title) == (mark, "Staging")
    assert gate.said.endswith(".")


def test_they_stand_in_the_order_of_the_requirement_and_only_those() -> None:
    two = replace(TWO, evidence=("drill", "staging"))
    seen = gates(change(two), [GREEN, replace(GREEN, name="weather")], NOW)
    assert [(gate.name, gate.mark) for gate in seen] == [("drill", Mark.WAITS), ("staging", Mark.STANDS)]
