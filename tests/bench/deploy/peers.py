"""Everybody else who deploys: nothing but the steps, ssh in two ways, capistrano, ansible."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.deploy import steps
from tests.bench.deploy.host import Ground, environment

HERE = Path(__file__).parent


@dataclass
class Peers:
    """Each method deploys one artifact and gives the seconds that it took, its process and its connecting included."""

    ground: Ground
    numbers: int = 0
    every: dict[str, Callable[[Path], float]] = field(init=False)

    def __post_init__(self) -> None:
        steps.write(self.ground.directory / "steps")
        self.every = {
            "the steps alone": self.floor,
            "ssh, one call": self.ssh_once,
            "ssh, a call a step": self.ssh_steps,
            "capistrano": self.capistrano,
            "ansible": self.ansible,
        }

    def _release(self) -> str:
        """A name that sorts after the ones before."""
        self.numbers += 1
        return f"2026{self.numbers:04}_000000"

    def floor(self, artifact: Path) -> float:
        """On the server, without SSH; the artifact comes from its own disk."""
        script = steps.whole(self._release())
        begun = time.perf_counter()
        self.ground.within(script, artifact)
        return time.perf_counter() - begun

    def ssh_once(self, artifact: Path) -> float:
        """One new connection, one call for all, the artifact on its stdin."""
        return self._run(["ssh", "-F", str(self.ground.config), "app1", steps.whole(self._release())], artifact)

    def ssh_steps(self, artifact: Path) -> float:
        """ControlMaster: one new connection, a call a step."""
        before, socket = steps.BEFORE % self._release(), self.ground.directory / "master"
        ssh = ["ssh", "-F", str(self.ground.config), "-o", f"ControlPath={socket}"]
        took = self._run([*ssh, "-o", "ControlMaster=yes", "-o", "ControlPersist=60", "-Nf", "app1"])
        for name, line in steps.STEPS.items():
            took += self._run([*ssh, "app1", before + line], artifact if name == "upload" else None)
        self._run([*ssh, "-O", "exit", "app1"])
        return took

    def capistrano(self, artifact: Path) -> float:
        """The ten steps as its tasks."""
        return self._run(["cap", "lab", "bench:deploy"], None, HERE / "capistrano", self._told(artifact))

    def ansible(self, artifact: Path) -> float:
        """The ten steps as its tasks; the connection that it keeps is closed afterwards, so that each run is cold."""
        socket = f"{self.ground.directory}/ansible-master"
        ssh = f"-F {self.ground.config} -o ControlMaster=auto -o ControlPersist=60s -o ControlPath={socket}"
        told = self._told(artifact) | {"ANSIBLE_SSH_ARGS": ssh}
        took = self._run(["ansible-playbook", "-i", "app1,", "deploy.yml"], None, HERE / "ansible", told)
        self._run(["ssh", "-F", str(self.ground.config), "-o", f"ControlPath={socket}", "-O", "exit", "app1"])
        return took

    def _told(self, artifact: Path) -> dict[str, str]:
        release, ground = self._release(), self.ground
        return {
            "HOME": str(ground.directory),
            "BENCH_WWW": steps.WWW,
            "BENCH_KEY": str(ground.key),
            "BENCH_KNOWN": str(ground.known),
            "BENCH_STEPS": str(ground.directory / "steps"),
            "BENCH_BEFORE": steps.BEFORE % release,
            "BENCH_RELEASE": f"{steps.WWW}/releases/{release}",
            "BENCH_ARTIFACT": str(artifact),
            "BENCH_ADDRESS": ground.vps.address,
        }

    def _run(
        self, command: list[str], stdin: Path | None = None, cwd: Path | None = None, more: dict[str, str] | None = None
    ) -> float:
        """Seconds. Raises AssertionError with what it said where it failed."""
        said = self.ground.directory / "last.out"
        with (stdin or Path("/dev/null")).open("rb") as given, said.open("wb") as out:
            begun = time.perf_counter()
            done = subprocess.run(
                command, stdin=given, stdout=out, stderr=out, cwd=cwd, env=environment(more or {}), check=False
            )
            took = time.perf_counter() - begun
        assert done.returncode == 0, f"{command[:3]}: {said.read_text(errors='replace')[-3000:]}"
        return took

    def check(self, version: str) -> None:
        """The artifact is what users get, and old releases are gone. Raises AssertionError."""
        seen = self.ground.served(steps.PORT)
        assert (seen["status"], seen["release"]) == ("ok", version), seen
        assert self.ground.releases(steps.WWW) <= 5
