"""Secrets never reach Slack, a log or the store."""

from __future__ import annotations

import logging

import pytest

from bot.redact import STRUCK, RedactingFormatter, redactor


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("token xoxb-12-abcDEF", "xoxb-12-abcDEF"),
        ("APP_KEY=base64:" + "a" * 44, "a" * 44),
        ("redis://:hunter22@10.0.0.1:6379", "hunter22"),
        ("mysql://chom:hunter22@db/chom", "hunter22"),
        ("DB_PASSWORD=hunter22", "hunter22"),
        ('{"db_password": "hunter 22"}', "hunter 22"),
        ("Authorization: Bearer abcdefghijklmnop", "abcdefghijklmnop"),
        ("AKIAABCDEFGHIJKLMNOP", "AKIAABCDEFGHIJKLMNOP"),
        ("the known-value here", "known-value"),
    ],
)
def test_what_looks_like_a_secret_is_struck_out(text: str, secret: str) -> None:
    shown = redactor(["known-value"])(text)
    assert secret not in shown
    assert STRUCK in shown


@pytest.mark.parametrize("text", ["Migrated: 2026_01_01_create_tokens (12 ms)", "https://a.b/c?x=1", "app1: HTTP 500"])
def test_the_rest_is_left_alone(text: str) -> None:
    assert redactor(["known-value"])(text) == text


def test_a_traceback_in_the_log_is_redacted_too() -> None:
    try:
        raise ValueError("cannot reach redis://:hunter22@h")
    except ValueError as error:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "failed", None, (ValueError, error, error.__traceback__))
    assert "hunter22" not in RedactingFormatter(redactor([])).format(record)
