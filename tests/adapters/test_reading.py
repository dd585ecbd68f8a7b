"""One reading of a file for many servers: at one pace each chunk once, and nobody's pace is anybody else's."""

from __future__ import annotations

import asyncio
import tracemalloc
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
import pytest

from actions.engine.fleet import Artifact
from actions.engine.ssh.reading import CHUNK, WINDOW, Reading, Readings

CHUNKS = 40
ARTIFACT = Artifact("v1.2", "c" * 40, "d" * 64, CHUNKS * CHUNK - 5)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reading") / "artifact"
    path.write_bytes(b"".join(bytes([number]) * CHUNK for number in range(CHUNKS))[: ARTIFACT.size])
    return path


async def whole(read: Reading, hold: asyncio.Event | None = None, at: int = -1) -> int:
    """How many bytes, each seen to be the right one; it waits at that chunk."""
    size = number = 0
    with read.joined():
        while chunk := await read.chunk(number):
            assert chunk == bytes([number]) * len(chunk)
            size, number = size + len(chunk), number + 1
            if hold and number == at:
                await hold.wait()
    return size


async def test_a_hundred_servers_of_one_pace_are_one_reading(file: Path) -> None:
    read = Reading(str(file))
    assert set(await asyncio.gather(*(whole(read) for _ in range(100)))) == {ARTIFACT.size}
    assert read.reads == CHUNKS + 1, "the end is looked at once, too"
    await read.close()


async def test_slow_servers_hold_up_nobody_and_nothing_is_kept_for_them(file: Path) -> None:
    read, hold = Reading(str(file)), asyncio.Event()
    tracemalloc.start()
    slow = [asyncio.create_task(whole(read, hold, at=1 + number)) for number in range(10)]
    assert set(await asyncio.gather(*(whole(read) for _ in range(20)))) == {ARTIFACT.size}
    assert not any(task.done() for task in slow)
    hold.set()
    assert set(await asyncio.gather(*slow)) == {ARTIFACT.size}
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < (WINDOW + 10 + 5) * CHUNK, "the window, and what each of the slow ones has in its hands"
    assert read.reads < 2 * (CHUNKS + 1) + WINDOW, "the slow ones share the second reading"
    await read.close()


def opened(file: Path) -> int:
    """How often this process has it open."""
    return [open_.path for open_ in psutil.Process().open_files()].count(str(file))


async def test_it_is_found_once_for_all_and_closed_after_the_last(file: Path) -> None:
    found = list[str]()

    async def find(artifact: Artifact) -> str:
        found.append(artifact.version)
        await asyncio.sleep(0)
        return str(file)

    readings = Readings(find)
    async with AsyncExitStack() as stack:
        reads = [await stack.enter_async_context(readings.of(ARTIFACT)) for _ in range(3)]
        assert reads[0] is reads[1] is reads[2] and found == ["v1.2"]
        assert opened(file) == 1
    assert opened(file) == 0
    async with readings.of(ARTIFACT):
        assert found == ["v1.2", "v1.2"], "it is checked again for who comes later"


async def test_who_leaves_while_it_is_looked_for_takes_nothing_from_the_others(file: Path) -> None:
    go = asyncio.Event()

    async def find(artifact: Artifact) -> str:
        await go.wait()
        return str(file)

    readings = Readings(find)

    async def size() -> int:
        async with readings.of(ARTIFACT) as read:
            return read.size

    first, second = asyncio.create_task(size()), asyncio.create_task(size())
    await asyncio.sleep(0)
    first.cancel()
    go.set()
    assert await second == ARTIFACT.size
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_file_that_cannot_be_had_is_said_to_all_and_looked_for_again() -> None:
    async def find(artifact: Artifact) -> str:
        raise FileNotFoundError(artifact.version)

    readings = Readings(find)
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            async with readings.of(ARTIFACT):
                raise AssertionError("nothing was opened")
