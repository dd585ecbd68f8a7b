"""A configuration as a release, killed at every point: release and file are both the new ones, or both the old ones."""

from __future__ import annotations

import pytest

from actions import config_apply
from actions.engine.journal import Outcome
from tests.pure.making import fleet, host, proposed, request
from tests.runner.model import CLAIMED, EFFECTED, NEW, OLD, Server, Site, Store
from tests.runner.stories import Scene, check_journal, check_once, through
from tests.runner.virtual import run


def scene(fails: tuple[tuple[str, str, str], ...], ill: bool) -> Scene:
    made = {name: Server(name) for name in ("app1", "app2")}
    for name, step, phase in fails:
        made[name].fails[step] = phase
    plan = config_apply.plan(request("config apply"), proposed(fleet(host("app1"), host("app2"))), None)
    return Scene(made, Store(plan), Site(list(made.values()), ill))


@pytest.mark.parametrize(
    ("fails", "ill"),
    [
        ((), False),
        ((("app2", "stage/forward", EFFECTED),), False),
        ((("app1", "switch/forward", EFFECTED),), False),
        ((("app2", "apply/forward", CLAIMED),), False),
        ((("app2", "apply/forward", EFFECTED),), False),
        ((), True),
    ],
    ids=["good", "half staged", "half switched", "not written", "half written", "ill"],
)
def test_killed_at_every_point(fails: tuple[tuple[str, str, str], ...], ill: bool) -> None:
    async def story() -> int:
        (bot,) = await through(scene(fails, ill), ())
        for kill in range(0, len(bot.points), 3 if fails or ill else 1):
            told = scene(fails, ill)
            await through(told, (kill,))
            ended(told, good=not fails and not ill)
        return len(bot.points)

    assert run(story()) > 50


def ended(told: Scene, *, good: bool) -> None:
    state = told.store.state()
    assert state.ended is not None and not told.store.locked
    assert state.ended.outcome is (Outcome.DONE if good else Outcome.TURNED_BACK), state.ended.summary
    check_journal(told.told())
    check_once(told)
    for server in told.servers.values():
        assert (server.current, server.config) == ((NEW, "new") if good else (OLD, "old")), server.name
        assert good or NEW not in server.releases
