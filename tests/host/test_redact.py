"""What a command prints is never where a secret gets out."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.host.chom_host import base, redaction
from tests.host.server import Channel, Server

R1 = "20261121_100000"


@pytest.mark.parametrize(
    "line",
    [
        "APP_KEY=base64:U0VDUkVU",
        "DB_PASSWORD=SECRET",
        "  db_password: SECRET,",
        "'password' => 'SECRET'",
        '{"api_token": "SECRET"}',
        "AWS_SECRET_ACCESS_KEY = SECRET",
        "Authorization: Bearer SECRET",
        "authorization: basic SECRET",
        "SENTRY_LARAVEL_DSN=https://SECRET@sentry.example.com/1",
        "mysql://chom:SECRET@localhost/chom",
        "redis://:SECRET@127.0.0.1:6379",
        "connecting to https://x:SE/CR@ET@host",
        "xoxb-SECRET0123456789",
        "ghp_SECRETSECRETSECRET",
        "eyJhbGciSECRET.eyJzdWIiOiSECRET.SECRETSECRET",
        "key AKIASECRETSECRET12",
        "sk_live_SECRET0123456789",
    ],
)
def test_what_looks_like_a_secret(line: str) -> None:
    said = redaction.redact(line)
    assert "SECRET" not in said.replace("AWS_SECRET_ACCESS_KEY", "").replace("SE/CR", "SECRET")
    assert "[redacted]" in said


@pytest.mark.parametrize(
    "line",
    [
        "Migrated:  2025_01_01_000000_create_password_resets (1.2ms)",
        "Configuration cached successfully!",
        "see https://chom.example.com/health and http://localhost:8080/x",
        "sha256 0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "10:22:33 INFO 3 tokens were counted",
    ],
)
def test_what_does_not_is_left_as_it_is(line: str) -> None:
    assert redaction.redact(line) == line


@given(st.text(alphabet="ax.:-=/@ \"'é\x1b[", max_size=base.LINE))
def test_redaction_is_quick_whatever_is_printed(text: str) -> None:
    began = time.perf_counter()
    said = redaction.redact(text)
    assert time.perf_counter() - began < 2
    assert "\x1b" not in said


@pytest.mark.parametrize("text", ["a-" * 2048, "password" * 512, "://" * 1365, "a:" * 2048, '"' * 4096, "eyJ." * 1024])
def test_redaction_of_a_line_made_to_be_slow(text: str) -> None:
    began = time.perf_counter()
    redaction.redact(text)
    assert time.perf_counter() - began < 1


def test_values_of_the_env_file_appear_nowhere(server: Server, channel: Channel) -> None:
    channel.run("run/stage/forward", "stage", server.stage_args(R1, "v1.0"))
    server.artisan(
        "migrate", 'print("Access denied, tried: correct horse"); print("\\x1b[31mchom\\x1b[0m"); sys.exit(1)'
    )
    lines: list[str] = []
    channel.begin("run/migrate/forward", "migrate", {"release": R1})
    state = channel.follow("run/migrate/forward", lines)
    assert lines == state["lines"] == ["Access denied, tried: [redacted]", "chom"]
    assert "correct horse" not in server.log() + json.dumps(state)
    left = [path for path in server.state.rglob("*") if path.is_file() and b"correct horse" in path.read_bytes()]
    assert left == [], "what the command printed is not kept unredacted"
