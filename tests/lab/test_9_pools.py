"""Real nginx, PHP-FPM and mtail: who gets the canary, that weights flip under load, and that a lease ends by itself."""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.host.server import Channel, tar_gz
from tests.lab.bases import sh
from tests.lab.bot_process import Bot
from tests.lab.pools import CANARY, CLIENTS, PAGE, STABLE, TOML, counted, site
from tests.lab.site import DB_PASSWORD, NGINX
from tests.lab.vps import Vps

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def server(vps: Vps) -> Iterator[Vps]:
    """A server of its own, with a site of one page and mtail, as its operator has it."""
    made = Vps("pools1", 22, vps.admin_key)
    try:
        made.start()
        made.ssh("cat > /etc/nginx/sites-available/default", stdin=NGINX.encode())
        made.ssh("cat > /etc/php/8.2/fpm/pool.d/zz-chom.conf", stdin=b"[www]\npm.max_children = 8\n")
        made.ssh("systemctl restart php8.2-fpm && systemctl reload nginx")
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="module")
def bot(server: Vps, tmp_path_factory: pytest.TempPathFactory) -> Bot:
    """An operator's machine with the bot's files."""
    directory = tmp_path_factory.mktemp("pools")
    text = TOML.format(directory=directory, address=server.address, key=server.host_key())
    (directory / "chom.toml").write_text(text)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / "id_ed25519"], check=True)
    return Bot(directory, "redis://nowhere")


def host(bot: Bot, server: Vps, command: str, *words: str, status: int = 0) -> str:
    return bot.shell("host", command, *words, "--key", server.admin_key).ends(status)


