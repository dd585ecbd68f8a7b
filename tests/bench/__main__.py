"""`make bench`: every row, or those that are named, and in the end which goals were met.

    python -m tests.bench [ack-http] [ack-socket] [verb] [idle] [resume] [cards] [analysis] [fanout] [deploy] [load]

The exit status is 0, whatever the figures; 1 where a row could not be measured, 2 for a name that there is not.
"""

from __future__ import annotations

import asyncio
import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from tests.bench import ack, analysis, cards, deploy, fanout, idle, resume, verb
from tests.bench.deploy import load
from tests.bench.ratio import HEAD, Limit, Row, Verdict

Measure = Callable[[Path], Awaitable[Sequence[Row | Limit]]]
PARTS: dict[str, Measure] = {
    "ack-http": ack.over_http,
    "ack-socket": ack.over_sockets,
    "verb": verb.measure,
    "idle": idle.measure,
    "resume": resume.measure,
    "cards": cards.measure,
    "analysis": analysis.measure,
    "fanout": fanout.measure,
    "deploy": deploy.measure,
    "load": load.measure,
}
PACKAGES = ("slack-bolt", "slack-sdk", "aiohttp", "asyncssh", "redis", "pydocket", "pydantic", "cryptography")


def _machine() -> str:
    info = Path("/proc/cpuinfo")
    names = [line for line in (info.read_text() if info.exists() else "").splitlines() if line.startswith("model name")]
    processor = names[0].partition(":")[2].strip() if names else platform.processor()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return f"{processor}, {os.cpu_count()} cores, {memory:.1f} GiB, {platform.system()} {platform.release()}"


def _header() -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{_machine()}; load {load}\nPython {platform.python_version()}; {versions}\n"
        "Each figure is the median of n interleaved rounds. A/A: the peer against itself; own: ours against the peer;\n"
        "both as 95 % intervals of that median. A goal counts as met or missed only beyond the wider of the two.\n"
    )


def _closing(rows: list[Row | Limit], failed: list[str], seconds: float) -> str:
    said = []
    for verdict in Verdict:
        names = [row.name for row in rows if row.verdict is verdict]
        said.append(f"{verdict}: {'; '.join(names) or 'none'}.")
    if failed:
        said.append(f"NOT MEASURED: {', '.join(failed)}.")
    load = os.getloadavg()[0]
    said.append(f"It took {seconds:.0f} s; load at the end {load:.1f} on {os.cpu_count()} cores.")
    return "\n".join(said)


def main(names: list[str]) -> int:
    """Measure and print."""
    if unknown := [name for name in names if name not in PARTS]:
        print(f"There is no part {unknown[0]!r}. There are: {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    begun, rows, failed = time.monotonic(), list[Row | Limit](), list[str]()
    print(_header(), HEAD, sep="\n", flush=True)
    for name in names or PARTS:
        with tempfile.TemporaryDirectory(prefix="chom-bench-") as directory:
            try:
                measured = asyncio.run(PARTS[name](Path(directory)))
            except (Exception, SystemExit):  # noqa: BLE001  the other parts can still be measured
                traceback.print_exc()
                failed.append(name)
                continue
        for row in measured:
            print(row.line(), flush=True)
        rows += measured
    print(_closing(rows, failed, time.monotonic() - begun), sep="\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
