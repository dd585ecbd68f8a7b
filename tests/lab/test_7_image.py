"""The bot where it lives: in its image with a root file system that is read-only, and as a systemd service."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.lab import image, laravel
from tests.lab.bot_process import write_config
from tests.lab.conftest import Lab
from tests.lab.slack import Slack, slack
from tests.lab.vps import Vps, die_with_us
from tests.support.redis import RedisServer, free_port

pytestmark = pytest.mark.timeout(600)
"""What is built and booted first counts into the first test's time."""
UID = 10001
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """What the image says of itself."""
    found: dict[str, Any] = json.loads(image.buildah("inspect", "--type", "image", image.NAME))
    return found["Docker"]["config"]


def inside(root: Path, told: dict[str, Any], binds: dict[Path, str], env: dict[str, str], *words: str) -> list[str]:
    """The command line that runs words in the image, as a container engine would with --read-only and no right left."""
    env = {**dict(pair.split("=", 1) for pair in told["Env"]), **env}
    return [
        "systemd-nspawn", "-q", "-D", str(root), "--read-only", "--tmpfs=/tmp:mode=1777", "--as-pid2", "--register=no",
        "--keep-unit", "--no-new-privileges=yes", "--drop-capability=all", "--console=pipe", f"--user={told['User']}",
        f"--chdir={told['WorkingDir']}", *(f"--bind={source}:{target}" for source, target in binds.items()),
        *(f"--setenv={name}={value}" for name, value in env.items()), *words,
    ]  # fmt: skip


def test_the_image_serves_as_nobody_on_a_root_that_is_read_only(
    image_root: Path, told: dict[str, Any], vps: Vps, redis: RedisServer, tmp_path: Path
) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "state").mkdir()
    listen = free_port()
    write_config(tmp_path / "etc", [vps], listen)
    text = (tmp_path / "etc/chom.toml").read_text().replace(str(tmp_path / "etc"), "/etc/chom-bot")
    text = text.replace("/etc/chom-bot/state", "/var/lib/chom-bot").replace('"lab"', '"image"')
    (tmp_path / "etc/chom.toml").write_text(text)
    (tmp_path / "etc/artifacts").mkdir()
    for path in (tmp_path / "state", tmp_path / "etc/id_ed25519"):
        os.chown(path, UID, UID)
    assert (told["User"], told["Entrypoint"], told["Cmd"]) == ("chom-bot", ["chom-bot"], ["serve"])
    log = tmp_path / "log"
    with slack(lambda: log.read_text()) as workspace:
        env = {"CHOM_REDIS_URL": redis.url, "SLACK_API_URL": f"{workspace.address}/api/",
               "SLACK_BOT_TOKEN": "xoxb-sandbox", "SLACK_APP_TOKEN": "xapp-sandbox",
               "CHOM_HEALTH": f"http://127.0.0.1:{listen}/healthz"}  # fmt: skip
        binds = {tmp_path / "etc": "/etc/chom-bot", tmp_path / "state": "/var/lib/chom-bot"}

        def run(*words: str) -> subprocess.CompletedProcess[str]:
            argv = inside(image_root, told, binds, env, *words)
            return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)

        for path in ("/opt/chom/x", "/etc/x", "/etc/chom-bot/x"):
            refused = run("/bin/touch", path)
            assert refused.returncode and ("Read-only" in refused.stderr or "denied" in refused.stderr), refused.stderr
        mine = run("/bin/sh", "-c", "id -u; touch /tmp/x /var/lib/chom-bot/x")
        assert (mine.returncode, mine.stdout.strip()) == (0, str(UID)), mine.stderr
        with log.open("w") as out:
            argv = inside(image_root, told, binds, env, *told["Entrypoint"], *told["Cmd"])
            serving = subprocess.Popen(argv, stdout=out, stderr=out, preexec_fn=die_with_us)
        try:
            _ready(f"http://127.0.0.1:{listen}/readyz", log)
            _answers(workspace)
            assert run(*told["Healthcheck"]["Test"][1:]).returncode == 0
            assert _stopped(serving) == 0, log.read_text()
        finally:
            serving.kill()
            serving.wait(20)
        assert run(*told["Healthcheck"]["Test"][1:]).returncode, "a bot that is gone is not healthy"


def _ready(url: str, log: Path) -> None:
    deadline = time.monotonic() + 40
    while True:
        try:
            with DIRECT.open(url, timeout=5) as answer:
                assert json.load(answer)["status"] == "ok"
                return
        except (urllib.error.URLError, OSError):
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)


def _answers(workspace: Slack) -> None:
    workspace.command("dev", "help")
    workspace.whisper("dev", "/chom deploy")


def _stopped(serving: subprocess.Popen[bytes]) -> int:
    """systemd-nspawn passes a SIGTERM on to nobody: the bot in it is told itself, as an engine tells it."""
    children = Path(f"/proc/{serving.pid}/task/{serving.pid}/children").read_text().split()
    below = [pid for child in children for pid in Path(f"/proc/{child}/task/{child}/children").read_text().split()]
    for pid in below:
        assert f"Uid:\t{UID}\t" in Path(f"/proc/{pid}/status").read_text(), "not root, not even outside"
        os.kill(int(pid), signal.SIGTERM)
    return serving.wait(15)


