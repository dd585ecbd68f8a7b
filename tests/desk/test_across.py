"""What migrations mean for old code is read from artifacts, and said to whoever asks before anything is stored."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actions.engine.across import told
from actions.engine.contents import Contents
from actions.engine.fleet import Pools
from actions.engine.migrations import Effect, Finding, Migration
from bot.desk.desk import Refusal
from policies.change import ChangeType, Refused
from tests.desk.conftest import BLUE, OLD, Room

ORDERS = "2026_10_01_000000_add_orders"
LOSES = Migration((Finding(9, Effect.LOSES, "drops the column email of orders"),))


def holds(room: Room, sha256: str, **migrations: Migration) -> None:
    """That artifact has these migrations in it, under the name of ORDERS where it is `orders`."""
    room.shelf.kept[sha256] = Contents(
        migrations={ORDERS if name == "orders" else name: does for name, does in migrations.items()}
    )


@pytest.mark.parametrize("way", ["canary", "rolling"])
async def test_beside_old_code_nothing_is_asked_for_with_a_destructive_migration(room: Room, way: str) -> None:
    pools = Pools("", False, 0, None, 8 * 10**9, 10**9)
    room.servers.seen = {name: replace(host, pools=pools) for name, host in room.servers.seen.items()}
    holds(room, "2" * 64, orders=LOSES)
    for asking in (room.desk.propose, room.desk.preview):
        with pytest.raises(Refusal, match=rf"cannot go out .*{ORDERS} \(line 9: it drops the column email of orders\)"):
            await asking(f"deploy v1.2 {way}", room.who("dev"))
    assert await room.store.recent("", 10) == []
    for other in ("deploy v1.2 rolling by=100% to production", "deploy v1.2 to production"):
        assert (await room.desk.preview(other, room.who("dev"))).change.plan.pending == (ORDERS,)
    holds(room, "2" * 64, orders=Migration(()))
    assert (await room.desk.propose(f"deploy v1.2 {way}", room.who("dev"))).change.plan.action == way


async def test_a_rollback_that_needs_a_restore_is_refused_and_one_that_cannot_be_told_says_so(room: Room) -> None:
    """What is served has a migration that v0.9 lacks; its artifact is there, or away."""
    served = replace(BLUE, migrations=(ORDERS,))
    for name, host in room.servers.seen.items():
        room.servers.seen[name] = replace(host, releases=(served, OLD), migrations=(ORDERS,), ran={ORDERS: served.id})
    view = await room.desk.preview("rollback", room.who("dev"))
    assert told(view.change.plan)[0] == "Not known" and view.change.requirement.type is ChangeType.NORMAL
    holds(room, served.sha256, orders=Migration(()))
    assert told((await room.desk.preview("rollback", room.who("dev"))).change.plan)[0] == "Reversible"
    holds(room, served.sha256, orders=LOSES)
    for asking in (room.desk.propose, room.desk.preview):
        with pytest.raises(
            Refusal, match=rf"^v0\.9 may break .*{ORDERS} \(line 9: .*_{served.id}\.sql\.gz .*`deploy v0\.9"
        ):
            await asking("rollback", room.who("dev"))
    assert await room.store.recent("", 10) == []


async def test_a_rollback_that_needs_a_restore_by_the_time_it_starts_is_void(room: Room) -> None:
    served = replace(BLUE, migrations=(ORDERS,))
    for name, host in room.servers.seen.items():
        room.servers.seen[name] = replace(host, releases=(served, OLD), migrations=(ORDERS,))
    asked = await room.desk.propose("rollback", room.who("dev"))
    holds(room, served.sha256, orders=LOSES)
    with pytest.raises(Refusal, match="this bot made none then"):
        await room.desk.approve(asked.change.id, asked.change.digest, room.who("lead"), "unix:lead")
    assert isinstance((await room.desk.view(asked.change.id)).verdict, Refused)


async def test_a_deploy_of_an_older_version_reads_what_a_rollback_to_it_would(room: Room) -> None:
    """v1.2 dropped a column and was left for v1.0; v0.9, which is not served, is deployed."""
    past = replace(BLUE, id="20261020_100000", version="v1.2", sha256="2" * 64, migrations=(ORDERS,))
    pools = Pools("", False, 0, None, 8 * 10**9, 10**9)
    for name, host in room.servers.seen.items():
        kept = {"releases": (BLUE, past, OLD), "migrations": (ORDERS,), "ran": {ORDERS: past.id}, "pools": pools}
        room.servers.seen[name] = replace(host, **kept)
    room.shelf.built["v0.9"] = replace(room.shelf.built["v1.1"], version="v0.9", sha256=OLD.sha256)
    room.shelf.kept |= {sha256: Contents() for sha256 in (OLD.sha256, BLUE.sha256)}
    view = await room.desk.preview("deploy v0.9", room.who("dev"))
    assert told(view.change.plan)[0] == "Not known", "the artifact of v1.2 is away"
    holds(room, past.sha256, orders=LOSES)
    for way in ("canary", "rolling"):
        with pytest.raises(Refusal, match=rf"^v0\.9 cannot go out .*{ORDERS} \(line 9: .*_{past.id}\.sql\.gz "):
            await room.desk.preview(f"deploy v0.9 {way}", room.who("dev"))
    for way in ("", " rolling by=100%"):
        view = await room.desk.preview(f"deploy v0.9{way}", room.who("dev"))
        assert told(view.change.plan)[0] == "Needs a restore"
    holds(room, past.sha256, orders=Migration(()))
    assert told((await room.desk.preview("deploy v0.9 canary", room.who("dev"))).change.plan)[0] == "Reversible"
