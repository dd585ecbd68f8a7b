"""A VPS as operators have it: Debian booted by systemd-nspawn in a network namespace of its own.

The root file systems are built once (bases.py); each boot is an overlay on one, so that a test may break what it likes.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tests.lab.bases import BOOKWORM, LAB, Base, build, build_all, sh

HOSTS = LAB / "hosts"
BRIDGE, NET = "chomlab0", "10.232.7"
CGROUPS = Path("/sys/fs/cgroup")
ALONE = Path("/run/lock/chom-lab.lock")
"""Held by whoever uses the lab: its bridge and its addresses are there once on a machine."""


class Role(Enum):
    """What a server is for: the services of its base that it does not run."""

    APP = "prometheus prometheus-alertmanager"
    """The site with its own MariaDB and Redis."""
    APP_BESIDE = "prometheus prometheus-alertmanager mariadb redis-server prometheus-mysqld-exporter"
    """The site, whose database is another server's."""
    WATCH = (
        "nginx php8.2-fpm php8.4-fpm mariadb redis-server supervisor prometheus-nginx-exporter"
        " prometheus-mysqld-exporter mtail"
    )
    """Prometheus and Alertmanager, and the bot."""

    @property
    def off(self) -> list[str]:
        """The services that are masked."""
        return str(self.value).split()


