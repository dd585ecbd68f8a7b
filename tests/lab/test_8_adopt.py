"""A server that serves customers, laid out by Deployer with Debian's own nginx snippets, is taken over under load."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import laravel, site
from tests.lab.bot_process import Bot, write_config
from tests.lab.load import Habits, crowd
from tests.lab.slack import slack
from tests.lab.vps import Vps
from tests.support.redis import RedisServer, free_port

pytestmark = pytest.mark.timeout(600)
"""What is built and booted first counts into the first test's time."""
BASE = "/srv/shop"
NGINX = """
server {
    listen 80 default_server;
    root /srv/shop/current/public;
    location / { try_files $uri /index.php?$query_string; }
    location ~ \\.php$ {
        include snippets/fastcgi-php.conf;
        fastcgi_pass unix:/run/php/php8.2-fpm.sock;
    }
}
"""
BUILDS = [laravel.Build("v0.9"), laravel.Build("v1.0"), laravel.Build("v1.1")]


def lay_out(vps: Vps) -> None:
    """As Deployer leaves a server: releases by number, owned by its own login, an absolute link, Debian's snippets."""
    vps.ssh(f"useradd -m deployer; mkdir -p {BASE}/releases {BASE}/shared/storage; chown -R deployer: {BASE}")
    for name, build in (("41", BUILDS[0]), ("42", BUILDS[1])):
        vps.ssh(f"mkdir {BASE}/releases/{name} && tar -xz -C {BASE}/releases/{name}", stdin=laravel.tarball(build))
        vps.ssh(
            f"cd {BASE}/releases/{name} && rm -rf storage && ln -s ../../shared/storage storage &&"
            f" ln -sfn ../../shared/.env .env && echo {build.commit} > REVISION && chown -hR deployer: . &&"
            f" touch -d '{name} days ago' ."
        )
    vps.ssh(f"touch -d '1 hour ago' {BASE}/releases/42; ln -s {BASE}/releases/42 {BASE}/current")
    below = "framework/cache/data framework/sessions framework/views logs app/public"
    vps.ssh(f"cd {BASE}/shared/storage && mkdir -p {below}")
    vps.ssh(f"chown -R www-data:www-data {BASE}/shared/storage && chmod -R 755 {BASE}/shared/storage")
    site.write_env(vps, vps.address, owner="deployer", shared=f"{BASE}/shared")
    caches = f"{BASE}/releases/*/bootstrap/cache"
    vps.ssh(f"chmod -R o+rX {BASE}/releases; chown -R deployer:www-data {caches}; chmod -R g+w {caches}")
    vps.ssh(f"cd {BASE}/current && runuser -u www-data -- php artisan migrate --force")


@pytest.fixture(scope="module")
def old(vps: Vps) -> Iterator[Vps]:
    """Beside the lab's other server."""
    server = Vps("old1", 21, vps.admin_key)
    try:
        server.start()
        site.set_up_data(server)
        site.set_up(server)
        server.ssh("cat > /etc/nginx/sites-available/default", stdin=NGINX.encode())
        lay_out(server)
        server.ssh("systemctl reload nginx")
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="module")
def its_bot(old: Vps, redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    directory = tmp_path_factory.mktemp("adopting")
    write_config(directory, [old], free_port())
    text = (directory / "chom.toml").read_text().replace('"lab"', '"adopting"')
    (directory / "chom.toml").write_text(text.replace('smoke = ["database", "queue"]', ""))
    laravel.publish(directory / "artifacts", BUILDS)
    made = Bot(directory, redis.url.replace("/0", "/1"))
    try:
        yield made
    finally:
        made.close()


def test_it_is_found_told_and_left_alone_until_chom_toml_means_it(old: Vps, its_bot: Bot) -> None:
    before = old.ssh(f"ls -lR {BASE}; cat /etc/nginx/sites-available/default").stdout
    said = its_bot.shell("host", "adopt", "--yes", "--key", old.admin_key).ends(1)
    line = 'layout = { www = "/srv/shop", link = "current", current = "current" }'
    assert "nginx serves something else" in said and line in said
    its_bot.config.write_text(its_bot.config.read_text().replace('user = "ops"', f'user = "ops"\n{line}'))
    asked = its_bot.shell("host", "adopt", "--key", old.admin_key, typed="n\n").ends(1)
    assert "releases/42 is v1.0, by its commit" in asked and "nothing was changed" in asked
    assert "nginx passes $document_root to PHP; it will be $realpath_root" in asked
    assert old.ssh(f"ls -lR {BASE}; cat /etc/nginx/sites-available/default").stdout == before


def test_it_is_taken_over_under_load_and_then_deploys_and_rolls_back(old: Vps, its_bot: Bot, tmp_path: Path) -> None:
    with crowd(old, tmp_path / "seen.json", Habits(clients=4000, browsers=True)) as customers:
        said = its_bot.shell("host", "adopt", "--yes", "--key", old.admin_key).ends(0)
        assert "taken over" in said and "is called v1.0" in said
        again = its_bot.shell("host", "adopt", "--yes", "--key", old.admin_key).ends(0)
        for done in ("is called", "a link to it stays", "the same directory as before", "realpath_root"):
            assert done not in again, "what was done is found done"
        assert "no drift" in its_bot.shell("host", "status", "--key", old.admin_key).ends(0)
        with slack(its_bot.told) as workspace:
            its_bot.slack_url = workspace.address
            its_bot.start()
            workspace.ready()
            workspace.ask_and_approve("deploy v1.1", "Deploy v1.1 to production")
            workspace.card_says("Deploy v1.1 to production", "is live on production")
            workspace.ask_and_approve("rollback", "Roll back production: v1.1 → v1.0")
            workspace.card_says("Roll back production: v1.1 → v1.0", "is live on production")
            assert its_bot.stop() == 0
        deadline = time.monotonic() + 120
        while sum((now := customers.seen())["served"].values()) <= 10_000 or now["clients"] <= 1500:
            assert time.monotonic() < deadline, "the load is too slow"
            time.sleep(0.2)
        seen = customers.end()
    assert seen["failures"] == [] and sum(seen["served"].values()) > 10_000 and seen["clients"] > 1500
    assert set(seen["served"]) == {"v1.0", "v1.1"}
    kept = old.ssh("ls /etc/nginx/sites-enabled; ls /var/lib/chom-adopted").stdout.decode().split()
    assert kept == ["default", "etc~nginx~sites-enabled~default"]
    assert b"realpath_root" in old.ssh("nginx -T 2>/dev/null").stdout


def test_a_configuration_that_nginx_refuses_is_put_back(old: Vps, its_bot: Bot) -> None:
    path = "/etc/nginx/sites-available/default"
    broken = NGINX.replace("fastcgi_pass unix", "nonsense on;\n        fastcgi_pass unix")
    old.ssh(f"cat > {path}", stdin=broken.encode())
    said = its_bot.shell("host", "adopt", "--yes", "--key", old.admin_key).ends(1)
    assert "nginx does not accept its own configuration" in said and "nonsense" in said
    assert old.ssh(f"cat {path}").stdout == broken.encode()
