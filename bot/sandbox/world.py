"""The world around the bot, Slack apart: Redis, servers and the bot itself as a child, and how each can fail."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path

from bot.configs import fresh_key
from bot.sandbox import releases
from bot.sandbox.breaking import KNOWN, OFFERED
from bot.sandbox.child import Child, Kept
from bot.sandbox.drilled import record_drill
from bot.sandbox.first_release import bring
from bot.sandbox.github import TOKEN, GitHub
from bot.sandbox.keep import Keep
from bot.sandbox.manners import Manners
from bot.sandbox.prometheus import Prometheus
from bot.sandbox.promql import Series
from bot.sandbox.redis_server import Redis
from bot.sandbox.servers import Server
from bot.sandbox.slack import people
from bot.sandbox.slack.errors import Impossible, Json
from bot.sandbox.toml import chom_toml, rules_text

NAMES = ("staging", "production")
_FEW = 20.0
"""Visits a second that staging has at most."""
_PROXIES = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}
_DRAIN = 15.0
"""Seconds that the bot has to stop in order."""
_LONGEST = 3600.0
"""Seconds: no fault lasts longer."""
Say = Callable[[str], None]


class World:
    """All of it; `say` takes a line for the terminal.

    `stage` are the seconds of a canary's stage, `visits` how many a second production has.
    """

    def __init__(self, keep: Keep, say: Say, stage: float = 20.0, visits: float = 210.0) -> None:
        self._say, self.directory = say, keep.directory
        self.redis = Redis(keep, lambda line: say(f"redis | {line}"))
        self._key = keep.directory / "bot/id_ed25519"
        public = keep.key(self._key)
        self._manners = Manners({version.name: version.manner for version in releases.VERSIONS})
        self._servers = {
            name: Server(name, keep, public, self._prefixed(name), self._manners, a_second)
            for name, a_second in zip(NAMES, (min(visits, _FEW), visits), strict=True)
        }
        self.toml_path = keep.directory / "chom.toml"
        self.github = GitHub([releases.commit(version) for version in releases.VERSIONS], keep.port("github"))
        self.prometheus = Prometheus(self._series, keep.port("prometheus"))
        own = keep.directory / "my-rules.toml"
        self.rules = own if own.exists() else keep.directory / "rules.toml"
        """The shipped rules with short times, or those that somebody has put there."""
        told = (self._key, keep.port("bot"), self.rules, self.github.url, self.prometheus.url)
        self.toml = chom_toml(keep.directory, list(self._servers.values()), *told, stage)
        self.shell = keep.directory / "env"
        """A file to source in a shell that wants the bot's environment."""
        self._log = (keep.directory / "bot.log").open("a", encoding="utf-8", buffering=1)
        self._bot: Kept | None = None

    def _series(self) -> list[Series]:
        return [one for server in self._servers.values() for one in server.series()]

    def _prefixed(self, name: str) -> Say:
        return lambda line: self._say(f"{name} | {line}")

    async def start(self, address: str = "") -> None:
        """Everything, with the bot where the `address` of Slack's stand-in is told.

        The bot is started first, since it takes longest to come up; nobody can reach it before the stand-in listens,
        which is to be after this has returned. Raises NoRedis, NoServer, NotBrought, OSError.
        """
        releases.build(self.directory / "artifacts")
        self.toml_path.write_text(self.toml, encoding="utf-8")
        if self.rules.name == "rules.toml":
            self.rules.write_text(rules_text(), encoding="utf-8")
        await _all(self.redis.start(), self.github.start(), self.prometheus.start())
        await record_drill(self.redis.url)
        if address:
            await self._start_bot(address)
        await _all(*(self._start_server(server) for server in self._servers.values()))

    async def _start_server(self, server: Server) -> None:
        await server.start()
        if not server.serves()[0]:
            await bring(server, self.directory / "artifacts")
        server.customers.start()

    def bot_environment(self, address: str) -> dict[str, str]:
        """What the bot finds in its environment besides what everybody has; `address` is the stand-in's."""
        return {
            "SLACK_BOT_TOKEN": people.BOT_TOKEN,
            "SLACK_APP_TOKEN": people.APP_TOKEN,
            "SLACK_SIGNING_SECRET": people.SIGNING_SECRET,
            "SLACK_API_URL": f"{address}/api/",
            "CHOM_REDIS_URL": self.redis.url,
            "CHOM_GITHUB_TOKEN": TOKEN,
            "CHOM_CONFIG_KEY": self._config_key(),
            "CHOM_CONFIG": str(self.toml_path),
        }

    def _config_key(self) -> str:
        """Made at the first start: what was stored with it can be read at the next."""
        path = self.directory / "config.key"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(fresh_key(), encoding="ascii")
        return path.read_text(encoding="ascii")

    async def _start_bot(self, address: str) -> None:
        """`chom-bot serve` as a child."""
        told = self.bot_environment(address)
        self.shell.touch(mode=0o600)
        self.shell.write_text(_exports(told), "utf-8")
        inherited = {name: value for name, value in os.environ.items() if name.lower() not in _PROXIES}
        command = [sys.executable, "-m", "bot", "serve", "--config", str(self.toml_path)]
        child = Child(command, inherited | told, self._bot_said)
        self._bot = Kept(child, lambda status: self._bot_said(f"(ended with {status}; it is started again)"))
        await self._bot.start()

    def _bot_said(self, line: str) -> None:
        self._log.write(line + "\n")
        self._say(f"bot | {line}")

    async def stop_bot(self) -> None:
        """Let it hand over what it walks, and end it."""
        if self._bot is not None:
            await self._bot.stop(_DRAIN)

    async def close(self) -> None:
        """Stop everything that was started, whatever of it was."""
        await self.stop_bot()
        await asyncio.gather(*(server.close() for server in self._servers.values()))
        await asyncio.gather(self.github.close(), self.prometheus.close())
        await self.redis.stop()
        self._log.close()

    def servers(self) -> list[Json]:
        """Each server as it is now, staging first."""
        return [server.seen() for server in self._servers.values()]

    def minutes(self) -> Json:
        """Each server's last minute, by its name."""
        return {name: server.minute() for name, server in self._servers.items()}

    def annotations(self) -> list[Json]:
        """What was written to Grafana: nothing writes there yet."""
        return []

    def info(self) -> Json:
        """Where things are."""
        return {
            "chom_toml": str(self.toml_path),
            "versions": [version.name for version in releases.VERSIONS],
            "first": releases.PROPOSED.name,
            "broken": releases.BROKEN.name,
            "shop": {v.name: {"headline": v.headline, "colour": v.colour} for v in releases.VERSIONS},
            "directory": str(self.directory),
            "bot_log": str(self.directory / "bot.log"),
            "faults": OFFERED,
            "bot_pid": self._bot.child.pid if self._bot else 0,
        }

    def behave(self, spec: Json) -> Json:
        """Change how a version treats its visitors, from now on. Raises Impossible with a sentence."""
        return self._manners.change(spec)

    async def fault(self, spec: Json) -> Json:
        """Break what `spec` names. Raises Impossible with a sentence that lists the known faults."""
        match spec:
            case {"kill": "bot", "seconds": seconds}:
                return await self._away(_seconds(seconds))
            case {"kill": "bot"} | {"stop": "bot"} | {"cont": "bot"}:
                return await self._bot_fault(next(iter(spec)))
            case {"cut": str(name)}:
                self._server(name).cut()
                return {"cut": name}
            case {"freeze": str(name)}:
                seconds = _seconds(spec.get("seconds", 10))
                await self._server(name).freeze(seconds)
                return {"frozen": name, "seconds": seconds}
            case {"host": str(name), "down": down}:
                seconds = _seconds(down)
                await self._server(name).go_down(seconds)
                return {"down": name, "seconds": seconds}
            case {"disk": str(name)}:
                seconds = _seconds(spec.get("seconds", 10))
                self._server(name).fill_disk(seconds)
                return {"full": name, "seconds": seconds}
            case {"shop": str(name)}:
                seconds = _seconds(spec.get("seconds", 10))
                self._server(name).shop.fail(seconds)
                return {"fails": name, "seconds": seconds}
            case {"github": what}:
                return self.github.fault(what, _seconds(spec.get("seconds", 20)))
            case {"prometheus": what}:
                return self.prometheus.fault(what, _seconds(spec.get("seconds", 20)))
            case {"redis": "restart"}:
                old, new = await self.redis.crash()
                return {"killed": old, "started": new}
            case _:
                raise Impossible(KNOWN)

    async def _away(self, seconds: float) -> Json:
        """Kill the bot, and let nobody start it again for so long."""
        if self._bot is None:
            raise Impossible("The bot was not started yet.")
        return {"killed": await self._bot.kill_for(seconds), "seconds": seconds}

    async def _bot_fault(self, what: str) -> Json:
        if self._bot is None:
            raise Impossible("The bot was not started yet.")
        match what:
            case "kill":
                old, new = await self._bot.replace()
                return {"killed": old, "started": new}
            case "stop":
                self._bot.child.signal(signal.SIGSTOP)
            case _:
                self._bot.child.signal(signal.SIGCONT)
        return {what: self._bot.child.pid}

    def _server(self, name: str) -> Server:
        if name not in self._servers:
            raise Impossible(f"There is no server {name!r}; there are {' and '.join(self._servers)}. {KNOWN}")
        return self._servers[name]


def _exports(told: Mapping[str, str]) -> str:
    """The lines for a shell: what the bot is told, and a PATH on which `chom-bot` is found."""
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in told.items()]
    programs = shlex.quote(str(Path(sys.executable).parent))
    return "".join([*lines, f'export PATH={programs}:"$PATH"\n'])


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _LONGEST:
        raise Impossible(f"Seconds are a number above 0 and at most {_LONGEST:.0f}; it was {value!r}. {KNOWN}")
    return float(value)


async def _all(*work: Coroutine[object, object, None]) -> None:
    """All at once; the first failure, when the others have ended."""
    for outcome in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
