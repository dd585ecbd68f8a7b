"""Evidence at the desk: read at the request, at the click and at the start; the last gate starts it, or asks."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from actions.engine.journal import Opened
from bot.desk.desk import Desk, Refusal
from bot.desk.late import LateStarts
from bot.desk.view import ChangeView
from bot.evidence import Freshness, lacking
from bot.evidence.drill import Drills
from bot.store.decisions import Act
from policies.change import Allowed, Change, Evidence, Waiting, Word
from policies.gates import Mark
from policies.rules import SHIPPED, Rules, parse_rules
from tests.desk.conftest import Room

TEXT = SHIPPED.read_text(encoding="utf-8")
FREE = TEXT[: TEXT.index("[category.1]")]
CATEGORIES = """
[category.1]
name = "One"
needs = [{ role = "tech-lead" }]

[category.2]
name = "Two"
needs = [{ role = "tech-lead" }]
evidence = ["staging", "drill"]
when_ready = "WHEN"

[category.3]
name = "Three"
needs = [{ role = "cto" }]

[[rules]]
category = 2
because = "It is big."
"""


PRESSING = """
[emergency]
roles = ["on-call"]
bypass = ["staging", "drill"]
"""


def rules(when: str = "start") -> Rules:
    return parse_rules(FREE + CATEGORIES.replace("WHEN", when))


@dataclass
class Gate:
    """A source that a test opens and shuts."""

    name: str
    green: bool = False
    slow: bool = False
    reads: int = 0
    broken: list[Exception] = field(default_factory=list)

    async def read(self, change: Change, now: datetime) -> Evidence:
        self.reads += 1
        if self.broken:
            raise self.broken[0]
        if self.green:
            return Evidence(self.name, True, f"{self.name} stands.", now, now + timedelta(minutes=2))
        return lacking(self.name, f"{self.name} has been green for 12 of 30 minutes.", now, now + timedelta(minutes=18))


@dataclass
class Gated:
    room: Room
    desk: Desk
    staging: Gate
    drill: Gate

    async def asked(self) -> ChangeView:
        return await self.desk.propose("deploy v1.2", self.room.who("dev"))

    async def approved(self, view: ChangeView) -> ChangeView:
        who = self.room.who("lead")
        return await self.desk.approve(view.change.id, view.change.digest, who, "unix:lead")

    async def fresh(self) -> None:
        await Freshness(self.desk.evidence, timedelta(seconds=10)).look()


def gated(room: Room, when: str = "start") -> Gated:
    staging, drill = Gate("staging"), Gate("drill")
    sources = {"staging": staging, "drill": drill}
    desk = replace(room.desk, rules=rules(when), sources=sources, _starting=defaultdict(asyncio.Lock))
    return Gated(room, desk, staging, drill)


async def test_it_waits_with_a_sentence_for_each_gate_and_the_last_one_starts_it(room: Room) -> None:
    there = gated(room)
    view = await there.approved(await there.asked())
    assert isinstance(view.verdict, Waiting) and view.verdict.evidence == ("staging", "drill")
    assert [gate.mark for gate in view.gates] == [Mark.WAITS, Mark.WAITS]
    assert "staging has been green for 12 of 30 minutes." in view.verdict.said
    there.staging.green = True
    room.clock.later(seconds=20)
    await there.fresh()
    await LateStarts(there.desk).look()
    assert await room.store.read(view.change.id) == [] and room.work.runs == []
    there.drill.green = True
    room.clock.later(seconds=60)
    await there.fresh()
    await LateStarts(there.desk).look()
    (opened,) = await room.store.read(view.change.id)
    assert isinstance(opened, Opened) and opened.by == "lead" and room.work.runs == [view.change.id]
    await LateStarts(there.desk).look()
    assert room.work.runs == [view.change.id]
    told = await room.store.decisions(view.change.id)
    assert [one.said for one in told if one.act is Act.EVIDENCE] == [
        "staging holds: staging stands.",
        "drill holds: drill stands.",
    ]
    assert {(one.digest, one.rules) for one in told} == {(view.change.digest, there.desk.rules.sha256)}
    assert told[-1].act is Act.STARTED and "Staging: staging stands. DR drill: drill stands." in told[-1].said


@pytest.mark.parametrize(
    ("staging", "drill", "said"),
    [
        (True, False, "Bypassed: DR drill."),
        (False, False, "Bypassed: Staging and DR drill."),
        (True, True, "Nothing is bypassed."),
    ],
)
async def test_an_emergency_names_only_what_it_really_goes_past(
    room: Room, staging: bool, drill: bool, said: str
) -> None:
    there = gated(room)
    there.staging.green, there.drill.green = staging, drill
    there.desk = replace(
        there.desk,
        rules=parse_rules(FREE + CATEGORIES.replace("WHEN", "start") + PRESSING),
        _starting=defaultdict(asyncio.Lock),
    )
    who = room.who("devops")
    view = await there.desk.propose('deploy v1.2 emergency="It is down."', who)
    assert view.alarm == f"Emergency: It is down. {said}" and view.alarm in view.verdict.said
    started = await there.desk.approve(view.change.id, view.change.digest, who, "unix:devops")
    room.clock.later(minutes=20)
    assert (await room.store.decisions(view.change.id))[-1].said == view.alarm
    assert started.run.opened and (await there.desk.view(view.change.id)).alarm == view.alarm


async def test_where_the_rules_say_so_the_last_gate_asks_and_a_press_starts_it(room: Room) -> None:
    there = gated(room, "ask")
    view = await there.approved(await there.asked())
    there.staging.green = there.drill.green = True
    room.clock.later(seconds=60)
    await there.fresh()
    await LateStarts(there.desk).look()
    asks = await there.desk.view(view.change.id)
    assert isinstance(asks.verdict, Allowed) and asks.held and await room.store.read(view.change.id) == []
    started = await there.approved(view)
    assert started.run.opened and started.run.opened.by == "lead"


async def test_evidence_that_stands_at_the_click_is_read_once_more_at_the_start(room: Room) -> None:
    there = gated(room)
    there.staging.green = there.drill.green = True
    view = await there.asked()
    reads = there.staging.reads
    assert (await there.approved(view)).run.opened
    assert there.staging.reads == reads + 2


async def test_evidence_that_falls_between_the_click_and_the_start_keeps_it_from_starting(room: Room) -> None:
    there = gated(room)
    there.staging.green = there.drill.green = True
    view = await there.asked()
    ready = await there.desk.view(view.change.id)
    approval = await there.desk.deciding.decide(
        view.change.id, view.change.digest, room.who("lead"), "unix:lead", Word.APPROVE
    )
    assert isinstance(approval.verdict, Allowed) and isinstance(ready.verdict, Waiting)
    there.staging.green = False
    after = await there.desk.start(approval, "lead")
    assert isinstance(after.verdict, Waiting) and not after.run.opened and room.work.runs == []


async def test_what_was_green_and_was_not_read_again_is_not_green(room: Room) -> None:
    """Nobody could read it for three minutes: it is no longer known."""
    there = gated(room)
    there.staging.green = there.drill.green = True
    view = await there.asked()
    room.clock.later(minutes=3)
    seen = await there.desk.view(view.change.id)
    assert isinstance(seen.verdict, Waiting) and seen.verdict.evidence == ("staging", "drill")
    assert "expired" in seen.verdict.said


async def test_a_source_that_breaks_is_not_green_and_says_no_more_than_it_may(room: Room) -> None:
    there = gated(room)
    there.drill.green = True
    there.staging.broken = [RuntimeError("token ghp_hunter2")]
    view = await there.asked()
    (staging, drill) = view.gates
    assert (staging.mark, drill.mark) == (Mark.LACKS, Mark.STANDS)
    assert "met a fault" in staging.said and "hunter2" not in staging.said


async def test_a_gate_without_a_source_blocks_and_says_what_to_write(room: Room) -> None:
    desk = replace(room.desk, rules=rules(), _starting=defaultdict(asyncio.Lock))
    view = await desk.propose("deploy v1.2", room.who("dev"))
    assert isinstance(view.verdict, Waiting)
    assert "chom.toml marks no environment as staging" in view.gates[0].said


async def test_a_shell_without_a_source_leaves_what_the_bot_has_read(room: Room) -> None:
    there = gated(room)
    there.staging.green = there.drill.green = True
    view = await there.asked()
    shell = replace(room.desk, rules=there.desk.rules, _starting=defaultdict(asyncio.Lock))
    started = await shell.approve(view.change.id, view.change.digest, room.who("lead"), "unix:lead")
    assert started.run.opened


async def test_a_plan_that_is_only_looked_at_stores_nothing(room: Room) -> None:
    there = gated(room)
    view = await there.desk.preview("deploy v1.2", room.who("dev"))
    assert [gate.mark for gate in view.gates] == [Mark.WAITS, Mark.WAITS]
    assert await room.store.evidence(view.change.id) == ()


async def test_a_drill_is_recorded_by_who_has_a_role_and_counts_for_its_time(room: Room) -> None:
    drills = Drills(room.store, room.desk.roster)
    desk = replace(
        room.desk,
        rules=rules(),
        sources={"staging": Gate("staging", green=True), "drill": drills},
        _starting=defaultdict(asyncio.Lock),
    )
    view = await desk.propose("deploy v1.2", room.who("dev"))
    assert view.gates[1].said.startswith("No DR drill was recorded.")
    with pytest.raises(Refusal, match="Dana has no role"):
        await drills.add(room.who("dev"), "unix:dev", True, "x", room.clock.now(), desk.witness)
    with pytest.raises(Refusal, match="Say what was tried"):
        await drills.add(room.who("devops"), "unix:devops", True, " \u200b", room.clock.now(), desk.witness)
    await drills.add(room.who("devops"), "unix:devops", True, "restored on stage1", room.clock.now(), desk.witness)
    started = await desk.approve(view.change.id, view.change.digest, room.who("lead"), "unix:lead")
    assert "recorded by hand by Omar: “restored on stage1”" in started.gates[1].said and started.run.opened
    for days, mark in ((29, Mark.STANDS), (2, Mark.LACKS)):
        room.clock.later(days=days)
        (found,) = [one for one in await desk.evidence.read(view.change) if one.name == "drill"]
        assert found.holds is (mark is Mark.STANDS)
    await drills.add(room.who("devops"), "unix:devops", False, "the dump was empty", room.clock.now(), desk.witness)
    (found,) = [one for one in await desk.evidence.read(view.change) if one.name == "drill"]
    assert not found.holds and "failed" in found.said
    told = [(one.act, one.person, one.account, one.said) for one in await room.store.decisions("")]
    assert [one[:3] for one in told] == [
        (Act.REFUSED, "dev", "unix:dev"),
        (Act.REFUSED, "devops", "unix:devops"),
        (Act.EVIDENCE, "devops", "unix:devops"),
        (Act.EVIDENCE, "devops", "unix:devops"),
    ]
    assert told[2][3] == "DR drill passed: restored on stage1"
