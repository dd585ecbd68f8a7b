"""Changes, approvals and entries to store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from actions.engine.journal import Ended, Opened, Outcome
from actions.engine.plan import Back, Call, Do, Expect, Plan, Probe, Seen, Watch
from bot.store import Store
from policies.change import Approval, Change, Need, Requirement, Role, Word

AT = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


def plan(environment: str = "production", hosts: tuple[str, ...] = ("app1",), title: str = "") -> Plan:
    """Two steps with every kind of argument, and a watch."""
    first = Do("switch", "Switch", Call("switch", {"id": "20261123_120000", "keep": 5, "force": True}), hosts,
               Back(Call("switch", {"id": "20261122_120000"}), "Switch back"))  # fmt: skip
    second = Do("reload", "Reload", Call("reload", {"services": ("nginx", "php")}), hosts,
                Back(Call("reload", {"services": ("nginx",)}), "Reload again"))  # fmt: skip
    return Plan(
        action="blue-green",
        title=title or f"Deploy v1.2 to {environment} (blue-green)",
        environment=environment,
        version="v1.2",
        commit="a" * 40,
        sha256="b" * 64,
        agent="c" * 64,
        hosts=tuple(Seen(host, "SHA256:x", "20261122_120000", ("2026_01_01_create",)) for host in hosts),
        steps=(
            Expect("expect", "As seen", dict.fromkeys(hosts, "20261122_120000")),
            first,
            second,
            Watch("outside", "From outside", (Probe("http://x/", 200, "v1.2"),), 10, 0.5, 2),
        ),
        facts={"replaces": "v1.1", "migrations": ("2026_01_01_create",), "hosts": len(hosts), "first": False},
    )


def change(
    id_: str = "chg-aaaaaa", environment: str = "production", *, minutes: int = 0, of: Plan | None = None
) -> Change:
    """A change that one Tech Lead has to approve."""
    requirement = Requirement(1, "an ordinary deploy", (Need(Role.TECH_LEAD),), expires=timedelta(hours=4))
    at = AT + timedelta(minutes=minutes)
    return Change(id_, "dev", environment, "deploy v1.2", "", at, of or plan(environment), requirement, "d" * 64)


def approval(of: Change, person: str = "lead", word: Word = Word.APPROVE, seconds: float = 1) -> Approval:
    """What `person` says of that change's digest."""
    return Approval(person, word, of.digest, of.at + timedelta(seconds=seconds), "", f"T0CHOM:U0{person.upper()}")


def opened(of: Change, by: str = "lead") -> Opened:
    """Entry 1."""
    return Opened(of.at + timedelta(seconds=2), of.id, of.digest, by)


async def run_of(store: Store, id_: str = "chg-aaaaaa", environment: str = "production") -> None:
    """A stored change whose run is open."""
    asked = change(id_, environment)
    await store.put_change(asked)
    await store.open_run(asked, opened(asked))


def ended() -> Ended:
    """It went well."""
    return Ended(AT, Outcome.DONE, "v1.2 is live on production; it took 42 s.")