SERVICE = Path(__file__).parents[2] / "bot/serving/chom-bot.service"
SECRETS = "CHOM_REDIS_URL=redis://:not-for-anybody@127.0.0.1:6399/0\n"


def test_the_systemd_service_is_shut_in_and_serves(image_root: Path, lab: Lab, tmp_path: Path) -> None:
    """On mentat, with a Redis of its own; what the image has below /opt/chom is what an operator installs."""
    vps = lab.mentat
    subprocess.run(["cp", "-a", str(image_root / "opt/chom"), str(vps.root / "opt/")], check=True)
    write_config(tmp_path, lab.apps, 8080)
    text = (tmp_path / "chom.toml").read_text()
    text = re.sub(r"\[slack\].*?\n\n", "", text, flags=re.S).replace(f"{tmp_path}/state", "/var/lib/chom-bot")
    text = text.replace(f"{tmp_path}/id_ed25519", "id_ed25519").replace(str(tmp_path), "/srv")
    laravel.publish(vps.root / "srv/artifacts", [laravel.Build("v1.0")])
    vps.ssh("mkdir -p -m 755 /etc/chom-bot /var/lib/bot-redis; ln -s python3 /usr/bin/python")
    for name, content in (
        ("chom.toml", text.encode()),
        ("id_ed25519", (tmp_path / "id_ed25519").read_bytes()),
        ("secrets.env", SECRETS.encode()),
    ):
        vps.ssh(f"umask 077; cat > /etc/chom-bot/{name}", stdin=content)
    vps.ssh("cat > /etc/systemd/system/chom-bot.service", stdin=SERVICE.read_bytes())
    vps.ssh(
        "redis-server --port 6399 --requirepass not-for-anybody --appendonly yes --dir /var/lib/bot-redis"
        " --daemonize yes"
    )
    vps.ssh("systemctl daemon-reload && systemctl start chom-bot")
    try:
        _journal_says(vps, "rules.toml is missing, or holds no rules")
        vps.ssh("cat > /etc/chom-bot/rules.toml", stdin=(tmp_path / "rules.toml").read_bytes())
        assert '"status": "ok"' in _curl(vps, "http://127.0.0.1:8080/readyz")
        pid = vps.ssh("systemctl show -P MainPID chom-bot").stdout.decode().strip()
        status = vps.ssh(f"cat /proc/{pid}/status").stdout.decode()
        assert "CapBnd:\t0000000000000000" in status and "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status
        assert not re.search(r"^Uid:\t0", status, re.M)
        exposure = vps.ssh("systemd-analyze security --no-pager chom-bot | tail -1").stdout.decode()
        assert (level := re.search(r"(\d+\.\d+) OK", exposure)) and float(level[1]) <= 2.0, exposure
        _what_root_does_in_a_shell_leaves_the_service_its_files(vps)
        vps.ssh(f"kill -9 {pid}")
        assert '"status": "ok"' in _curl(vps, "http://127.0.0.1:8080/readyz"), "it is started again"
        began = time.monotonic()
        vps.ssh("systemctl stop chom-bot")
        assert time.monotonic() - began < 15
        assert vps.ssh("systemctl show -P Result chom-bot").stdout.strip() == b"success"
    finally:
        vps.ssh("systemctl stop chom-bot; redis-cli -p 6399 -a not-for-anybody shutdown nosave", check=False)


def _what_root_does_in_a_shell_leaves_the_service_its_files(vps: Vps) -> None:
    """`check` fetches the newest version into the service's own directory, where only the service could remove it."""
    check = "cd /etc/chom-bot && set -a && . ./secrets.env && /opt/chom/bin/chom-bot check"
    assert "1 version in /srv/artifacts; the newest, v1.0, is whole" in vps.ssh(check, check=False).stdout.decode()
    (archive,) = vps.ssh("ls /var/lib/chom-bot/artifacts").stdout.decode().split()
    assert archive.endswith(".tar.gz")
    state = "/var/lib/private/chom-bot"
    assert vps.ssh(f"find {state} -not -uid $(stat -c %u {state})").stdout == b""


def _journal_says(vps: Vps, words: str) -> None:
    deadline = time.monotonic() + 40
    while words not in (said := vps.ssh("journalctl -u chom-bot --no-pager -o cat").stdout.decode()):
        assert time.monotonic() < deadline, said
        time.sleep(0.5)


def _curl(vps: Vps, url: str) -> str:
    """What it answers, within 40 s; else the end of the service's journal."""
    ask = f"curl -fsS --retry 40 --retry-delay 1 --retry-all-errors {url}"
    return vps.ssh(f"{ask} || journalctl -u chom-bot --no-pager -o cat | tail -60").stdout.decode()
