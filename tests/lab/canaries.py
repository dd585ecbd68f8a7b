"""A site with canary pools: its servers, the Prometheus that counts for them, its bot, and what people were given."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab import load, monitoring, site
from tests.lab.bases import TRIXIE
from tests.lab.bot_process import PROBES, Bot, write_config
from tests.lab.laravel import Build, publish
from tests.lab.load import Crowd, Habits
from tests.lab.slack import Json, Slack, slack
from tests.lab.vps import Role, Vps
from tests.support.redis import RedisServer, free_port

if TYPE_CHECKING:
    from tests.lab.conftest import Lab

OLD, GOOD, FAILS, SLOW, HANGS = "v5.0", "v5.1", "v5.2", "v5.3", "v5.4"
_PAGE = "<?php\n%s\necho 'CHOM ' . require __DIR__ . '/../version.php';\n"
_ONE_IN_FIVE = "mt_rand(1, 5) === 1"
_PAGES = {
    FAILS: f"http_response_code({_ONE_IN_FIVE} ? 500 : 200);",
    SLOW: f"for ($i = {_ONE_IN_FIVE} ? 44 : 0; $i; $i--) {{ usleep(50000); }}",
    HANGS: "while (true) { usleep(50000); }",
}
BUILDS = [
    Build(version, {"public/light.php": _PAGE % _PAGES[version]} if version in _PAGES else {})
    for version in (OLD, GOOD, FAILS, SLOW, HANGS)
]
PROMETHEUS = """
[prometheus]
url = "http://{prometheus}:9090"
"""
ENVIRONMENT = """\
[environments.{name}]
hosts = ["{name}"]
backup_days = 0
probes = [
{probes}
]
"""
POOL = """
[hosts.{name}.canary]
files = ["www.conf", "zz-chom.conf"]
prometheus = ["{prometheus}"]
"""
MTAIL = """
[Service]
ExecCondition=
ExecStart=
ExecStart=/usr/bin/mtail --progs /etc/chom/mtail --logs /var/log/nginx/chom-pools.log --port 3903
"""


def write_pools(bot: Bot, servers: Sequence[Vps], mentat: Vps, limits: str, apart: bool) -> None:
    """chom.toml with the pools of these servers, which are `production` or, apart, an environment each.

    `limits` are lines of its canary's table.
    """
    write_config(bot.directory, servers, free_port())
    head, _, rest = bot.config.read_text().partition("[environments.production]")
    environments = f"[environments.production]{rest[: rest.index('[hosts.')]}"
    if apart:
        each = [ENVIRONMENT.format(name=vps.name, probes=PROBES.format(address=vps.address)) for vps in servers]
        environments = "\n".join(each)
    names = [vps.name for vps in servers] if apart else ["production"]
    tables = [f"[environments.{name}.canary]\n{limits}\n" for name in names]
    pools = [POOL.format(name=vps.name, prometheus=mentat.address) for vps in servers]
    text = [head, environments, *tables, rest[rest.index("[hosts.") :], *pools]
    bot.config.write_text("".join([*text, PROMETHEUS.format(prometheus=mentat.address)]))


def install(bot: Bot, servers: Sequence[Vps], mentat: Vps) -> None:
    """Pools on the servers as `host install` brings them, mtail and Prometheus set up as its files say."""
    bot.shell("host", "install", "--yes", "--key", servers[0].admin_key).ends(0)
    for vps in servers:
        site.write_env(vps, servers[0].address)
        vps.write("/etc/systemd/system/mtail.service.d/chom.conf", MTAIL)
        vps.ssh("systemctl daemon-reload && systemctl restart mtail")
    told = [(vps, vps.ssh("cat /etc/chom/canary-prometheus.yml").stdout.decode()) for vps in servers]
    jobs = "".join(text.replace("job_name: ", f"job_name: {vps.name}-") for vps, text in told)
    mentat.write("/etc/prometheus/chom.rules", servers[0].ssh("cat /etc/chom/canary-rules.yml").stdout.decode())
    mentat.write("/etc/prometheus/prometheus.yml", f"rule_files: [chom.rules]\nscrape_configs:\n{jobs}")
    mentat.ssh("promtool check config /etc/prometheus/prometheus.yml && systemctl restart prometheus")


def weight(vps: Vps) -> int:
    """Per cent of the clients that have the canary there in this minute, by the lease itself; the servers have UTC."""
    assert vps.process
    (init,) = Path(f"/proc/{vps.process.pid}/task/{vps.process.pid}/children").read_text().split()
    minute = time.strftime("%Y-%m-%dT%H:%M+00:00", time.gmtime())
    try:
        return int(Path("/proc", init, "root", "run/chom/lease", minute).readlink().name)
    except FileNotFoundError:
        return 0


@contextlib.contextmanager
def weights(servers: Sequence[Vps]) -> Iterator[dict[str, list[tuple[float, int]]]]:
    """When each weight began on each server, as (Unix time in s, per cent), from now to the end of the block."""
    seen: dict[str, list[tuple[float, int]]] = {vps.name: [] for vps in servers}
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            for vps in servers:
                now, told = weight(vps), seen[vps.name]
                if not told or told[-1][1] != now:
                    told.append((time.time(), now))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield seen
    finally:
        over.set()
        watching.join()


Answer = tuple[float, int, str]
"""When it came (Unix time, s), to which client, and the version, or what it was instead."""


@dataclass
class People:
    """Those of each server, from now to the end of the block."""

    crowds: dict[str, Crowd]

    def end(self) -> dict[str, list[Answer]]:
        """Send them away; what each was given, by server, in the order in which it came."""
        found = {name: crowd.end() for name, crowd in self.crowds.items()}
        self.failures = [why for seen in found.values() for why in seen["failures"]]
        return {name: [(at, client, what) for at, client, what in seen["answers"]] for name, seen in found.items()}

    def count(self) -> int:
        """How many requests were answered well so far."""
        return sum(sum(crowd.seen()["served"].values()) for crowd in self.crowds.values())

    def last(self, version: str) -> float:
        """When anybody was given that version last, Unix time in seconds; 0 for never."""
        return max(crowd.seen()["last"].get(version, 0.0) for crowd in self.crowds.values())

    failures: list[str] = field(default_factory=list[str])
    """Once they have ended: every request that failed, and why."""


@contextlib.contextmanager
def people(servers: Sequence[Vps], out: Path, habits: Habits) -> Iterator[People]:
    """At each of these servers."""
    with contextlib.ExitStack() as stack:
        crowds = {vps.name: load.crowd(vps, out / f"{vps.name}.json", habits) for vps in servers}
        yield People({name: stack.enter_context(crowd) for name, crowd in crowds.items()})


def by_client(answers: Sequence[Answer]) -> dict[int, list[str]]:
    """What each client was given one after the other."""
    found = defaultdict[int, list[str]](list)
    for _, client, what in answers:
        if found[client][-1:] != [what]:
            found[client].append(what)
    return found


@dataclass
class CanarySite:
    """The servers with their pools, and the bot that deploys to them."""

    servers: tuple[Vps, ...]
    mentat: Vps
    bot: Bot
    channel: Slack

    def begin(self, version: str, words: str = "", environment: str = "production") -> Json:
        """A canary that was asked for and approved, once its first users are there: its card."""
        title = f"Deploy {version} to {environment}"
        self.channel.ask_and_approve(f"deploy {version} canary {words} to {environment}", title)
        return self.channel.card_says(title, "% of users have")

    def says(self, version: str, words: str, seconds: float = 90, environment: str = "production") -> Json:
        """The card, once it says these words."""
        return self.channel.card_says(f"Deploy {version} to {environment}", words, seconds)

    def until_weight(self, percent: int, seconds: float) -> float:
        """Until every server sends so many per cent to the canary: when that was, Unix time in seconds."""
        deadline = time.monotonic() + seconds
        while not all(weight(vps) == percent for vps in self.servers):
            assert time.monotonic() < deadline, f"{[weight(vps) for vps in self.servers]} %, not {percent}"
            time.sleep(0.02)
        return time.time()

    def first_release(self, environment: str) -> None:
        """It is live there."""
        title = f"Deploy {OLD} to {environment}"
        self.channel.ask_and_approve(f"deploy {OLD} to {environment}", title)
        self.channel.card_says(title, f"is live on {environment}")

    def scraped(self) -> None:
        """Until Prometheus has counters of every server's pools."""
        deadline = time.monotonic() + 60
        asked = 'time() - timestamp(chom_requests_total{pool="canary"}) < 6'
        while not self._answers(asked):
            for vps in self.servers:
                vps.ssh("curl -s localhost/light.php >/dev/null", check=False)
            assert time.monotonic() < deadline, "Prometheus has no counters"
            time.sleep(0.5)

    def _answers(self, asked: str) -> bool:
        """Whether Prometheus has an answer for each server."""
        try:
            return len(monitoring.query(self.mentat, asked)) == len(self.servers)
        except OSError:
            return False


