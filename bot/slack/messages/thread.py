"""The thread under a card: the journal's milestones in few messages. The channel sees a failure and its end too.

A success is said in the channel by its card, which stands there with its result and how long it took.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from actions.engine.fold import Phase
from actions.engine.journal import (
    Asked,
    Done,
    Ended,
    Entry,
    Failed,
    Observed,
    Opened,
    Outcome,
    Sight,
    Started,
    Took,
    TurnedBack,
    Way,
)
from actions.engine.plan import Plan, hosts_of
from actions.engine.runner.closing import configures
from actions.engine.words import AT_ONCE, FEW, capital, took
from bot.desk.view import ChangeView
from bot.gathered import gathered
from bot.milestones import aftermath, result, why_back
from bot.slack.blocks import Block, Card, card, section
from bot.slack.cards.called import can_answer
from bot.slack.cards.forgood import no_way_back
from bot.slack.cards.lead import forward_again
from bot.slack.cards.stage import decided
from bot.slack.words import code, code_block, inline, listed, sentence
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
    for part in _parts(_ripe(entries[after:], view)):
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


def _ripe(fresh: Sequence[Entry], view: ChangeView) -> Sequence[Entry]:
    """All of it, but for a step that goes well and is not done yet on all of many servers: it is told once, at its end.

    Where anything else happens meanwhile, all is told as it stands.
    """
    for number, entry in enumerate(fresh):
        if isinstance(entry, Done) and _goes_on(entry, view):
            quiet = all(isinstance(later, Done | Started | Took) for later in fresh[number:])
            return fresh[:number] if quiet else fresh
    return fresh


def _goes_on(entry: Done, view: ChangeView) -> bool:
    hosts = hosts_of(view.change.plan.step(entry.step))
    marks = [view.run.mark(entry.step, host, entry.way) for host in hosts] if len(hosts) > FEW else []
    return any(mark is not None and mark.phase is Phase.STARTED for mark in marks)


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
    """What people who are not watching have to hear of: the turn, once a run, a question, and what is live and ill."""
    if isinstance(entry, Observed):
        return entry.sight is Sight.ILL
    return isinstance(entry, Asked) or (isinstance(entry, TurnedBack) and not entry.by)


def _middle(entries: Sequence[Entry], view: ChangeView) -> Card | None:
    lines: list[str] = []
    told: list[str] = []
    blocks: list[Block] = []
    outputs = 0
    for group in gathered(entries):
        entry = group.first
        if isinstance(entry, Opened | Took | Started) or not (said := group.said(view)):
            continue
        if isinstance(entry, TurnedBack) and not any(_fails(seen) for seen in entries):
            said = f"Turning back: {why_back(view)}"  # the failure was told before, but not to the channel
        timed = f"{said}{_time(group.entries, view)}"
        told.append(sentence(timed))
        lines.append(f"{_mark(entry)} {inline(timed, 900)}")
        if isinstance(entry, Failed) and entry.lines and not group.too and outputs < MOST_OUTPUTS:
            outputs += 1
            blocks += [_paragraph(lines), section(code_block(entry.lines[-20:]))]
            lines = []
    if entries and isinstance(entries[-1], Asked):
        lines += [who] if view.run.question and (who := can_answer(view)) else []
        blocks.insert(0, section(f"*{inline(sentence(view.title), 300)}* A person has to decide."))
    if lines:
        blocks.append(_paragraph(lines))
    return card(f"{sentence(view.title)} {' '.join(told)}", blocks) if blocks else None


def _paragraph(lines: Sequence[str]) -> Block:
    return section("\n".join(lines))


def _mark(entry: Entry) -> str:
    if isinstance(entry, Done):
        return "✓" if entry.way is Way.FORWARD else "↩"
    if isinstance(entry, Observed):
        return {Sight.WELL: "✓", Sight.ILL: "✗", Sight.UNSEEN: "•"}[entry.sight]
    return "✗" if isinstance(entry, Failed) else "•"


def _time(group: Sequence[Entry], view: ChangeView) -> str:
    """A step that took a second or more says how long, from its first beginning to its last end."""
    ends = [entry for entry in group if isinstance(entry, Done | Failed)]
    marks = [view.run.mark(entry.step, entry.host, entry.way) for entry in ends]
    starts = [mark.started for mark in marks if mark]
    time = took(min(starts), max(entry.at for entry in ends)) if starts else AT_ONCE
    return "" if time == AT_ONCE else f" ({time})"


def _if_wrong(plan: Plan) -> str:
    """What can be typed and is not refused: after a rollback the way forward, after a first deploy nothing."""
    if plan.action == "rollback":
        return forward_again(plan)
    if configures(plan):
        return f"Something wrong? {code(f'/chom config undo on {plan.environment}')}"
    return f"Something wrong? {code(f'/chom rollback on {plan.environment}')}" if plan.facts.get("replaces") else ""


def _end(ended: Ended, view: ChangeView) -> Card:
    """For people who were not watching: what is live now, how long it took, who wanted it, and what to do."""
    plan, run = view.change.plan, view.run
    why = capital(why_back(view), view.names)
    head, rest = result(view), [sentence(said) for said in (why, *aftermath(view)) if said]
    word = "Done." if ended.outcome is Outcome.DONE else "Turned back." if failed(view) else "Stopped."
    if run.opened:
        rest.append(f"It took {took(run.opened.at, ended.at)}.")
    asked = f"Asked for by {view.name(view.change.requester)}"
    if names := [view.name(a.person) for a in decided(view, Word.APPROVE)]:
        asked += f", approved by {listed(names)}"
    if ended.outcome is Outcome.DONE:
        todo = f" {no_way_back(view) or _if_wrong(plan)}".rstrip()
    else:
        todo = " The failing step and its output are in this thread." if failed(view) else ""
    text = " ".join([sentence(view.title), word, head, *rest, f"{asked}."])
    lines = [f"*{word} {inline(head, 900)}*", inline(" ".join(rest), 1500), f"{inline(asked, 400)}.{todo}"]
    return card(text, [section("\n".join(line for line in lines if line))])
