"""A job happens at most once, whoever is killed: many clients, kill -9 of chom-host, of the job, timeouts, races."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import Any

import pytest

from actions.host.chom_host import jobs, processes
from tests.host.server import AGENT, Channel, Refusal, Server, until

R1 = "20261121_100000"
JOB = "chg-7f3kq2/migrate/forward"
EFFECT = "open(here / 'effects', 'a').write('x')\n"
SLOW = (
    'print("Migrating: 2025_01_01_000000_create_notes", flush=True)\n'
    + EFFECT
    + """
while not (here / "go").exists(): time.sleep(0.01)
print("Migrated:  2025_01_01_000000_create_notes (9ms)", flush=True)
"""
)


@pytest.fixture
def staged(server: Server) -> Channel:
    """A release that can be migrated, slowly: until `go`."""
    channel = server.channel()
    assert channel.run("chg-7f3kq2/stage/forward", "stage", server.stage_args(R1, "v1.0"))["ok"]
    server.artisan("migrate", SLOW)
    return channel


def effects(server: Server) -> int:
    path = server.bin / "effects"
    return len(path.read_text()) if path.exists() else 0


def go(server: Server) -> None:
    (server.bin / "go").touch()


def begun(server: Server, channel: Channel, **more: Any) -> int:
    """The migration, waited for until its command is at work; the job's process."""
    assert channel.begin(JOB, "migrate", {"release": R1}, **more)["state"] == "running"
    before = effects(server)
    until(lambda: effects(server) > 0 or effects(server) > before)
    return server.claim(JOB)["pid"]


def test_one_effect_for_many_clients(server: Server, staged: Channel) -> None:
    channels = [staged, *(server.channel() for _ in range(5))]
    asked = [
        [c.send("begin", job=JOB, fence=1, verb="migrate", args={"release": R1}, timeout=30,
                log="deployment_20261123_222151", retry_lost=True) for _ in range(10)]
        for c in channels
    ]  # fmt: skip
    states = [c.answer(id_)["state"] for c, ids in zip(channels, asked, strict=True) for id_ in ids]
    assert set(states) == {"running"}
    go(server)
    ends = [c.answer(c.send("follow", job=JOB, offset=0)) for c in channels]
    assert all(end == ends[0] and end["ok"] for end in ends)
    assert effects(server) == 1
    assert staged.begin(JOB, "migrate", {"release": R1}) == ends[0], "known for ever, and not begun again"


def test_another_verb_or_other_arguments_are_another_job(server: Server, staged: Channel) -> None:
    begun(server, staged)
    for verb, args in (("unstage", {"release": R1}), ("migrate", {"release": "20261121_100001"})):
        with pytest.raises(Refusal) as refused:
            staged.begin(JOB, verb, args)
        assert refused.value.code == "job mismatch"
    go(server)
    assert staged.follow(JOB)["ok"]


def test_two_requests_are_answered_while_one_is_followed(server: Server, staged: Channel) -> None:
    begun(server, staged)
    followed = staged.send("follow", job=JOB, offset=0)
    assert staged.ask("survey")["current"] == ""
    assert staged.begin("chg-7f3kq2/other/forward", "unstage", {"release": "20261121_100009"})["state"] == "running"
    assert staged.follow("chg-7f3kq2/other/forward")["ok"]
    go(server)
    assert staged.answer(followed)["ok"]


def test_the_job_outlives_chom_host_and_a_new_one_finds_its_result(server: Server, staged: Channel) -> None:
    begun(server, staged)
    id_ = staged.send("follow", job=JOB, offset=0)
    seen = staged.next()
    assert seen is not None and (seen["id"], seen["line"]) == (id_, "Migrating: 2025_01_01_000000_create_notes")
    staged.process.send_signal(signal.SIGKILL)
    assert staged.next() is None, "the job holds no end of the connection"
    new = server.channel()
    assert new.begin(JOB, "migrate", {"release": R1})["state"] == "running"
    go(server)
    lines: list[str] = []
    state = new.follow(JOB, lines, offset=seen["offset"])
    assert lines == ["Migrated:  2025_01_01_000000_create_notes (9ms)"], "from where the old one had come to"
    assert state["ok"] and state["applied"] == ["2025_01_01_000000_create_notes"]
    assert effects(server) == 1


