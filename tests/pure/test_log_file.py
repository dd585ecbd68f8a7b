"""What the file of a failed run's log holds: in order, without secrets, not too long, and the cut is said."""

from __future__ import annotations

from actions.engine.ports import JobLog
from bot.redact import redactor
from bot.slack.messages.log_file import MOST, Unread, comment, file_name, fitted, given_up, log_lines, pieces_of, struck
from tests.slack.changes import HOSTS, yes
from tests.slack.check import check
from tests.slack.journals import TURNED
from tests.slack.views import GO, view

SEEN = view(GO, yes(), entries=TURNED)
KEY = [
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    "b3BlbnNzaC1rZXktdjEAAAAA",
    "QyNTUxOQAAACB",
    "-----END OPENSSH PRIVATE KEY-----",
]


def test_only_what_was_done_before_the_turn_is_asked_for_each_once() -> None:
    found = pieces_of(TURNED)
    assert found[:2] == [("stage", "app1"), ("stage", "app2")] and found[-1] == ("health", "app2")
    assert len(found) == len(set(found)) and set(HOSTS) == {host for _, host in found}


def test_it_reads_from_the_start_to_the_failure() -> None:
    pieces = {
        ("stage", "app1"): JobLog(("a", "b"), 12),
        ("stage", "app2"): Unread("app2 does not answer: ssh"),
        ("migrate", "app1"): None,
        ("health", "app1"): JobLog(("HTTP 500",)),
        ("health", "app2"): JobLog(()),
    }
    text = "\n".join(log_lines(SEEN, TURNED, pieces))
    assert text.splitlines()[0] == SEEN.change.plan.title
    assert "(12 lines before these were left off)\na\nb\n" in text
    assert "could not be read: app2 does not answer" in text
    assert text.index("HTTP 500\n-- failed after 1 s: /health of v1.2 answers HTTP 500") > text.index("Copy on app2")
    assert "removed" not in text, "what was undone comes after the failure"


def test_what_hides_or_turns_other_lines_is_not_written() -> None:
    hostile = JobLog(("\x1b[2J\x1b[Hgone", "abc\u202edef", "a\tb\r", "\x00\u200b"))
    text = "\n".join(log_lines(SEEN, TURNED, {("stage", "app1"): hostile}))
    assert not any(ord(c) < 32 and c not in "\n\t" for c in text) and "\u202e" not in text and "a\tb\n" in text


def test_secrets_are_struck_line_by_line_and_a_key_as_a_whole() -> None:
    redact = redactor(["correct-horse-battery"])
    lines = ["before", *KEY, "TOKEN=abcdefgh", "say correct-horse-battery", "after"]
    made = list(struck(lines, redact))
    assert made[0] == "before" and made[-1] == "after"
    text = "\n".join(made)
    assert "b3Blbn" not in text and "QyNTUx" not in text and "abcdefgh" not in text and "correct-horse" not in text


def test_a_key_that_never_ends_takes_no_more_than_it_must() -> None:
    made = list(struck([KEY[0], *(f"secret line {n}" for n in range(3))], redactor([])))
    assert "secret line" not in "\n".join(made)
    many = list(struck([KEY[0], *(f"line {n}" for n in range(1000))], redactor([])))
    assert "line 999" in many and "line 3" not in many


def test_a_short_log_is_whole_and_of_a_long_one_the_end_is_kept_and_the_cut_said() -> None:
    head = ["title", "started", "utc"]
    assert fitted([*head, "", "one"]) == b"title\nstarted\nutc\n\none\n"
    long = [*head, *(f"line {n} " + "ä" * 100 for n in range(20_000))]
    data = fitted(long)
    text = data.decode()
    assert MOST - 2000 < len(data) <= MOST
    assert text.startswith("title\nstarted\nutc\n\n(") and text.endswith("line 19999 " + "ä" * 100 + "\n")
    kept = text.count("\nline ")
    assert f"({20_000 - kept} lines are left off here: this file holds the last 1024 KiB)" in text


def test_its_name_is_the_servers_and_what_is_said_of_it_is_a_message() -> None:
    assert file_name(SEEN) == "deployment_20261123_140252.log"
    check(given_up(SEEN, "app1 does not answer: ssh."))
    assert "<!channel>" not in comment(["<!channel>"]) and "missing" in comment(["app2"])
