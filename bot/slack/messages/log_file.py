"""The file with a failed run's log: what it holds, what it is called, and what its thread says of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from actions.engine.fold import Mark, Phase
from actions.engine.journal import Entry, Failed, Started, TurnedBack, Way
from actions.engine.nouns import label
from actions.engine.ports import JobLog, RunRecord
from actions.engine.words import FEW, joined, took
from bot.desk.view import ChangeView
from bot.slack.blocks import Card, card, section
from bot.slack.words import code, inline, listed, raw

MOST = 1 << 20
"""Bytes of the file; of a longer log its end."""

Piece = tuple[str, str]
"""(step, host): the job that did that step there."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A piece that its server does not give, and why, in words."""

    why: str


def file_name(view: ChangeView) -> str:
    """As the file is called on the servers too: "deployment_20261123_222151.log"."""
    assert view.run.opened is not None
    return f"{RunRecord(view.change.id, view.change.plan, view.run.opened.at).log}.log"


def pieces_of(entries: Sequence[Entry]) -> list[Piece]:
    """What the run had done on the servers when it turned back, in that order; of many servers on those that failed."""
    pieces = dict.fromkeys((entry.step, entry.host) for entry in _forward(entries) if entry.host)
    shown = _shown(entries)
    return [piece for piece in pieces if piece[1] in shown]


def _shown(entries: Sequence[Entry]) -> tuple[str, ...]:
    """The servers whose log the file holds: `FEW` where there are more, the failed ones first."""
    hosts = dict.fromkeys(entry.host for entry in _forward(entries) if entry.host)
    failed = (e.host for e in entries if isinstance(e, Failed) and e.way is Way.FORWARD and e.host in hosts)
    return tuple(hosts) if len(hosts) <= FEW else tuple(dict.fromkeys([*failed, *hosts]))[:FEW]


def _forward(entries: Sequence[Entry]) -> Iterator[Started]:
    for entry in entries:
        if isinstance(entry, TurnedBack):
            return
        if isinstance(entry, Started) and entry.way is Way.FORWARD:
            yield entry


def log_lines(
    view: ChangeView, entries: Sequence[Entry], pieces: Mapping[Piece, JobLog | Unread | None]
) -> Iterator[str]:
    """The log from the start to the failure, as it was written on the servers. Nothing is struck out yet."""
    run, plan = view.run, view.change.plan
    assert run.opened is not None and run.turned is not None
    yield plan.title
    yield f"Started {run.opened.at:%Y-%m-%d %H:%M:%S}, turned back {run.turned.at:%H:%M:%S}: {run.turned.why}"
    shown, seen, of = _shown(entries), set[Piece](), len(view.change.plan.hosts)
    part = f" Of {of} servers this is what {joined(shown)} wrote; the others have theirs in /var/log/chom."
    yield f"All times are UTC. Change {view.change.id}.{part if of > FEW else ''}"
    for entry in _forward(entries):
        piece = entry.step, entry.host
        if piece in seen or (entry.host and entry.host not in shown):
            continue
        seen.add(piece)
        yield ""
        yield f"== {entry.at:%H:%M:%S} {label(plan.step(entry.step))}{f' on {entry.host}' if entry.host else ''}"
        match pieces.get(piece):
            case JobLog() as log:
                if log.left_off:
                    yield f"({log.left_off} lines before these were left off)"
                yield from (raw(line) for line in log.lines)
            case Unread() as unread:
                yield f"(what was written there could not be read: {unread.why})"
            case None:
                pass
        yield _outcome(run.mark(*piece, Way.FORWARD))


def _outcome(mark: Mark | None) -> str:
    if mark is None or mark.ended is None:
        return "-- not ended"
    word = "failed" if mark.phase is Phase.FAILED else "done"
    return f"-- {word} after {took(mark.started, mark.ended)}{f': {mark.summary}' if mark.summary else ''}"


def struck(lines: Iterable[str], redact: Callable[[str], str]) -> Iterator[str]:
    """The lines without secrets, one by one; a private key, which is longer than a line, is one secret."""
    key: list[str] = []
    for line in lines:
        if key or ("-----BEGIN" in line and "PRIVATE KEY-----" in line):
            key.append(line)
            if "-----END" not in line and len(key) < 200:
                continue
            yield from redact("\n".join(key)).split("\n")
            key = []
        else:
            yield redact(line)
    if key:
        yield from redact("\n".join(key)).split("\n")


def fitted(lines: Sequence[str], most: int = MOST) -> bytes:
    """The file: all of it, or its head and as much of its end as there is room for, and that it was cut."""
    data = "\n".join([*lines, ""]).encode()
    if len(data) <= most:
        return data
    head, room, end = list(lines[:3]), most - 1000, list[str]()
    for line in reversed(lines[3:]):
        room -= len(line.encode()) + 1
        if room < 0:
            break
        end.append(line)
    cut = f"({len(lines) - 3 - len(end)} lines are left off here: this file holds the last {most >> 10} KiB)"
    return "\n".join([*head, "", cut, *reversed(end), ""]).encode()


# --- what the thread says ----------------------------------------------------


def comment(missing: Sequence[str]) -> str:
    """Beside the file."""
    lacks = f" What {listed(missing)} wrote is missing: no answer from there." if missing else ""
    return inline(f"The whole log, from the start to the failure.{lacks}", 500)


def follows(hosts: Sequence[str]) -> Card:
    """Where servers do not answer now."""
    said = f"The whole log follows when {listed(hosts)} {'answers' if len(hosts) == 1 else 'answer'} again."
    return card(said, [section(inline(said, 500))])


def given_up(view: ChangeView, why: str) -> Card:
    """Where there will be no file."""
    name = file_name(view)
    said = f"The whole log cannot be attached: {why.rstrip('.')}."
    return card(
        f"{said} On the servers it is called {name}.",
        [section(f"{inline(said, 500)} On the servers it is called {code(name)}.")],
    )