def test_the_end_of_the_client_is_the_end_of_chom_host_only(server: Server, staged: Channel) -> None:
    begun(server, staged)
    staged.send("follow", job=JOB, offset=0)
    assert staged.close() == 0
    go(server)
    assert server.channel().follow(JOB)["ok"]


def test_a_killed_watcher_does_not_make_a_running_migration_lost(server: Server, staged: Channel) -> None:
    pid = begun(server, staged)
    followed = staged.send("follow", job=JOB, offset=0)
    os.kill(pid, signal.SIGKILL)
    until(lambda: processes.process(pid) is None)
    assert staged.begin(JOB, "migrate", {"release": R1}, retry=True)["state"] == "running"
    go(server)
    state = staged.answer(followed)
    assert (state["state"], state["applied"]) == ("lost", ["2025_01_01_000000_create_notes"])
    assert effects(server) == 1
    (server.bin / "php-migrate.py").write_text(EFFECT + "print('Nothing to migrate.')")
    assert staged.run(JOB, "migrate", {"release": R1}, retry=True)["ok"]
    assert staged.ask("survey")["migrations"] == ["2025_01_01_000000_create_notes"], "what the lost one did is known"


def test_a_lost_job_is_run_once_more_when_that_is_asked_for(server: Server, staged: Channel) -> None:
    pid = begun(server, staged)
    os.killpg(pid, signal.SIGKILL)
    lost = staged.follow(JOB)
    assert (lost["state"], lost["ok"], lost["applied"]) == ("lost", False, [])
    assert lost["lines"][-1] == "Migrating: 2025_01_01_000000_create_notes"
    assert staged.begin(JOB, "migrate", {"release": R1})["state"] == "lost", "not by itself"
    go(server)
    assert staged.run(JOB, "migrate", {"release": R1}, retry=True)["ok"]
    assert staged.run(JOB, "migrate", {"release": R1}, retry=True)["ok"]
    assert effects(server) == 2 and server.claim(JOB)["attempt"] == 2


def test_a_claim_from_before_a_reboot_is_lost(server: Server, staged: Channel) -> None:
    begun(server, staged)
    path = server.state / "jobs" / JOB.replace("/", "~") / "claim.json"
    path.write_text(json.dumps({**server.claim(JOB), "boot": "another"}))
    assert staged.begin(JOB, "migrate", {"release": R1})["state"] == "lost"
    path.write_text(json.dumps({**server.claim(JOB), "boot": processes.boot_id(), "pid": os.getpid(), "start": 1}))
    assert staged.begin(JOB, "migrate", {"release": R1})["state"] == "lost", "a later process of that number"


@pytest.mark.parametrize("call", ["fork", "rename", "write"])
@pytest.mark.parametrize("after", [False, True])
def test_killed_between_claim_and_start(server: Server, staged: Channel, call: str, after: bool) -> None:
    """chom-host is killed right before, and right after, it forks, makes the claim, and opens the gate."""
    crash = f"""
import os, signal, sys
sys.argv = ["chom-host", "--config", {str(server.root / "host.json")!r}]
sys.path.insert(0, {str(AGENT)!r})
import pathlib
from chom_host.main import main
def deadly(real, mine):
    def act(*args):
        if not mine(*args): return real(*args)
        if {after}: done = real(*args); {"" if call != "fork" else "done or os.read(0, 0)"}
        if {after} and {call == "fork"} and done == 0: return done
        os.kill(os.getpid(), signal.SIGKILL)
    return act
os.fork = deadly(os.fork, lambda *a: {call == "fork"})
pathlib.Path.rename = deadly(pathlib.Path.rename, lambda *a: {call == "rename"})
os.write = deadly(os.write, lambda fd, data: {call == "write"} and data == b"g")
sys.exit(main(sys.argv[1:]))
"""
    pipe = subprocess.PIPE
    env = {"SSH_ORIGINAL_COMMAND": "channel", "PATH": "/usr/bin:/bin"}
    dying = Channel(subprocess.Popen([server.python, "-IS", "-c", crash], stdin=pipe, stdout=pipe, env=env))
    server.channels.append(dying)
    go(server)
    dying.send("begin", job=JOB, fence=1, verb="migrate", args={"release": R1}, timeout=30,
               log="deployment_20261123_222151", retry_lost=False)  # fmt: skip
    assert dying.next() is None and dying.process.wait(10) == -signal.SIGKILL
    claimed = call == "write" or (call == "rename" and after)
    ran = call == "write" and after
    if claimed:
        state = staged.follow(JOB)
        assert state["state"] == ("ended" if ran else "lost")
    else:
        with pytest.raises(Refusal) as refused:
            staged.follow(JOB)
        assert refused.value.code == "unknown job"
    assert effects(server) == int(ran)
    assert staged.run(JOB, "migrate", {"release": R1}, retry=True)["ok"]
    assert effects(server) == 1, "exactly once in the end"


