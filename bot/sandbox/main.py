"""`chom-bot sandbox`: starts the outside world and the bot in it, says what to try, and stops it all on Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import signal
import sys
import threading
from pathlib import Path
from typing import cast

from aiohttp import web

from actions.engine.fleet import LEAST_LOOKS
from actions.engine.registry.grammar import DURATION
from bot.sandbox import releases
from bot.sandbox.api import make_app
from bot.sandbox.first_release import NotBrought
from bot.sandbox.keep import NotASandbox, is_free, open_keep
from bot.sandbox.prometheus import SCRAPE_EVERY
from bot.sandbox.redis_server import NoRedis
from bot.sandbox.servers import NoServer
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.world import Say, World

_WELCOME = """
The sandbox runs:

  {address}/   Slack's channel "deploys", the servers and the shop

Three things to try there:
  1. As Dana, type “/chom deploy {first} to staging”, then “/chom deploy {first}”. As Lea, press Approve, and as Omar
     too; watch the card, its thread and the shop.
  2. Type “/chom deploy {broken} to staging”, which is broken: nobody is ever served it, and the card says why.
  3. Kill the bot in the middle of a deploy. It ends as if nothing had happened.

The same without Slack:  . {shell} && {command} status
Its configuration is {toml}, printed above. The bot's log is {log}.
Ctrl-C stops everything. Servers, releases and the bot's journal are kept for the next start, Slack's messages are not;
--reset forgets everything.
"""


class _Terminal(threading.Thread):
    """Writes lines to stdout, away from the event loop: nobody waits for a terminal that does not read.

    Lines beyond the backlog are dropped; DIR/bot.log has them.
    """

    def __init__(self, backlog: int = 2000) -> None:
        super().__init__(name="terminal", daemon=True)
        self._lines: queue.Queue[str | None] = queue.Queue(backlog)

    def say(self, line: str) -> None:
        """Take a line."""
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(line)

    def run(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                sys.stdout.write(line + "\n")
                sys.stdout.flush()
            except BrokenPipeError:
                return

    def finish(self) -> None:
        """Write what is left, for a second at most."""
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(None)
        self.join(1)


def run(port: int, dir: Path, reset: bool, stage: str = "20s", visits: float = 210) -> int:
    """Serve until SIGINT or SIGTERM. The exit status: 0, or 2 after a sentence on stderr why it cannot start."""
    if not 0 < port < 1 << 16:
        sys.stderr.write(f"There is no port {port}; name one from 1 to 65535: chom-bot sandbox --port 3900\n")
        return 2
    if not is_free(port):
        sys.stderr.write(
            f"Port {port} is taken, perhaps by a sandbox that runs already. "
            f"Stop that one, or name another port: chom-bot sandbox --port {port + 1}\n"
        )
        return 2
    try:
        seconds = _stage(stage)
    except ValueError as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 2
    terminal = _Terminal()
    terminal.start()
    try:
        asyncio.run(_serve(port, dir, reset, (seconds, visits), terminal.say))
    except (NotASandbox, NoRedis, NoServer, NotBrought, OSError) as fault:
        sys.stderr.write(f"The sandbox cannot run. {fault}\n")
        return 2
    finally:
        terminal.finish()
    return 0


def _stage(told: str) -> float:
    """The seconds of a stage. Raises ValueError with a sentence."""
    least = LEAST_LOOKS * SCRAPE_EVERY
    if not DURATION.pattern.fullmatch(told) or (seconds := float(cast("int", DURATION.parse(told)))) < least:
        raise ValueError(
            f"A stage cannot last {told!r}; it has to hold {LEAST_LOOKS} looks, so {least:g}s or more, for example "
            "chom-bot sandbox --stage 20s, or --stage 5m as in production."
        )
    return seconds


async def _serve(port: int, dir: Path, reset: bool, canary: tuple[float, float], say: Say) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    address = f"http://127.0.0.1:{port}"
    with open_keep(dir, reset) as keep:
        world = World(keep, say, *canary)
        runner = web.AppRunner(make_app(SlackStandIn(address=address), world), access_log=None, shutdown_timeout=2)
        try:
            await world.start(address)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", port).start()
            say(world.toml)
            say(_welcome(address, world))
            await stop.wait()
            say("Stopping.")
        finally:
            await world.stop_bot()
            await runner.cleanup()
            await world.close()


def _welcome(address: str, world: World) -> str:
    installed = Path(sys.executable).with_name("chom-bot").exists()
    command = "chom-bot" if installed else f"{sys.executable} -m bot"
    log = world.directory / "bot.log"
    versions = {"first": releases.PROPOSED.name, "broken": releases.BROKEN.name}
    return _WELCOME.format(
        address=address, shell=world.shell, command=command, toml=world.toml_path, log=log, **versions
    )
