"""The thread under a card: the journal's milestones in few messages. The channel sees a failure and its end too.

A success is said in the channel by its card, which stands there with its result and how long it took.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from actions.engine.journal import Asked, Done, Ended, Entry, Failed, Opened, Outcome, Started, Took, TurnedBack, Way
from bot.milestones import milestone
from bot.slack.blocks import Block, Card, card, section
from bot.slack.stage import decided
from bot.slack.words import INSTANT, code, code_block, inline, listed, sentence, took
from bot.view import ChangeView
from policies.change import Word

MOST_OUTPUTS = 4
"""Failures in one message whose output is shown; the rest is in the host's log, which is named."""


@dataclass(frozen=True, slots=True)
class Said:
    """A message of the thread that speaks of the journal up to entry number `upto`."""

    upto: int
    card: Card
    broadcast: bool = False
    """Whether the channel sees it too."""
    urgent: bool = False
    """Whether people wait for it: a failure, a question, the end."""


def thread(entries: Sequence[Entry], after: int, view: ChangeView) -> list[Said]:
    """What is to be said of the entries numbered above `after`, a message for each of `_parts`.

    [] where nobody needs to read any of them.
    """
    messages: list[Said] = []
    upto = after
    for part in _parts(entries[after:]):
        upto += len(part)
        last = part[-1] if part else None
        if isinstance(last, Ended):
            messages.append(Said(upto, _end(last, view), failed(view), urgent=True))
        elif told := _middle(part, view):
            alarming = last is not None and _alarms(last)
            messages.append(Said(upto, told, alarming, alarming))
    return messages


def failed(view: ChangeView) -> bool:
    """Whether the run turned back by itself: not because somebody pressed Stop."""
    return view.run.turned is not None and not view.run.turned.by


def _parts(fresh: Sequence[Entry]) -> Iterator[list[Entry]]:
    """What goes on quietly, a failure up to the turn or the question that follows from it, and the end."""
    quiet: list[Entry] = []
    for entry in fresh:
        if isinstance(entry, Ended):
            yield quiet
            yield [entry]
            quiet = []
        elif _alarms(entry):
            first = next((n for n, seen in enumerate(quiet) if _fails(seen)), len(quiet))
            yield quiet[:first]
            yield [*quiet[first:], entry]
            quiet = []
        else:
            quiet.append(entry)
    yield quiet


def _fails(entry: Entry) -> bool:
    return isinstance(entry, Failed) and entry.way is Way.FORWARD


def _alarms(entry: Entry) -> bool:
    """What people who are not watching have to hear of: the turn, once a run, and a question that waits for them."""
    return isinstance(entry, Asked) or (isinstance(entry, TurnedBack) and not entry.by)


def _middle(entries: Sequence[Entry], view: ChangeView) -> Card | None:
    lines: list[str] = []
    blocks: list[Block] = []
    outputs = 0
    for entry in entries:
        if isinstance(entry, Opened | Took | Started):
            continue
        if not (said := milestone(entry, view)):
            continue
        lines.append(f"{_mark(entry)} {inline(_timed(said, entry, view), 900)}")
        if isinstance(entry, Failed) and entry.lines and outputs < MOST_OUTPUTS:
            outputs += 1
            blocks += [_paragraph(lines), section(code_block(entry.lines[-20:]))]
            lines = []
    if lines:
        blocks.append(_paragraph(lines))
    if not blocks:
        return None
    said = [milestone(entry, view) for entry in entries if not isinstance(entry, Opened | Took | Started)]
    return card(" ".join(sentence(line) for line in said if line), blocks)


def _paragraph(lines: Sequence[str]) -> Block:
    return section("\n".join(lines))


def _mark(entry: Entry) -> str:
    return "✓" if isinstance(entry, Done) else "✗" if isinstance(entry, Failed) else "•"


def _timed(said: str, entry: Entry, view: ChangeView) -> str:
    """A step that took a second or more says how long."""
    if not isinstance(entry, Done | Failed):
        return said
    mark = view.run.mark(entry.step, entry.host, entry.way)
    time = took(mark.started, entry.at) if mark else INSTANT
    return said if time == INSTANT else f"{said.rstrip('.')} ({time})."


def _end(ended: Ended, view: ChangeView) -> Card:
    """For people who were not watching: what is live now, how long it took, who wanted it, and what to do."""
    plan, run, change = view.change.plan, view.run, view.change
    time = took(run.opened.at, ended.at) if run.opened else ""
    summary = sentence(ended.summary)
    if time and " took " not in ended.summary:
        summary += f" It took {time}."
    asked = f"Asked for by {view.name(change.requester)}"
    if names := [view.name(a.person) for a in decided(view, Word.APPROVE)]:
        asked += f", approved by {listed(names)}"
    if ended.outcome is Outcome.DONE:
        head, todo = "Done", f"Something wrong? {code(f'/chom rollback on {plan.environment}')}"
        text = f"{plan.title} is done. {summary} {asked}."
    else:
        head, todo = "Turned back", "The failing step and its output are in this thread."
        if run.turned and run.turned.by:
            head, todo = "Stopped", ""
        text = f"{plan.title} was turned back. {summary} {asked}."
    return card(text, [section(f"*{head}: {inline(plan.title, 150)}*\n{inline(summary)}\n{inline(asked)}. {todo}")])