def test_a_job_killed_before_its_result_is_lost(server: Server, staged: Channel) -> None:
    """Between the effect and the result: the result's directory cannot be written, so the process ends without one."""
    pid = begun(server, staged)
    directory = server.state / "jobs" / JOB.replace("/", "~")
    os.kill(pid, signal.SIGSTOP)
    go(server)
    until(lambda: not [p for p in processes.session_members(pid) if p.pid != pid])
    os.kill(pid, signal.SIGKILL)
    state = staged.follow(JOB)
    assert state["state"] == "lost" and not (directory / "result.json").exists()
    assert state["applied"] == ["2025_01_01_000000_create_notes"], "what its command had said by then"


def test_a_timeout_ends_the_whole_group_and_is_a_result(server: Server, staged: Channel) -> None:
    server.artisan("migrate", EFFECT + """
print("Migrated:  2025_01_01_000000_create_notes (9ms)", flush=True)
child = subprocess.Popen([sys.executable, "-IS", "-c", "import time; time.sleep(60)"])
(here / "grandchild").write_text(str(child.pid))
time.sleep(60)
""")  # fmt: skip
    pid = begun(server, staged, timeout=1)
    began = time.monotonic()
    state = staged.follow(JOB)
    assert time.monotonic() - began < 5
    assert (state["state"], state["ok"]) == ("ended", False)
    assert state["summary"].startswith("it did not end within 1 s and was stopped")
    assert state["applied"] == ["2025_01_01_000000_create_notes"]
    until(lambda: not processes.session_members(pid))
    assert processes.process(int((server.bin / "grandchild").read_text())) is None or gone(server)


def gone(server: Server) -> bool:
    """Its process is a zombie that its new parent has not collected yet."""
    found = processes.process(int((server.bin / "grandchild").read_text()))
    return found is None or found.zombie


def test_a_job_that_cannot_end_itself_is_ended_by_who_looks(
    server: Server, staged: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = begun(server, staged)
    os.kill(pid, signal.SIGSTOP)
    claim = server.claim(JOB)
    assert jobs.alive(claim)
    assert not jobs.alive({**claim, "deadline": processes.boot_clock() - jobs.OVERDUE - 1})
    until(lambda: not processes.session_members(pid))
    assert staged.follow(JOB)["state"] == "lost"


def test_sigterm_on_the_server_is_a_result(server: Server, staged: Channel) -> None:
    pid = begun(server, staged)
    os.kill(pid, signal.SIGTERM)
    state = staged.follow(JOB)
    assert (state["state"], state["ok"]) == ("ended", False) and "SIGTERM" in state["summary"]
    assert not processes.session_members(pid)


def test_a_command_that_is_killed_is_a_failure_not_a_loss(server: Server, staged: Channel) -> None:
    server.artisan("migrate", "os.kill(os.getpid(), 9)")
    state = staged.run(JOB, "migrate", {"release": R1})
    assert (state["state"], state["ok"]) == ("ended", False)
    assert state["summary"] == "php artisan migrate was ended by SIGKILL; no migration was applied"