@contextlib.contextmanager
def canary_site(
    lab: Lab, redis: RedisServer, directory: Path, limits: str, apart: bool = False
) -> Iterator[CanarySite]:
    """Two servers of its own, on Debian 12 and 13, with the first release live; see `write_pools`."""
    key, bot = lab.app1.admin_key, Bot(directory, redis.url.replace("/0", "/3" if apart else "/2"))
    servers = (Vps("can1", 23, key), Vps("can2", 24, key, TRIXIE, Role.APP_BESIDE))
    with contextlib.ExitStack() as stack:
        for vps in servers:
            stack.callback(vps.remove)
            vps.begin()
        for vps in servers:
            vps.up()
        site.set_up_data(servers[0])
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(site.set_up, servers))
        write_pools(bot, servers, lab.mentat, limits, apart)
        publish(directory / "artifacts", BUILDS)
        stack.callback(monitoring.watch, lab.mentat, lab.apps)
        install(bot, servers, lab.mentat)
        channel = stack.enter_context(slack(bot.told))
        stack.callback(bot.close)
        bot.slack_url = channel.address
        bot.start()
        channel.ready()
        made = CanarySite(servers, lab.mentat, bot, channel)
        for environment in [vps.name for vps in servers] if apart else ["production"]:
            made.first_release(environment)
        made.scraped()
        yield made
