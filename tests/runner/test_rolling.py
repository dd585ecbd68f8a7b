"""Rolling, walked: one batch after another, back at the first that is bad, and users are never left away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from actions import rolling
from actions.engine.journal import Outcome
from actions.engine.plan import Probe
from actions.engine.ports import Passed
from tests.pure.making import artifact, fleet, host, request
from tests.runner.model import CLAIMED, EFFECTED, NEW, OLD, Server, Site, Store
from tests.runner.stories import MIGRATIONS, Scene, check_journal, check_once, through
from tests.runner.virtual import run


@dataclass
class Balanced(Site):
    """A site behind a balancer: it answers as long as one server does, with any version it serves."""

    def __init__(self, servers: Sequence[Server]) -> None:
        super().__init__(servers)
        self.away: list[set[str]] = []

    async def probe(self, probe: Probe) -> Passed:
        away = {server.name for server in self.servers if server.maintained}
        self.away.append(away)
        if len(away) == len(self.servers):
            return Passed(False, "HTTP 503")
        if probe.contains:
            return await super().probe(probe)
        return Passed(False, "HTTP 500") if self.ill else Passed(True, "HTTP 200")


def scene(servers: int, by: int, *fails: tuple[str, str, str]) -> Scene:
    names = [f"app{n + 1}" for n in range(servers)]
    made = {name: Server(name, MIGRATIONS if name == "app1" else ()) for name in names}
    for name, step, phase in fails:
        made[name].fails[step] = phase
    plan = rolling.plan(request("rolling", {"by": by}), fleet(*map(host, names)), artifact(migrations=("m1", "m9")))
    return Scene(made, Store(plan), Balanced(list(made.values())))


def ended(told: Scene, outcome: Outcome) -> str:
    state = told.store.state()
    assert state.ended is not None and not told.store.locked and state.ended.outcome is outcome, state.ended
    check_journal(told.told())
    check_once(told)
    wanted = NEW if outcome is Outcome.DONE else OLD
    for server in told.servers.values():
        assert server.current == wanted and not server.maintained, server.name
    return state.ended.summary


def test_good_over_twenty_servers_five_at_a_time() -> None:
    told = scene(20, 25)
    run(through(told, ()))
    assert "v1.2 is live" in ended(told, Outcome.DONE)
    switched = [entry.host for entry in told.told() if entry.kind == "done" and entry.step.startswith("switch")]
    batches = [set(switched[at : at + 5]) for at in range(0, 20, 5)]
    assert batches == [{f"app{n}" for n in range(at, at + 5)} for at in range(1, 21, 5)]


@pytest.mark.parametrize("step", ["health", "switch", "up"])
@pytest.mark.parametrize("phase", [CLAIMED, EFFECTED])
def test_the_third_of_twenty_is_bad_and_later_ones_were_never_touched(step: str, phase: str) -> None:
    told = scene(20, 5, ("app3", f"{step}.3/forward", phase))
    run(through(told, ()))
    said = ended(told, Outcome.TURNED_BACK)
    assert "on app3" in said and "not live" in said
    rest = "18 servers (app3 to app20)" if step == "health" else "17 servers (app4 to app20)"
    assert f"switched back to v1.1; {rest} were never switched." in said
    for name, server in told.servers.items():
        verbs = {verb for _, verb in server.effects}
        assert ("switch" in verbs) <= (name in ("app1", "app2", "app3"))
        assert ("down" in verbs) == (name in ("app1", "app2", "app3"))


def test_no_second_batch_while_the_site_does_not_answer() -> None:
    told = scene(2, 50)
    told.site.ill = True
    run(through(told, ()))
    assert "the check from outside failed" in ended(told, Outcome.TURNED_BACK)
    assert {verb for _, verb in told.servers["app2"].effects} == {"stage", "unstage"}


@pytest.mark.parametrize(
    "fails",
    [(), (("app2", "health.2/forward", CLAIMED),), (("app2", "up.2/forward", CLAIMED),),
     (("app1", "switch/forward", EFFECTED),)],
    ids=["good", "bad health", "never up again", "half switched"],
)  # fmt: skip
def test_killed_at_every_point_users_are_served_in_the_end(fails: tuple[tuple[str, str, str], ...]) -> None:
    async def story() -> int:
        (bot,) = await through(scene(2, 50, *fails), ())
        for kill in range(len(bot.points)):
            told = scene(2, 50, *fails)
            await through(told, (kill,))
            ended(told, Outcome.TURNED_BACK if fails else Outcome.DONE)
        return len(bot.points)

    assert run(story()) > 60
