"""One VPS as operators have it: Debian 12 booted by systemd-nspawn in a network namespace of its own.

The root file system is built once (`base`); each boot is an overlay on it, so that a test may break what it likes.
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
from pathlib import Path

LAB = Path(os.environ.get("CHOM_LAB_DIR", Path(__file__).parent.parent.parent / ".lab")).absolute()
HOSTS = LAB / "hosts"
BRIDGE, NET = "chomlab0", "10.232.7"
ALONE = Path("/run/lock/chom-lab.lock")
"""Held by whoever uses the lab: its bridge and its addresses are there once on a machine."""
PACKAGES = """
    systemd systemd-sysv dbus libpam-systemd openssh-server sudo iproute2 nginx-light php8.2-fpm php8.2-mysql php8.2-cli
    php8.2-mbstring php8.2-xml php8.2-curl php-redis mariadb-server redis-server supervisor curl ca-certificates
    php-laravel-framework procps python3 mtail
""".split()  # noqa: SIM905  a list of packages reads as a list of packages
TIMERS = "fstrim apt-daily apt-daily-upgrade e2scrub_all man-db phpsessionclean"
MASKED = ["systemd-timesyncd.service", "systemd-networkd-wait-online.service"]
MASKED += [f"{timer}.timer" for timer in TIMERS.split(" ")]
"""Masked, or the boot is slow."""


def sh(*argv: str | Path, stdin: bytes | None = None, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    """Run a command; its output is in the exception where it fails."""
    done = subprocess.run([str(word) for word in argv], input=stdin, capture_output=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"{argv} exited with {done.returncode}:\n{done.stdout[-3000:]!r}\n{done.stderr[-3000:]!r}")
    return done


def base() -> Path:
    """The root file system that every boot lies upon; built where it is missing or its package list is another."""
    root, mark = LAB / "base", LAB / "base.packages"
    if root.exists() and mark.exists() and mark.read_text() == " ".join(PACKAGES):
        return root
    LAB.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(root, ignore_errors=True)
    mark.unlink(missing_ok=True)
    excluded = [f"--dpkgopt=path-exclude=/usr/share/{what}/*" for what in ("man", "doc", "locale")]
    sh("mmdebstrap", "--quiet", "--variant=apt", f"--include={','.join(PACKAGES)}",
       '--aptopt=Acquire::Languages "none"', "--dpkgopt=force-unsafe-io", *excluded, "bookworm", root)  # fmt: skip
    for unit in MASKED:
        (root / "etc/systemd/system" / unit).symlink_to("/dev/null")
    mark.write_text(" ".join(PACKAGES))
    return root


@dataclass
class Vps:
    """A booted server. `admin_key` logs in as root: it is the operator's, not the bot's."""

    name: str
    number: int
    admin_key: Path
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

    def start(self) -> None:
        """Boot it and wait until systemd says that it runs. A second start boots the same disk again."""
        first = not self.root.exists()
        if first:
            self._make_disk()
        self._make_network()
        disk = self.root.parent
        layers = f"lowerdir={base()},upperdir={disk}/upper,workdir={disk}/work"
        sh("mount", "-t", "overlay", "overlay", "-o", layers, self.root)
        if first:
            self._make_identity()
        self._boot()

    def _make_disk(self) -> None:
        for part in ("upper", "work", "root"):
            (self.root.parent / part).mkdir(parents=True)

    def _make_identity(self) -> None:
        sh("ssh-keygen", "-q", "-A", "-f", self.root)
        (self.root / "etc/hostname").write_text(self.name + "\n")
        (self.root / "etc/hosts").write_text(f"127.0.0.1 localhost {self.name}\n")
        (self.root / "etc/machine-id").unlink(missing_ok=True)
        (self.root / "etc/machine-id").write_text(uuid.uuid4().hex + "\n")
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
        log = (self.root.parent / "boot.log").open("ab")
        self.process = subprocess.Popen(
            ["systemd-nspawn", "-q", "-D", str(self.root), "-M", f"chomlab-{self.name}", "--boot", "--register=no",
             "--keep-unit", f"--network-namespace-path=/run/netns/chomlab-{self.name}", "--console=pipe",
             "--kill-signal=SIGRTMIN+3"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            preexec_fn=die_with_us)  # fmt: skip
        log.close()
        (self.root.parent / "pid").write_text(str(self.process.pid))
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

    def within(self, *argv: str | Path) -> list[str]:
        """The command line of a program of this machine that runs at the server's own network."""
        return ["ip", "netns", "exec", f"chomlab-{self.name}", *map(str, argv)]

    def cut(self, off: bool = True) -> None:
        """Pull the network cable, or put it back."""
        sh("ip", "link", "set", f"cl-{self.name}", "down" if off else "up")

    def stop(self, power_loss: bool = False) -> None:
        """Shut down in order, or take the power away."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL if power_loss else signal.SIGTERM)
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None
        _dismantle(self.name)

    def remove(self) -> None:
        """Stop it and forget its disk."""
        self.stop()
        shutil.rmtree(self.root.parent, ignore_errors=True)


def die_with_us() -> None:
    """In the child: the kernel kills it where the lab is killed; with systemd-nspawn its whole server goes."""
    ctypes.CDLL(None).prctl(1, int(signal.SIGKILL))


def _dismantle(name: str) -> None:
    sh("umount", "--lazy", HOSTS / name / "root", check=False)
    sh("ip", "netns", "del", f"chomlab-{name}", check=False)
    sh("ip", "link", "del", f"cl-{name}", check=False)


def sweep() -> None:
    """Take away what a lab that was killed has left: processes, mounts, network, disks and keys."""
    for record in HOSTS.glob("*/pid"):
        command = Path("/proc", record.read_text().strip() or "none", "cmdline")
        if command.exists() and f"-M\0chomlab-{record.parent.name}\0".encode() in command.read_bytes():
            os.kill(int(command.parent.name), signal.SIGKILL)
            _gone(command)
    for disk in [path.parent for path in HOSTS.glob("*/root")]:
        _dismantle(disk.name)
        shutil.rmtree(disk, ignore_errors=True)
    for key in LAB.glob("admin-*"):
        key.unlink()
    for line in sh("ip", "netns", "list").stdout.decode().splitlines():
        if line.startswith("chomlab-"):
            _dismantle(line.split()[0].removeprefix("chomlab-"))
    sh("ip", "link", "del", BRIDGE, check=False)


def _gone(entry: Path) -> None:
    deadline = time.monotonic() + 20
    while entry.exists() and entry.read_bytes():
        if time.monotonic() > deadline:
            raise RuntimeError(f"process {entry.parent.name} of an earlier lab does not die")
        time.sleep(0.05)


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


def main() -> None:
    """Build the root file system where it is missing: about a minute, so it is done before the tests' clocks run."""
    with alone():
        base()


if __name__ == "__main__":
    main()
