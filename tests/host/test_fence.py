"""Many chom-hosts at once: the fence never goes back, and a bot that was replaced begins nothing more."""

from __future__ import annotations

import os
import threading
import time

from actions.host.chom_host import files, settings
from tests.host.server import Channel, Refusal, Server


def test_fence_races(server: Server, channel: Channel) -> None:
    """Twelve chom-hosts raise the fence at once: every answer was true when it was given, and the highest wins."""
    channel.ask("hello", protocol=1)
    channels = [server.channel() for _ in range(12)]
    for c in channels:
        c.ask("hello", protocol=1)
    raised: list[tuple[float, float, int, bool]] = []

    def race(c: Channel, mine: list[int]) -> None:
        for fence in mine:
            began = time.monotonic()
            try:
                held = c.ask("fence", fence=fence)["fence"] == fence
            except Refusal as refused:
                assert refused.code == "fenced" and refused.error["current"] > fence
                held = False
            raised.append((began, time.monotonic(), fence, held))

    threads = [
        threading.Thread(target=race, args=(c, [n + 12 * i for i in range(1, 9)])) for n, c in enumerate(channels)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(raised) == 96
    assert channel.ask("survey")["fence"] == max(fence for _, _, fence, _ in raised)
    held = [(began, ended, fence) for began, ended, fence, ok in raised if ok]
    for began, _, fence in held:
        assert not [other for _, ended, other in held if ended < began and other > fence], "never back"


def test_a_zombie_begins_nothing_after_the_fence_was_raised(server: Server, channel: Channel) -> None:
    """Begins under fence 1 race with a raise to 2: what was begun was begun before the raise, and nothing after."""
    channel.ask("hello", protocol=1)
    zombies = [server.channel() for _ in range(4)]
    for z in zombies:
        z.ask("hello", protocol=1)
    begun_at: list[float] = []

    def begin(z: Channel, n: int) -> None:
        for i in range(8):
            try:
                asked = time.monotonic()
                z.begin(f"chg-zombie/job{n}-{i}/forward", "unstage", {"release": "20261121_100009"}, fence=1)
                begun_at.append(asked)
            except Refusal as refused:
                assert refused.code == "fenced"

    threads = [threading.Thread(target=begin, args=(z, n)) for n, z in enumerate(zombies)]
    for thread in threads:
        thread.start()
    time.sleep(0.03)
    channel.ask("fence", fence=2)
    raised = time.monotonic()
    claimed = set(os.listdir(server.state / "jobs"))  # noqa: PTH208
    for thread in threads:
        thread.join()
    assert all(at < raised for at in begun_at)
    assert {name for name in os.listdir(server.state / "jobs") if "zombie" in name} <= claimed  # noqa: PTH208


def test_a_stuck_chom_host_does_not_hang_the_others(server: Server, channel: Channel) -> None:
    """The lock is held by somebody who does not let go: questions are answered, and a fence says why it is not."""
    channel.ask("hello", protocol=1)
    fd = files.open_lock(settings.load_settings(server.root / "host.json"))
    assert files.try_lock(fd)
    waiting = channel.send("fence", fence=1)
    assert channel.ask("survey")["fence"] == 0
    os.close(fd)
    assert channel.answer(waiting) == {"fence": 1}
