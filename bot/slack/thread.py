"""The thread under a card: the journal's milestones in few messages, and the end, which the channel sees too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from actions.engine.journal import Done, Ended, Entry, Failed, Opened, Outcome, Started, Took
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
    broadcast: bool
    """Whether the channel sees it too."""


def thread(entries: Sequence[Entry], after: int, view: ChangeView) -> list[Said]:
    """What is to be said of the entries numbered above `after`: their milestones in one message, and the end in one.

    [] where nobody needs to read any of them.
    """
    messages: list[Said] = []
    fresh = entries[after:]
    middle = [entry for entry in fresh if not isinstance(entry, Ended)]
    if (told := _middle(middle, view)) is not None:
        messages.append(Said(after + len(middle), told, broadcast=False))
    if fresh and isinstance(fresh[-1], Ended):
        messages.append(Said(len(entries), _end(fresh[-1], view), broadcast=True))
    return messages


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
