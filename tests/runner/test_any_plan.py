"""Any plan, any failures, any deaths: every effect once a way, all undone or all done, in reverse order.

Some steps begin together with the one before; none begins before all of an earlier group have ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actions.engine.journal import Outcome
from actions.engine.plan import (
    Again,
    Back,
    Call,
    Do,
    Expect,
    Harmless,
    Irreversible,
    Plan,
    Probe,
    Seen,
    Step,
    Watch,
    together,
)
from actions.engine.runner import Walked
from tests.runner.model import CLAIMED, EFFECTED, NEW, OLD, Server, Site, Store
from tests.runner.stories import Scene, check_journal, check_once
from tests.runner.virtual import run

HOSTS = ("app1", "app2", "app3")


@dataclass(frozen=True)
class Blow:
    """What hits a walker at a point: it is killed, cut off, frozen for ten seconds, or a server goes away."""

    point: int
    kind: str
    host: str
    seconds: float


@st.composite
def steps(draw: st.DrawFn, number: int) -> Step:
    name = f"s{number}"
    if draw(st.integers(0, 7)) == 0:
        return draw(
            st.sampled_from(
                [
                    Watch(name, f"Watch {number}", (Probe("https://shop/"),), 5, beside=draw(st.booleans())),
                    Expect(name, f"Compare {number}", {"app1": OLD}),
                ]
            )
        )
    call, back = Call("act", {"what": name}), Call("unact", {"what": name})
    undo = draw(st.sampled_from([Back(back, f"Undo {name}"), Harmless("reads"), Irreversible(f"{name} stays.")]))
    hosts = tuple(sorted(draw(st.sets(st.sampled_from(HOSTS), min_size=1))))
    must = draw(st.integers(0, 5)) > 0 or isinstance(undo, Back)
    return Do(name, f"Do {number}", call, hosts, undo, Again.SAFE, must=must, beside=draw(st.booleans()))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    made = tuple(draw(steps(number)) for number in range(draw(st.integers(1, 6))))
    seen = tuple(Seen(host, "SHA256:k", OLD) for host in HOSTS)
    return Plan("act", "Do things on production", "production", "v1.2", "c" * 40, "", "a" * 64, seen, made)


def fault() -> st.SearchStrategy[tuple[str, str, str]]:
    step = st.integers(0, 5).map(lambda n: f"s{n}/forward")
    return st.tuples(st.sampled_from(HOSTS), step, st.sampled_from([CLAIMED, EFFECTED]))


def blows() -> st.SearchStrategy[list[Blow]]:
    kinds = st.sampled_from(["kill", "cut", "freeze", "away", "go", "stop"])
    blow = st.builds(Blow, st.integers(0, 60), kinds, st.sampled_from(HOSTS), st.sampled_from([2.0, 20.0, 200.0]))
    return st.lists(blow, max_size=5)


async def walked(plan: Plan, faults: list[tuple[str, str, str]], hits: list[Blow]) -> Scene:
    servers = {host: Server(host) for host in HOSTS}
    for host, step, phase in faults:
        servers[host].fails[step] = phase
    site = Site(list(servers.values()))
    for server in servers.values():
        server.releases.add(NEW)
    site.ill = False
    scene = Scene(servers, Store(plan), site, patience=30.0)
    left: list[asyncio.Task[Walked | None]] = []
    for blow in hits:
        bot = scene.bot()
        bot.use_stop = True
        bot.at[blow.point] = _struck(blow, scene, bot)
        walking = asyncio.create_task(bot.walk())
        await asyncio.wait([walking], timeout=15)
        left.append(walking)
    last = scene.bot()
    ends = await asyncio.wait_for(last.walk(), 2000)
    await asyncio.gather(*left)
    if ends is Walked.FENCED:
        assert await scene.bot().walk() is Walked.ENDED
    await scene.settle()
    return scene


def _struck(blow: Blow, scene: Scene, bot: object) -> Callable[[], None]:
    loop, server = asyncio.get_running_loop(), scene.servers[blow.host]

    def away() -> None:
        server.down()
        loop.call_later(blow.seconds, server.up.set)

    def freeze() -> None:
        bot.freeze()
        loop.call_later(blow.seconds, bot.thaw)

    acts = {"kill": bot.kill, "cut": server.cut, "freeze": freeze, "away": away, "go": bot.stop.set}
    return {**acts, "stop": scene.store.stop}[blow.kind]


@settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(plans(), st.lists(fault(), max_size=2), blows())
def test_any_plan_ends_whole(plan: Plan, faults: list[tuple[str, str, str]], hits: list[Blow]) -> None:
    scene = run(walked(plan, faults, hits))
    state = scene.store.state()
    assert state.ended and not scene.store.locked and not state.waiting and state.question is None
    check_journal(scene.told())
    check_once(scene)
    for step in plan.steps:
        if not isinstance(step, Do):
            continue
        for host in step.hosts:
            on = step.name in scene.servers[host].on
            if state.ended.outcome is Outcome.DONE and step.must:
                assert on, f"{step.name} is not done on {host}"
            if state.ended.outcome is Outcome.TURNED_BACK and isinstance(step.undo, Back):
                assert not on, f"{step.name} is not undone on {host}"
    names = [step.name for step in plan.steps]
    turns = [number for number, group in enumerate(together(plan.steps)) for _ in group]
    for server in scene.servers.values():
        order = [(step.split("/")[1], names.index(step.split("/")[0])) for step, _ in server.effects]
        back = [n for way, n in order if way == "back"]
        forward = [n for way, n in order if way == "forward"]
        assert [turns[n] for n in forward] == sorted(turns[n] for n in forward) and back == sorted(back, reverse=True)
        assert order == [("forward", n) for n in forward] + [("back", n) for n in back]
