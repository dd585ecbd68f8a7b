"""What comes over the wire is judged before it is believed: malformed requests, uploads, and everything else."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from actions.host.chom_host import base, channel, files, settings
from tests.host.server import AGENT, Channel, Refusal, Server

R1 = "20261121_100000"
SHA = "0" * 64
MODULES = Path(channel.__file__).parent


@pytest.mark.parametrize("module", sorted(MODULES.rglob("*.py")), ids=lambda path: path.relative_to(MODULES).as_posix())
def test_it_is_python_3_9_and_standard_library_only(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"), feature_version=(3, 9))
    imported = {
        name.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    }
    imported |= {
        node.module.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
    }
    assert imported - ({"chom_host"} if module.name == "__main__.py" else set()) <= sys.stdlib_module_names
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not names & {"system", "popen", "getoutput", "getstatusoutput"}
    shells = [node for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "shell"]
    assert not shells, "nothing meets a shell"


def test_the_one_file_is_the_same_wherever_it_is_packed() -> None:
    pack = "import os, sys; os.umask(0o077); from actions.host import packed; sys.stdout.buffer.write(packed())"
    top = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", pack], cwd=top, env={"TZ": "Asia/Tokyo"}, capture_output=True, check=True
    )
    assert done.stdout == AGENT.read_bytes()
    inside = zipfile.ZipFile(AGENT)
    assert sorted(inside.namelist())[0] == "__main__.py" and len(inside.namelist()) == len(list(MODULES.rglob("*.py")))
    assert {entry.compress_type for entry in inside.infolist()} == {zipfile.ZIP_STORED}, "it can be read where it lies"


def test_the_file_starts_as_the_forced_command_starts_it(server: Server) -> None:
    assert os.access(AGENT, os.X_OK)
    assert AGENT.read_bytes().startswith(b"#!/usr/bin/python3 -ISXutf8\n")
    env = {"SSH_ORIGINAL_COMMAND": "id", "PATH": "/usr/bin:/bin", "LC_ALL": "C"}
    argv = [sys.executable, "-ISXutf8", AGENT, "--config", server.root / "host.json"]
    done = subprocess.run(argv, env=env, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (77, b"")


COMMANDS = [
    "", "id", "sh", "bash -i", "scp -t /tmp", "/usr/lib/openssh/sftp-server", "channel; id", "channel\n", " channel",
    "CHANNEL", "channel --config /tmp/x", "put ", f"put {SHA}", f"put {SHA} 0", f"put {SHA} -1", f"put {SHA} 01",
    f"put {SHA} 1e3", f"put {SHA} 1 2", f"put {SHA[:-1]} 1", f"put {SHA.replace('0', 'A')} 1", f"put ../{SHA} 1",
    f"put {SHA} 99999999999999999", f"put  {SHA} 1", f"put {SHA} 1\n", f"put {SHA} ١", "$(id)", "`id`", "channel\0id",
]  # fmt: skip


@pytest.fixture(scope="module")
def forced() -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as top:
        server = Server(Path(top))
        yield server
        server.close()


@pytest.mark.parametrize("asked", [None, *(asked for asked in COMMANDS if "\0" not in asked)])
def test_everything_else_is_refused(forced: Server, asked: str | None) -> None:
    before = forced.log("chom-host")
    status, answer = forced.enter(asked, b"cat /etc/passwd\n")
    assert status == 77
    assert answer["error"]["code"] == "refused" and answer["error"]["message"]
    assert forced.log("chom-host").startswith(before + "2"), "every refusal is one more line for operators"
    assert forced.log("chom-host").count("\n") == before.count("\n") + 1
    assert not forced.state.exists(), "nothing was made for it"


@hypothesis_settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=300))
@example("x" * 10_000)
@example("\u202eput " + SHA)
@example("a\nb\x1b[31m")
def test_whatever_is_asked_for(forced: Server, asked: str) -> None:
    status, answer = forced.enter(asked)
    assert (status, answer["error"]["code"]) == (77, "refused")
    line = forced.log("chom-host").splitlines()[-1]
    assert len(line) < 250 and line.replace("“", "").replace("”", "").isprintable()


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("reboot", {}, "unknown verb"),
    ("survey", {"x": 1}, "bad argument"),
    ("fence", {}, "bad argument"),
    ("fence", {"fence": -1}, "bad argument"),
    ("fence", {"fence": True}, "bad argument"),
    ("fence", {"fence": 1.0}, "bad argument"),
    ("fence", {"fence": "1"}, "bad argument"),
    ("fence", {"fence": 1 << 60}, "bad argument"),
    ("holds", {"sha256": "../../etc/passwd"}, "bad argument"),
    ("holds", {"sha256": SHA + "\n"}, "bad argument"),
    ("follow", {"job": "a/b", "offset": -1}, "bad argument"),
    ("follow", {"job": "never/begun/forward", "offset": 0}, "unknown job"),
]
BEGIN: dict[str, Any] = {
    "job": "run/unstage/back", "fence": 1, "verb": "unstage", "args": {"release": R1}, "timeout": 30,
    "log": "deployment_20261123_222151", "retry_lost": False,
}  # fmt: skip
WRONG += [
    ("begin", {**BEGIN, key: value}, "unknown verb" if value == "reboot" else "bad argument")
    for key, value in [
        ("job", "run"), ("job", "../x"), ("job", "a/../b"), ("job", "a//b"), ("job", "/a/b"), ("job", "a/b\n"),
        ("job", "a~b/c"), ("job", "a" * 65 + "/b"), ("job", "a/.hidden"), ("job", "a/b/c/d/e/f"), ("job", "a b/c"),
        ("verb", "reboot"), ("verb", "Stage"), ("verb", ["unstage"]), ("timeout", 0), ("timeout", 90000),
        ("log", "../../etc/cron.d/x"), ("log", "deployment"), ("log", "x_20261123_222151/.."), ("retry_lost", 1),
        ("args", []), ("args", {}), ("args", {"release": R1, "x": 1}), ("args", {"release": "20261121_10000"}),
        ("args", {"release": "٢٠٢٦١١٢١_١٠٠٠٠٠"}), ("args", {"release": f"{R1}\n"}), ("args", {"release": f"{R1}/.."}),
    ]
]  # fmt: skip
JOB_ARGS: list[tuple[str, dict[str, Any]]] = [
    ("stage", {"release": R1, "version": "v1; id", "commit": "a" * 40, "sha256": SHA}),
    ("stage", {"release": R1, "version": "--flag", "commit": "a" * 40, "sha256": SHA}),
    ("stage", {"release": R1, "version": "v1", "commit": "HEAD", "sha256": SHA}),
    ("health", {"release": R1, "path": "health"}),
    ("health", {"release": R1, "path": "/x\r\nHost: y"}),
    ("health", {"release": R1, "path": "/$(id)"}),
    ("switch", {"release": R1, "workers": "yes"}),
    ("restart", {"services": "php8.2-fpm"}),
    ("restart", {"services": ["php8.2-fpm", "ssh"]}),
    ("restart", {"services": ["--now"]}),
    ("prune", {"keep": 0, "protect": []}),
    ("prune", {"keep": 1, "protect": ["*"]}),
]
WRONG += [("begin", {**BEGIN, "verb": verb, "args": args}, "bad argument") for verb, args in JOB_ARGS]


def test_wrong_requests_are_answered_with_a_sentence_and_do_nothing(server: Server, channel: Channel) -> None:
    for verb, args, code in WRONG:
        with pytest.raises(Refusal) as refused:
            channel.ask(verb, **args)
        assert refused.value.code == code, (verb, args)
        assert len(str(refused.value)) > 10 and str(refused.value).isprintable()
    assert list((server.state / "jobs").iterdir()) == []
    assert channel.ask("survey")["fence"] == 0


def test_lines_that_are_no_requests(channel: Channel) -> None:
    deep, huge = b"[" * 100_000, b'{"id": ' + b"9" * 10_000 + b"}"
    lines = [b"x", b"[]", b"3", b"null", b"{}", b'{"id": "7"}', b'{"id": true}', b'{"id": -1}', b"\xff\xfe", deep, huge]
    for line in lines:
        channel.raw(line + b"\n")
        said = channel.next()
        assert said is not None and (said["id"], said["error"]["code"]) == (None, "bad request"), line
    for line in [b'{"id": 5}', b'{"id": 5, "verb": 3}', b'{"id": 5, "verb": "survey", "args": []}',
                 b'{"id": 5, "verb": "survey", "args": {}, "more": 1}']:  # fmt: skip
        channel.raw(line + b"\n")
        said = channel.next()
        assert said is not None and (said["id"], said["error"]["code"]) == (5, "bad request"), line
    channel.raw(b'\n\r\n{"id": 0, "verb": "survey"}\n')
    assert channel.answer(0)["current"] == ""


def test_a_line_that_is_too_long_ends_the_channel(channel: Channel) -> None:
    channel.raw(b" " * (base.LONGEST + 10))
    said = channel.next()
    assert said is not None and said["error"]["message"] == "a line is too long"
    assert channel.next() is None and channel.process.wait(10) == 65


def test_an_id_is_answered_once_at_a_time(server: Server, channel: Channel) -> None:
    lock = files.open_lock(settings.Settings(state=str(ready(server, channel))))
    assert files.try_lock(lock)
    channel.raw(b'{"id": 900, "verb": "fence", "args": {"fence": 1}}\n' * 2)
    said = channel.next()
    assert said is not None and said["id"] is None, "an error under that id would end the first"
    assert said["error"]["message"] == "request 900 is still being answered"
    os.close(lock)
    assert channel.answer(900) == {"fence": 1}


def ready(server: Server, channel: Channel) -> Path:
    channel.ask("hello", protocol=1)
    return server.state


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
VERB = st.sampled_from([*channel.VERBS]) | st.text(max_size=10)
NAMES = st.sampled_from(sorted({name for shape in channel.VERBS.values() for name in shape}))
REQUEST = st.fixed_dictionaries(
    {}, optional={"id": st.integers(-2, 50) | JSON, "verb": VERB | JSON, "args": st.dictionaries(NAMES, JSON) | JSON}
)
LINES = st.lists(REQUEST.map(lambda r: json.dumps(r).encode()) | JSON.map(lambda r: json.dumps(r).encode())
                 | st.binary(max_size=60).map(lambda b: b.replace(b"\n", b"")), max_size=30)  # fmt: skip


@pytest.fixture(scope="module")
def kept_channel() -> Iterator[Channel]:
    with tempfile.TemporaryDirectory() as top:
        server = Server(Path(top))
        yield server.channel()
        server.close()


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LINES)
def test_no_line_breaks_the_channel(kept_channel: Channel, lines: list[bytes]) -> None:
    """Whatever comes, each line that says anything is answered once, and the next honest one is answered too."""
    channel = kept_channel
    channel.raw(b"".join(line + b"\n" for line in lines) + b'{"id": 99, "verb": "hello", "args": {"protocol": 1}}\n')
    answers = []
    while not answers or answers[-1]["id"] != 99:
        answers.append(channel.next())
        assert answers[-1] is not None
    assert len(answers) == sum(bool(line.strip()) for line in lines) + 1
    assert all(set(a) in ({"id", "error"}, {"id", "result"}) for a in answers)
    assert all(a["error"]["code"] != "host error" for a in answers if "error" in a), "no fault of ours"
