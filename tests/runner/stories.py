"""Plans in the shape of a blue-green deploy, worlds to walk them in, and what has to be true when a run has ended."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from actions.engine.fold import Phase, State
from actions.engine.journal import Ended, Entry, Outcome, Started, Took, TurnedBack, Way
from actions.engine.plan import Again, Back, Call, Do, Expect, Harmless, Irreversible, Plan, Probe, Seen, Watch
from actions.engine.runner import Walked
from actions.engine.telemetry import Scrapes
from tests.runner.bot import Bot
from tests.runner.model import CLAIMED, EFFECTED, NEW, OLD, Server, Site, Store

MIGRATIONS = ("2026_11_20_000000_add_points", "2026_11_21_000000_add_index")


def blue_green(hosts: tuple[str, ...]) -> Plan:
    """Expect, stage and back up, migrate on one, health, switch, restart, verify and smoke, prune."""
    release = {"release": NEW}
    steps = (
        Expect("expect", "Check that the servers still serve v1.1", dict.fromkeys(hosts, OLD)),
        Do(
            "stage",
            "Unpack v1.2 beside v1.1",
            Call("stage", release),
            hosts,
            Back(Call("unstage", release), "Remove v1.2 again"),
            artifact="d" * 64,
        ),
        Do("backup", "Back up the database", Call("backup"), hosts[:1], Harmless("It reads."), beside=True),
        Do(
            "migrate",
            "Run 2 migrations",
            Call("migrate", release),
            hosts[:1],
            Irreversible("The database keeps them."),
            again=Again.ASK,
        ),
        Do("health", "Ask v1.2 for /health", Call("health", release), hosts, Harmless("It only asks.")),
        Do(
            "switch",
            "Switch from v1.1 to v1.2",
            Call("switch", release),
            hosts,
            Back(Call("switch", {"release": OLD}), "Switch back to v1.1"),
        ),
        Do("restart", "Restart the workers", Call("restart"), hosts, Harmless("Switching back does it.")),
        Watch("verify", "Check from outside", (Probe("https://shop/"),), seconds=6),
        Do("smoke", "Check the database", Call("smoke", release), hosts[:1], Harmless("It only asks."), beside=True),
        Do("retain", "Keep v1.1", Call("prune"), hosts, Irreversible("Removed releases are gone."), must=False),
    )
    return Plan(
        action="deploy",
        title="Deploy v1.2 to production (blue-green)",
        environment="production",
        version="v1.2",
        commit="c" * 40,
        sha256="d" * 64,
        agent="a" * 64,
        hosts=tuple(Seen(host, "SHA256:k", OLD) for host in hosts),
        steps=steps,
        facts={"replaces": "v1.1", "log": "deployment"},
    )


@dataclass(frozen=True)
class Case:
    """A world, and what goes wrong in it by itself."""

    hosts: int = 1
    fails: tuple[tuple[str, str, str], ...] = ()
    """(host, step/way, phase): see Server.fails."""
    loses: tuple[tuple[str, str, str], ...] = ()
    ill: bool = False
    """The new release answers 500 from outside."""
    moved: bool = False
    """A server serves something else than planned."""
    good: bool = field(init=False)

    def __post_init__(self) -> None:
        optional = all(step.startswith("retain") for _, step, _ in self.fails)
        object.__setattr__(self, "good", optional and not self.ill and not self.moved)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"app{n + 1}" for n in range(self.hosts))

    def make(self) -> Scene:
        """A fresh world. Inside the running loop."""
        servers = {name: Server(name, MIGRATIONS) for name in self.names}
        for host, step, phase in self.fails:
            servers[host].fails[step] = phase
        for host, step, phase in self.loses:
            servers[host].loses.setdefault(step, []).append(phase)
        if self.moved:
            servers["app1"].current = "20261110_100000"
            servers["app1"].releases.add("20261110_100000")
        return Scene(servers, Store(blue_green(self.names)), Site(list(servers.values()), self.ill))


@dataclass
class Scene:
    """A world at work."""

    servers: dict[str, Server]
    store: Store
    site: Site
    patience: float = 120.0
    scrapes: Scrapes | None = None

    def bot(self) -> Bot:
        """A new process."""
        return Bot(self.servers, self.store, self.site, self.patience, self.scrapes)

    async def settle(self) -> None:
        """Until no job runs on any server."""
        for server in self.servers.values():
            await server.settle()

    def effects(self) -> list[tuple[str, str, str]]:
        """(host, step/way, verb) of all that happened."""
        return [(name, *effect) for name, server in self.servers.items() for effect in server.effects]

    def told(self) -> list[Entry]:
        """The journal as it is."""
        return list(self.store.entries)


async def through(scene: Scene, kills: tuple[int, ...], gap: float = 0.0) -> list[Bot]:
    """One walker after another, each killed at its point; the last one goes to the end."""
    bots: list[Bot] = []
    for kill in kills:
        bot = scene.bot()
        bot.at[kill] = bot.kill
        bots.append(bot)
        await bot.walk()
        if gap:
            await asyncio.sleep(gap)
    last = scene.bot()
    bots.append(last)
    assert await last.walk() is Walked.ENDED
    await scene.settle()
    return bots


async def points_of(case: Case) -> int:
    """How many points an undisturbed walk has."""
    (bot,) = await through(case.make(), ())
    return len(bot.points)


def failures(hosts: int) -> list[Case]:
    """A failure of each step, before and after its effect, on the first and on the last host."""
    last = f"app{hosts}"
    where = dict.fromkeys(("app1", last))
    changing, asking = ("stage", "migrate", "switch"), ("backup", "health", "restart", "smoke", "retain")
    ways = [(step, phase) for step in changing for phase in (CLAIMED, EFFECTED)]
    ways += [(step, CLAIMED) for step in asking]
    cases = [
        Case(hosts, fails=((host, f"{step}/forward", phase),))
        for step, phase in ways
        for host in where
        if step not in ("backup", "migrate", "smoke") or host == "app1"
    ]
    return [*cases, Case(hosts, ill=True), Case(hosts, moved=True)]


# --- what has to be true -----------------------------------------------------


def check(scene: Scene, case: Case, once: bool = True) -> State:
    """Wholly new or wholly old, each effect once a way, ended and unlocked. The state, for more."""
    state = scene.store.state()
    assert state.ended is not None and not scene.store.locked
    wanted = Outcome.DONE if case.good else Outcome.TURNED_BACK
    assert state.ended.outcome is wanted, state.ended.summary
    check_fleet(scene, state)
    check_journal(scene.told())
    if once:
        check_once(scene)
    return state


def check_fleet(scene: Scene, state: State) -> None:
    """Every server as the outcome says, and nothing begun forward after turning back."""
    assert state.ended is not None
    for job in (job for server in scene.servers.values() for job in server.jobs.values() if state.turned):
        assert job.job.id.endswith("/back") or job.claimed <= state.turned.at, f"{job.job.id} began too late"
    for server in scene.servers.values():
        verbs = [verb for _, verb in server.effects]
        assert "migrate" not in verbs or "backup" in verbs[: verbs.index("migrate")], "migrated without a backup"
        if state.ended.outcome is Outcome.DONE:
            assert server.current == NEW
            done = {step for step, _ in server.effects}
            assert {"stage/forward", "health/forward", "switch/forward", "restart/forward"} <= done
        else:
            assert server.current != NEW
            assert NEW not in server.releases, "it was staged and not removed again"
    migrated = [name for server in scene.servers.values() for name in server.migrated]
    if migrated:
        assert state.applied == MIGRATIONS, "a migration that was applied is not named"


def check_once(scene: Scene) -> None:
    """No effect twice in one direction, and what went back had gone forward."""
    times = Counter(scene.effects())
    assert set(times.values()) <= {1}, [effect for effect, n in times.items() if n > 1]


def check_journal(entries: list[Entry]) -> None:
    """Ended once and last, never forward after turning back, and every walker above the one before."""
    assert [n for n, entry in enumerate(entries) if isinstance(entry, Ended)] == [len(entries) - 1]
    turned = [n for n, entry in enumerate(entries) if isinstance(entry, TurnedBack)]
    assert len(turned) <= 1
    for entry in entries[turned[0] :] if turned else ():
        assert not (isinstance(entry, Started) and entry.way is Way.FORWARD)
    fences = [entry.fence for entry in entries if isinstance(entry, Took)]
    assert fences == sorted(set(fences))


def undone(scene: Scene, state: State) -> None:
    """Every effect with an undo that the journal knows of was undone where it happened."""
    for step in scene.store.plan.steps:
        if isinstance(step, Do) and isinstance(step.undo, Back):
            for host in step.hosts:
                began, back = state.mark(step.name, host, Way.FORWARD), state.mark(step.name, host, Way.BACK)
                assert (began is None) == (back is None)
                assert back is None or back.phase is Phase.DONE


async def until(holds: Callable[[], object], seconds: float = 1000.0) -> None:
    """Wait in small steps until it holds; an error after that many seconds."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110  time is virtual, and nothing tells when a model changes
            await asyncio.sleep(0.1)
