"""The one server on which all deploy: the bot's site and the peers', alike but for their owner and their port."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.deploy import steps
from tests.lab.site import NGINX
from tests.lab.vps import Vps, admin_key, alone

SSHD = """
KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256
Ciphers aes128-gcm@openssh.com,aes128-ctr
MACs hmac-sha2-256-etm@openssh.com
LogLevel DEBUG1
"""
"""The log says what each tool agreed on with the server; it is the same for all."""
ENV = """APP_ENV=production
APP_KEY=base64:c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0MTI=
DB_HOST=127.0.0.1
DB_DATABASE=chom
DB_USERNAME=chom
DB_PASSWORD=correct-horse-battery
"""
CLIENT = """Host app1
 HostName {address}
 User deploy
 IdentityFile {key}
 IdentitiesOnly yes
 IdentityAgent none
 UserKnownHostsFile {known}
 GlobalKnownHostsFile /dev/null
 StrictHostKeyChecking yes
 UpdateHostKeys no
 GSSAPIAuthentication no
 PreferredAuthentications publickey
 KexAlgorithms curve25519-sha256
 Ciphers aes128-gcm@openssh.com
 HostKeyAlgorithms ssh-ed25519
 Compression no
 ForwardX11 no
"""


@dataclass(frozen=True)
class Ground:
    """The server, and what the peers need to reach it."""

    vps: Vps
    directory: Path
    packages: Path

    @property
    def key(self) -> Path:
        return self.directory / "deploy"

    @property
    def known(self) -> Path:
        return self.directory / "known_hosts"

    @property
    def config(self) -> Path:
        """OpenSSH's."""
        return self.directory / "ssh_config"

    def prepare(self) -> None:
        """The peers' login and client configuration, both sites without a release, the database."""
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key)], check=True)
        self.known.write_text(f"{self.vps.address} {self.vps.host_key()}\n")
        self.config.write_text(CLIENT.format(address=self.vps.address, key=self.key, known=self.known))
        roots = {"80 default_server": "/var/www/chom/public", str(steps.PORT): f"{steps.WWW}/current/public"}
        nginx = "".join(
            NGINX.replace("80 default_server", port).replace("/var/www/chom/public", root)
            for port, root in roots.items()
        )
        self._write("/etc/nginx/sites-available/default", nginx)
        self._write("/etc/php/8.2/fpm/conf.d/90-chom.ini", "opcache.validate_timestamps=0\n")
        self._write("/etc/ssh/sshd_config.d/bench.conf", SSHD)
        for package in self.packages.glob("*.deb"):
            self._write(f"/opt/{package.name}", package.read_bytes())
        shared = f"{steps.WWW}/shared/storage"
        kinds = ("app", "framework/cache/data", "framework/sessions", "framework/views", "logs")
        below = " ".join(f"{shared}/{kind}" for kind in kinds)
        self.vps.ssh(
            "set -e; dpkg -i /opt/*.deb >/dev/null; useradd -m -s /bin/bash -G www-data deploy;"
            f" install -d -o deploy -g www-data {steps.WWW} {steps.WWW}/releases {steps.WWW}/shared {below};"
            f" chmod -R g+rwX,g+s {steps.WWW}/shared; install -d -m 700 -o deploy -g deploy /home/deploy/.ssh"
        )
        self._write("/home/deploy/.ssh/authorized_keys", self.key.with_suffix(".pub").read_bytes())
        self._write(f"{steps.WWW}/shared/.env", ENV)
        self.vps.ssh(
            f"set -e; chown -R deploy:www-data {steps.WWW}/shared; chown deploy: /home/deploy/.ssh/authorized_keys;"
            " mariadb -e \"create database chom; create user chom@localhost identified by 'correct-horse-battery';"
            ' grant all on chom.* to chom@localhost"; systemctl restart ssh php8.2-fpm; systemctl reload nginx'
        )

    def write_env(self) -> None:
        """The bot's shared/.env, once host install has made its directory."""
        self._write("/var/www/shared/.env", ENV)
        self.vps.ssh("chown ops:www-data /var/www/shared/.env && chmod 640 /var/www/shared/.env")

    def _write(self, path: str, content: str | bytes) -> None:
        self.vps.ssh(f"cat > {path}", stdin=content.encode() if isinstance(content, str) else content)

    def within(self, script: str, stdin: Path) -> None:
        """Run a script on the server as `deploy`, without SSH. Raises AssertionError."""
        assert self.vps.process is not None
        nspawn = self.vps.process.pid
        init = Path(f"/proc/{nspawn}/task/{nspawn}/children").read_text().split()[0]
        command = ["nsenter", "-t", init, "-a", "setpriv", "--reuid=deploy", "--regid=deploy", "--init-groups"]
        command += ["env", "-i", "HOME=/home/deploy", "PATH=/usr/local/bin:/usr/bin:/bin", "bash", "-c", script]
        with stdin.open("rb") as artifact:
            done = subprocess.run(command, stdin=artifact, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:].decode(errors="replace")

    def agreed(self, user: str, cursor: str) -> str:
        """What that login agreed on with sshd since then: "curve25519-sha256, aes128-gcm@openssh.com"."""
        lines = self.vps.ssh(f"journalctl -q -t sshd --after-cursor='{cursor}' -o short").stdout.decode().splitlines()
        theirs = {_process(line) for line in lines if f"Accepted publickey for {user} " in line}
        said = "\n".join(line for line in lines if _process(line) in theirs)
        return ", ".join(dict.fromkeys(re.findall(r"kex: (?:algorithm|client->server cipher): (\S+)", said)))

    def cursor(self) -> str:
        """This moment in the server's journal."""
        said = self.vps.ssh("journalctl -q -n 1 --show-cursor -o cat").stdout.decode()
        return said.rpartition("-- cursor: ")[2].strip()

    def served(self, port: int) -> dict[str, str]:
        """What /health says there."""
        done = self.vps.ssh(f"curl -fsS -m 10 http://127.0.0.1:{port}/health")
        return json.loads(done.stdout)

    def releases(self, www: str) -> int:
        """How many are kept."""
        return len(self.vps.ssh(f"ls {www}/releases").stdout.split())


def _process(line: str) -> str:
    """The process that wrote a line of the journal."""
    return line.partition("sshd[")[2].partition("]")[0]


@contextmanager
def ground(directory: Path) -> Iterator[Ground]:
    """Booted and prepared. Raises SystemExit where this machine cannot."""
    packages = directory / "packages"
    packages.mkdir()
    install = subprocess.run([str(Path(__file__).with_name("install")), str(packages)], check=False)
    if install.returncode:
        raise SystemExit("See above.")
    with ExitStack() as stack:
        stack.enter_context(alone())
        server = Vps("app1", 11, admin_key())
        stack.callback(server.remove)
        server.start()
        made = Ground(server, directory, packages)
        made.prepare()
        yield made


def environment(more: dict[str, str]) -> dict[str, str]:
    """All that a peer's process finds: no proxy, no agent."""
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"} | more
