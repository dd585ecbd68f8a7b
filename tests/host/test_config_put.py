"""The way in for edits of the environment file: for their owner alone, refused without a value, never half."""

from __future__ import annotations

import hashlib
import json
import stat

import pytest

from tests.host.configs import BASE, MARKER, config_of, edits, put
from tests.host.server import Server


def test_a_look_answers_names_and_changes_nothing(live: Server) -> None:
    data = edits(("APP_NAME", "NEVER_THERE"), MAIL_HOST=MARKER, NEW_KEY=MARKER, CERT=MARKER)
    before = set(live.root.rglob("*"))
    status, answer = live.enter(f"config look {len(data)}", data)
    assert status == 0
    assert answer["result"] == {
        "config": config_of(live),
        "added": ["NEW_KEY"],
        "changed": ["CERT", "MAIL_HOST"],
        "removed": ["APP_NAME"],
    }
    assert set(live.root.rglob("*")) == before
    assert (live.www / "shared/.env").read_text() == BASE


def test_edits_lie_there_for_their_owner_alone(live: Server) -> None:
    sha256 = put(live, edits(MAIL_HOST=MARKER))
    path = live.state / "config/incoming" / sha256
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == stat.S_IMODE((live.state / "config").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "data",
    [
        b"not JSON " + MARKER.encode(),
        edits(**{"A B": MARKER}),
        edits(A=f"two {MARKER}"),
        edits(A=f'"{MARKER}'),
        edits(A=f"x\nB={MARKER}"),
        edits(("A",), A=MARKER),
        json.dumps({"salt": "", "set": {"A": 1}, "unset": []}).encode(),
        json.dumps([MARKER]).encode(),
    ],
)
def test_what_is_refused_says_no_value(live: Server, data: bytes) -> None:
    for asked in (f"config look {len(data)}", f"config put {hashlib.sha256(data).hexdigest()} {len(data)}"):
        status, answer = live.enter(asked, data)
        assert (status, answer["error"]["code"]) == (1, "bad argument")
        assert MARKER not in json.dumps(answer) + live.log("chom-host")


def test_edits_that_are_cut_off_or_other_than_announced(live: Server) -> None:
    data = edits(A="1")
    sha256 = hashlib.sha256(data).hexdigest()
    assert live.enter(f"config put {sha256} {len(data) + 1}", data)[1]["error"]["code"] == "wrong size"
    assert live.enter(f"config put {'0' * 64} {len(data)}", data)[1]["error"]["code"] == "wrong checksum"
    assert live.enter("config put " + "0" * 64 + " 9000000", b"")[1]["error"]["code"] == "too large"
    assert live.enter("config get", b"")[0] == 77, "no value ever comes back"
    assert not (live.state / "config/incoming").exists()