def ssh(bot: Bot, server: Vps, asked: str) -> list[str | Path]:
    options = ["-q", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    return ["ssh", "-i", bot.directory / "id_ed25519", *options, f"ops@{server.address}", asked]


@pytest.fixture
def channel(bot: Bot, server: Vps) -> Iterator[Channel]:
    """chom-host, over the bot's own key and its forced command."""
    pipe = subprocess.PIPE
    made = Channel(subprocess.Popen(ssh(bot, server, "channel"), stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL))
    yield made
    made.close()


def job(channel: Channel, verb: str, **args: object) -> str:
    """The job's summary; AssertionError where it failed."""
    job.number = getattr(job, "number", 0) + 1  # type: ignore[attr-defined]
    done = channel.run(f"run{job.number}/{verb}/forward", verb, dict(args))
    assert done["ok"], done
    return str(done["summary"])


def test_a_living_site_gets_a_canary_and_nobody_notices(bot: Bot, server: Vps) -> None:
    said = host(bot, server, "install", "--yes")
    assert "/etc/nginx/sites-available/default sends each client to its pool" in said
    assert "no drift" in host(bot, server, "status")
    again = host(bot, server, "install")
    assert "no change" in again and "sends each client" not in again
    env = "umask 027; cat > /var/www/shared/.env && chown ops:www-data /var/www/shared/.env"
    server.ssh(env, stdin=f"DB_PASSWORD={DB_PASSWORD}\n".encode())
    program = "mtail --progs /etc/chom/mtail --logs /var/log/nginx/chom-pools.log --port 3904"
    server.ssh(f"nohup {program} </dev/null >/dev/null 2>&1 &")


TLS = "listen 443 ssl; ssl_certificate /etc/ssl/site.pem; ssl_certificate_key /etc/ssl/site.key;"
SITE = "/etc/nginx/sites-available/default"
UNROUTE = f"sed -i 's|fastcgi_pass chom_.chom_pool;|fastcgi_pass unix:/run/php/php8.2-fpm.sock;|' {SITE}"


def reloaded(server: Vps, change: str) -> None:
    """The site as an operator's shell has changed it."""
    server.ssh(f"{change} && nginx -t && systemctl reload nginx")


def until(holds: Callable[[], bool]) -> None:
    """nginx's reload takes a moment."""
    deadline = time.monotonic() + 15
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


UNROUTED = "nginx at http://127.0.0.1 sends nobody who asks for localhost to the canary"


def lacks(bot: Bot, server: Vps) -> list[str]:
    """What the server says it lacks of nginx's way to the canary: asked as `chom-bot check` does."""
    said = sh(*ssh(bot, server, "check")).stdout
    return [fault for fault in json.loads(said)["result"]["faults"] if fault.startswith("nginx")]


def test_before_the_first_deploy_the_check_says_whether_nginx_would_send_anybody(bot: Bot, server: Vps) -> None:
    """Only the release is missing: nobody was served anything here yet."""
    until(lambda: lacks(bot, server) == [])
    server.ssh(f"cp {SITE} /etc/ssl/site.routed")
    reloaded(server, UNROUTE)
    until(lambda: [fault.partition(";")[0] for fault in lacks(bot, server)] == [UNROUTED])
    reloaded(server, f"cp /etc/ssl/site.routed {SITE}")
    until(lambda: lacks(bot, server) == [])


def stage(bot: Bot, server: Vps, channel: Channel, release: str, version: str) -> None:
    data = tar_gz({"artisan": "<?php exit(0);\n", "public/index.php": PAGE, "version": version})
    sha256 = hashlib.sha256(data).hexdigest()
    subprocess.run(ssh(bot, server, f"put {sha256} {len(data)}"), input=data, check=True, capture_output=True)
    job(channel, "stage", release=release, version=version, commit="a" * 40, sha256=sha256)


async def test_each_stage_has_its_share_and_all_clients_of_the_last_one(
    bot: Bot, server: Vps, channel: Channel
) -> None:
    stage(bot, server, channel, STABLE, "v1.0")
    stage(bot, server, channel, CANARY, "v1.2")
    job(channel, "switch", release=STABLE, workers=False)
    job(channel, "canary_start", release=CANARY)
    asked = channel.run("run/probe/forward", "canary_health", {"release": CANARY, "path": "/"})
    assert asked["ok"] and asked["lines"] == [f"{CANARY} canary"], "its own FPM answers, before it has a client"
    assert asked["summary"] == "/ of v1.2 answers HTTP 200 in the canary pool, also through nginx"
    before: set[str] = set()
    async with site(server) as users:
        assert await users.on_canary() == set()
        for percent in (10, 25, 50, 75, 100):
            channel.ask("route", fence=1, percent=percent)
            now = await users.on_canary()
            expected = len(CLIENTS) * percent / 100
            assert abs(len(now) - expected) <= 3 * (expected * (1 - percent / 100)) ** 0.5, (percent, len(now))
            assert before <= now
            before = now
        seen = channel.ask("survey")["pools"]
        assert (seen["canary"], seen["weight"], seen["running"]) == (CANARY, 100, True)
        assert 0 < seen["needed"] < seen["memory"]
        begun = time.monotonic()
        channel.ask("route", fence=1, percent=0)
        assert time.monotonic() - begun < 3
        assert await users.on_canary() == set()


def probed(channel: Channel, name: str, enough: Callable[[dict], bool]) -> str:
    """What the check of the canary says once its answer is `enough`: nginx's reload takes a moment."""
    deadline, number = time.monotonic() + 15, 0
    while True:
        number += 1
        said = channel.run(f"{name}{number}/probe/forward", "canary_health", {"release": CANARY, "path": "/"})
        if enough(said):
            return str(said["summary"])
        assert time.monotonic() < deadline, said
        time.sleep(0.2)


def test_a_routing_that_was_taken_out_by_hand_fails_the_check_before_anybody_is_sent(
    bot: Bot, server: Vps, channel: Channel
) -> None:
    """The site has TLS by then, as in production: with a certificate that nobody vouches for."""
    server.ssh("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout /etc/ssl/site.key "
               f"-out /etc/ssl/site.pem && cp {SITE} /etc/ssl/site.before")  # fmt: skip
    reloaded(server, f"sed -i 's|listen 80 default_server;|& {TLS}|' {SITE}")
    reloaded(server, UNROUTE)
    said = probed(channel, "out", lambda said: not said["ok"])
    assert said.startswith(
        "a test request for localhost through nginx at https://127.0.0.1 did not reach the canary"
    ), said
    assert "`chom-bot host status` says what is missing" in said
    assert "sends nobody to the canary" in host(bot, server, "status", status=1)
    assert channel.ask("survey")["pools"]["weight"] == 0
    reloaded(server, f"cp /etc/ssl/site.before {SITE}")
    assert probed(channel, "back", lambda said: said["ok"]).endswith("in the canary pool, also through nginx")
    assert "no drift" in host(bot, server, "status")
    secret = channel.ask("pins")["canary"].partition("-")[0]
    assert server.ssh(f"grep -rl {secret} /var/log /var/lib/chom-host", check=False).stdout == b""


async def test_no_request_fails_while_weights_flip(server: Vps, channel: Channel) -> None:
    async with site(server) as users:

        async def browse() -> None:
            while not flipped.is_set():
                await users.on_canary()

        flipped = asyncio.Event()
        browsing = asyncio.create_task(browse())
        for number in range(30):
            await asyncio.to_thread(channel.ask, "route", fence=1, percent=(10, 75, 0, 100, 25)[number % 5])
            await asyncio.sleep(0.1)
        flipped.set()
        await browsing
    channel.ask("route", fence=1, percent=0)


async def test_a_probe_names_its_pool_and_is_not_counted(server: Vps, channel: Channel) -> None:
    pins = channel.ask("pins")
    async with site(server) as users:
        before = await counted(server, lambda found: True)
        for _ in range(5):
            assert await users.page("probe", **{"X-Chom-Pin": pins["canary"]}) == f"{CANARY} canary"
            assert await users.page("probe", Cookie=f"chom_pin={pins['stable']}") == f"{STABLE} stable"
            assert await users.page("stranger", **{"X-Chom-Pin": "00-canary"}) == f"{STABLE} stable"
        after = await counted(server, lambda found: found["requests", "stable"] >= before["requests", "stable"] + 5)
    assert after["requests", "stable"] == before["requests", "stable"] + 5
    assert after["requests", "canary"] == before["requests", "canary"]


async def test_what_fails_or_is_slow_is_counted_with_an_edge_at_the_limit(server: Vps, channel: Channel) -> None:
    before = await counted(server, lambda found: True)
    assert before["failed", "canary"] == 0, "a counter is there before its first event"
    pin = channel.ask("pins")["stable"]
    for query, seconds in (("fail=1", 9), ("us=1200000", 9), ("us=2100000", 9), ("us=3000000", 2.3)):
        server.ssh(f"curl -s -m {seconds} 'localhost/?{query}'", check=False)
    server.ssh(f"curl -s -H 'X-Chom-Pin: {pin}' 'localhost/?fail=1'")
    enough = before["requests", "stable"] + 4
    after = await counted(server, lambda found: found["requests", "stable"] >= enough)
    grown = {key: number - before[key] for key, number in after.items() if number != before[key]}
    assert grown == {("requests", "stable"): 4, ("failed", "stable"): 1, ("slow", "stable"): 2}
    metrics = server.ssh("curl -s localhost:9254/metrics").stdout.decode()
    assert "phpfpm_up 1" in metrics and "phpfpm_active_processes" in metrics


async def test_a_bot_that_is_gone_leaves_nobody_on_the_canary(server: Vps, channel: Channel) -> None:
    """Nothing of ours runs on the server after the weight was set."""
    channel.ask("route", fence=1, percent=50)
    channel.close()
    begun = time.monotonic()
    async with site(server) as users:
        on = next(iter(await users.on_canary()))
        while (await users.page(on)).endswith("canary"):
            assert time.monotonic() - begun < 120
            await asyncio.sleep(0.5)
        assert await users.on_canary() == set()
    assert time.monotonic() - begun > 55, "it lasts until the end of the next minute"


def test_who_comes_back_is_told(channel: Channel) -> None:
    before = channel.ask("survey")["pools"]
    assert before["weight"] == 0 and time.time() - 60 < before["lapsed"] <= time.time()
    assert channel.ask("route", fence=1, percent=50)["lapsed"] == before["lapsed"]
    job(channel, "canary_stop")
    seen = channel.ask("survey")["pools"]
    assert (seen["running"], seen["canary"], seen["lapsed"]) == (False, "", None)


def test_before_the_next_canary_it_says_so_too_and_also_where_another_site_answers(bot: Bot, server: Vps) -> None:
    assert lacks(bot, server) == []
    reloaded(server, UNROUTE)
    until(lambda: [fault.partition(";")[0] for fault in lacks(bot, server)] == [UNROUTED])
    reloaded(server, f"cp /etc/ssl/site.routed {SITE}")
    until(lambda: lacks(bot, server) == [])
    server.ssh("cp -p /etc/chom/host.json /etc/ssl/")
    other = "server { listen 80 default_server; return 200; }"
    named = f"sed -i 's|listen 80 default_server;|listen 80; server_name chom.example;|' {SITE}"
    reloaded(server, f"echo '{other}' > /etc/nginx/conf.d/other.conf && {named}")
    until(lambda: [fault.partition(";")[0] for fault in lacks(bot, server)] == [UNROUTED])
    assert 'layout = { health_host = "chom.example" }' in lacks(bot, server)[0]
    server.ssh("""sed -i 's|^{|{"health_host": "chom.example",|' /etc/chom/host.json""")
    assert lacks(bot, server) == []
    server.ssh("cp -p /etc/ssl/host.json /etc/chom/ && rm /etc/nginx/conf.d/other.conf")
    reloaded(server, f"cp /etc/ssl/site.routed {SITE}")


def test_taken_back_nginx_is_as_it_was(bot: Bot, server: Vps) -> None:
    server.ssh("echo 'broken;' > /etc/nginx/conf.d/mine.conf")
    assert 'unknown directive "broken"' in host(bot, server, "install", "--yes", status=1)
    server.ssh("rm /etc/nginx/conf.d/mine.conf")
    host(bot, server, "remove", "--yes")
    assert server.ssh("cat /etc/nginx/sites-available/default").stdout.decode() == NGINX
    assert server.ssh("nginx -t && systemctl cat php8.2-fpm-canary; ls /etc/nginx/conf.d", check=False).stdout == b""
    assert server.ssh("curl -s localhost/").stdout.decode() == f"{STABLE} stable"