@dataclass
class Vps:
    """A booted server. `admin_key` logs in as root: it is the operator's, not the bot's."""

    name: str
    number: int
    admin_key: Path
    base: Base = BOOKWORM
    role: Role = Role.APP
    disk_mb: int = 0
    """Its disk is so large and no larger (it lies in memory); 0 for one without a bound."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Its IPv4 address on the lab's bridge."""
        return f"{NET}.{self.number}"

    @property
    def root(self) -> Path:
        """Its root file system, seen from here."""
        return HOSTS / self.name / "root"

    def host_key(self) -> str:
        """The server's public key, "ssh-ed25519 AAAA…"."""
        return " ".join((self.root / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()[:2])

    def ssh(self, command: str, stdin: bytes | None = None, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        """Run a shell command as root over SSH."""
        return sh("ssh", "-q", "-i", self.admin_key, "-o", "StrictHostKeyChecking=no", "-o",
                  "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=5", f"root@{self.address}", command,
                  stdin=stdin, check=check)  # fmt: skip

    def write(self, path: str, text: str) -> None:
        """A file of root's that everybody may read."""
        self.ssh(f"umask 022; mkdir -p $(dirname {path}) && cat > {path}", stdin=text.encode())

    def start(self) -> None:
        """Boot it and wait until systemd says that it runs. A second start boots the same disk again."""
        self.begin()
        self.up()

    def begin(self) -> None:
        """Boot it and return at once; `up` waits. The thread that calls this has to outlive the server."""
        build(self.base)
        first = not self.root.exists()
        if first:
            self._make_disk()
        self._make_network()
        disk = self.root.parent
        layers = f"lowerdir={self.base.root},upperdir={disk}/upper,workdir={disk}/work"
        sh("mount", "-t", "overlay", "overlay", "-o", layers, self.root)
        if first:
            self._make_identity()
        self._boot()

    def _make_disk(self) -> None:
        self.root.parent.mkdir(parents=True)
        if self.disk_mb:
            sh("mount", "-t", "tmpfs", "-o", f"size={self.disk_mb}m", "tmpfs", self.root.parent)
        for part in ("upper", "work", "root"):
            (self.root.parent / part).mkdir(parents=True)

    def _make_identity(self) -> None:
        for service in self.role.off:
            unit = self.root / f"etc/systemd/system/{service}.service"
            unit.unlink(missing_ok=True)
            unit.symlink_to("/dev/null")
        sh("ssh-keygen", "-q", "-A", "-f", self.root)
        (self.root / "etc/hostname").write_text(self.name + "\n")
        (self.root / "etc/hosts").write_text(f"127.0.0.1 localhost {self.name}\n")
        (self.root / "etc/machine-id").unlink(missing_ok=True)
        (self.root / "etc/machine-id").write_text(uuid.uuid4().hex + "\n")
        linger = (
            self.root / "var/lib/systemd/linger/root"
        )  # the operator's user manager runs: a login need not start it
        linger.parent.mkdir(exist_ok=True)
        linger.touch()
        keys = self.root / "root/.ssh"
        keys.mkdir(mode=0o700, exist_ok=True)
        shutil.copy(f"{self.admin_key}.pub", keys / "authorized_keys")

    def _make_network(self) -> None:
        if sh("ip", "link", "show", BRIDGE, check=False).returncode:
            sh("ip", "link", "add", BRIDGE, "type", "bridge")
            sh("ip", "addr", "add", f"{NET}.1/24", "dev", BRIDGE)
            sh("ip", "link", "set", BRIDGE, "up")
        space, cable = f"chomlab-{self.name}", f"cl-{self.name}"
        sh("ip", "netns", "add", space)
        sh("ip", "link", "add", cable, "type", "veth", "peer", "name", "host0", "netns", space)
        sh("ip", "link", "set", cable, "master", BRIDGE, "up")
        sh("ip", "-n", space, "addr", "add", f"{self.address}/24", "dev", "host0")
        for device in ("host0", "lo"):
            sh("ip", "-n", space, "link", "set", device, "up")

    def _boot(self) -> None:
        groups = _groups(self.name)
        for group in groups:
            group.mkdir(exist_ok=True)
        log = (self.root.parent / "boot.log").open("ab")
        self.process = subprocess.Popen(
            ["systemd-nspawn", "-q", "-D", str(self.root), "-M", f"chomlab-{self.name}", "--boot", "--register=no",
             "--keep-unit", f"--network-namespace-path=/run/netns/chomlab-{self.name}", "--console=pipe",
             "--kill-signal=SIGRTMIN+3"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            preexec_fn=lambda: _shut_down_with_us(groups))  # fmt: skip
        log.close()
        (self.root.parent / "groups").write_text("\n".join(map(str, groups)))

    def up(self) -> None:
        """Wait until systemd says that it runs. Raises RuntimeError where sshd does not answer within 60 s."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                socket.create_connection((self.address, 22), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        else:
            boot = (self.root.parent / "boot.log").read_text(errors="replace")
            raise RuntimeError(f"{self.name} did not boot within 60 s:\n{boot[-3000:]}")
        self.ssh("systemctl is-system-running --wait || true")

    def spawn(self, *argv: str | Path) -> subprocess.Popen[bytes]:
        """A program of this machine that runs at the server's own network, and no longer than we do."""
        within = ["ip", "netns", "exec", f"chomlab-{self.name}", *map(str, argv)]
        return subprocess.Popen(within, preexec_fn=die_with_us)

    def cut(self, off: bool = True) -> None:
        """Pull the network cable, or put it back."""
        sh("ip", "link", "set", f"cl-{self.name}", "down" if off else "up")

    def lose_power(self) -> None:
        """All of its processes are gone at once. Its disk stays, for `start`."""
        _power_off(self.root.parent)
        if self.process:
            self.process.wait(20)
        self.process = None
        _dismantle(self.name)

    def remove(self) -> None:
        """Forget it and its disk, so that it need not be shut down in order."""
        self.lose_power()
        _forget(self.root.parent)


def die_with_us() -> None:
    """In the child: the kernel kills it where the lab is killed."""
    ctypes.CDLL(None).prctl(1, int(signal.SIGKILL))


def _shut_down_with_us(groups: list[Path]) -> None:
    """As `die_with_us`, for systemd-nspawn, which has to shut its server down: killed, it would leave it running."""
    ctypes.CDLL(None).prctl(1, int(signal.SIGTERM))
    for group in groups:
        (group / "cgroup.procs").write_text("0")


def _groups(name: str) -> list[Path]:
    """Its control groups, below our own: two servers that shared one would wait for each other's processes to end."""
    ours = dict(line.split(":", 2)[1:] for line in Path("/proc/self/cgroup").read_text().splitlines())
    unified = CGROUPS / "unified"
    mounts = {"name=systemd": CGROUPS / "systemd", "": unified if unified.exists() else CGROUPS}
    return [mounts[one] / ours[one].lstrip("/") / f"chomlab-{name}" for one in mounts if one in ours]


def _power_off(disk: Path) -> None:
    """Kill all processes of the server of that disk, and systemd-nspawn. Raises RuntimeError where they do not die."""
    record = disk / "groups"
    groups = [Path(line) for line in record.read_text().split("\n")] if record.exists() else []
    deadline = time.monotonic() + 20
    while pids := {int(pid) for group in groups for place in _below(group) for pid in _pids(place / "cgroup.procs")}:
        if time.monotonic() > deadline:
            raise RuntimeError(f"processes of {disk.name} do not die: {sorted(pids)}")
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    for group in groups:
        for empty in sorted(_below(group)[1:], reverse=True):
            with contextlib.suppress(FileNotFoundError):
                empty.rmdir()


def _below(group: Path) -> list[Path]:
    """The group and those in it; one that is removed meanwhile is left out, which Path.rglob does not forgive."""
    return [Path(place) for place, _, _ in os.walk(group)]


def _pids(procs: Path) -> list[str]:
    try:
        return procs.read_text().split()
    except OSError:  # the group was removed meanwhile
        return []


def _dismantle(name: str) -> None:
    sh("umount", "--lazy", HOSTS / name / "root", check=False)
    sh("ip", "netns", "del", f"chomlab-{name}", check=False)
    sh("ip", "link", "del", f"cl-{name}", check=False)


def _forget(disk: Path) -> None:
    sh("umount", "--lazy", disk, check=False)
    shutil.rmtree(disk, ignore_errors=True)


def sweep() -> None:
    """Take away what a lab that was killed has left: processes, mounts, network, disks and keys."""
    for disk in [path.parent for path in HOSTS.glob("*/root")]:
        _power_off(disk)
        _dismantle(disk.name)
        _forget(disk)
    for key in LAB.glob("admin-*"):
        key.unlink()
    for line in sh("ip", "netns", "list").stdout.decode().splitlines():
        if line.startswith("chomlab-"):
            _dismantle(line.split()[0].removeprefix("chomlab-"))
    sh("ip", "link", "del", BRIDGE, check=False)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """The lab is ours, swept before and after. Raises RuntimeError where another one runs on this machine."""
    with ALONE.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RuntimeError("Another lab runs on this machine; wait for its end.") from None
        LAB.mkdir(parents=True, exist_ok=True)
        sweep()
        try:
            yield
        finally:
            sweep()


def admin_key() -> Path:
    """The operator's key pair, made anew for each run of the lab."""
    key = LAB / f"admin-{uuid.uuid4().hex[:8]}"
    sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
    return key


if __name__ == "__main__":
    # the root file systems where they are missing: that takes minutes, so it is done before the tests' clocks run
    with alone():
        build_all()
