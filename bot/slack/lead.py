"""The first thing a card says: what is going on, what happens next, and who has to act."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from actions.engine.fold import Phase
from actions.engine.journal import Way
from actions.engine.plan import hosts_of
from bot.slack.stage import Stage, current_step, decided, marks_of, since, stage_of
from bot.slack.steps import names
from bot.slack.words import at, capital, code, cut, inline, listed, sentence, took, utc
from bot.view import ChangeView
from policies.change import Person, Waiting, Word


@dataclass(frozen=True, slots=True)
class Lead:
    """`head` and `quote` are raw words, `next` is mrkdwn made here, `sentence` is plain and says it all."""

    head: str
    next: str
    sentence: str
    quote: str = ""


def lead_of(view: ChangeView) -> Lead:
    """The lead of the stage that the change is in."""
    stage = stage_of(view)
    match stage:
        case Stage.WAITING:
            return _waiting(view)
        case Stage.BLOCKED:
            return Lead("It cannot start now.", "Nothing has been started.", view.verdict.said, view.verdict.said)
        case Stage.ALLOWED:
            next_ = "The servers are looked at once more. If it has not started in 10 seconds, press Start now."
            return Lead("Approved; about to start.", next_, f"It is approved and about to start. {next_}")
        case Stage.REJECTED | Stage.EXPIRED | Stage.VOID | Stage.STRATEGY:
            return _refused(view, stage)
        case Stage.STARTING:
            return Lead("Starting.", f"{_go(view)} Nobody has to do anything.", "It is starting.")
        case Stage.RUNNING | Stage.STOPPING | Stage.TURNING_BACK:
            return _moving(view, stage)
        case Stage.HOST_AWAY:
            return _host_away(view)
        case Stage.ASKED:
            return _asked(view)
        case Stage.DONE | Stage.TURNED_BACK:
            return _ended(view, stage)
        case _:
            assert_never(stage)


def _waiting(view: ChangeView) -> Lead:
    said = sentence(view.verdict.said)
    who = approvers(view)
    asked = f" Asked by {view.name(view.change.requester)}{_reason(view)}"
    can = (
        f"{listed([_mention(p) for p in who], 6)} can approve or reject it."
        if who
        else "Nobody in chom.toml can approve it."
    )
    head = "Approval needed; nothing has been started."
    return Lead(head, f"{inline(said)}\n{can}", f"{said} Nothing has been started.{asked}")


def _reason(view: ChangeView) -> str:
    return sentence(f", because: {cut(view.change.reason, 300)}") if view.change.reason else "."


def approvers(view: ChangeView) -> list[Person]:
    """People who could give an approval that is still missing; never the requester, nobody twice."""
    if not isinstance(view.verdict, Waiting):
        return []
    missing = {need.role for need in view.verdict.missing}
    spoken = {view.change.requester, *(a.person for a in decided(view, Word.APPROVE))}
    return [p for p in view.people.values() if p.id not in spoken and p.roles & missing]


def _mention(person: Person) -> str:
    """A person by their Slack account, so that they are told; by name where they have none."""
    return f"<@{person.accounts[0].user}>" if person.accounts else inline(person.name, 80)


def _refused(view: ChangeView, stage: Stage) -> Lead:
    again = f"To ask again: {code('/chom ' + view.change.text, 200)}"
    said = sentence(view.verdict.said)
    if stage is Stage.REJECTED and (rejected := decided(view, Word.REJECT)):
        who = f"Rejected by {view.name(rejected[-1].person)}"
        when = f"It was at {at(rejected[-1].at)}. Nothing was started. {again}"
        why = f" The reason: {sentence(rejected[-1].reason)}" if rejected[-1].reason else ""
        told = f"{who} at {utc(rejected[-1].at)}.{why} Nothing was started."
        return Lead(f"{who}.", when, told, rejected[-1].reason)
    head = {Stage.EXPIRED: "Lapsed.", Stage.VOID: "No longer valid.", Stage.STRATEGY: "Not allowed."}
    nothing = "" if "othing was started" in said else " Nothing was started."
    return Lead(head.get(stage, "Withdrawn."), f"{nothing} {again}".strip(), f"{said}{nothing}", said)


def _go(view: ChangeView) -> str:
    """Who made it start, as mrkdwn."""
    opened = view.run.opened
    return f"Set going by {inline(view.name(opened.by), 80)} at {at(opened.at)}." if opened else ""


def _moving(view: ChangeView, stage: Stage) -> Lead:
    place, total = current_step(view), len(view.change.plan.steps)
    back = stage is Stage.TURNING_BACK
    number, step = place if place else (1, view.change.plan.steps[0])
    marks = marks_of(view.run, step, Way.BACK if back else Way.FORWARD)
    busy = [host for host, mark in marks.items() if host and mark.phase is Phase.STARTED]
    where = f" on {names(busy)}" if busy and len(busy) < len(hosts_of(step)) else ""
    begun = since(marks)
    start = f", since {at(begun)}" if begun else ""
    line = f"Step {number} of {total}: {inline(step.title.rstrip('.'), 200)}{where}{start}."
    told = f"Step {number} of {total}: {sentence(step.title)}"
    match stage:
        case Stage.STOPPING:
            by = view.name(view.run.stop.by) if view.run.stop else ""
            next_ = f"{line} When this step has ended, everything that can be undone is undone."
            return Lead(f"Stopping, as {by} asked.", next_, f"{by} asked to stop it. {told}")
        case Stage.TURNING_BACK:
            why = _why_back(view)
            told = f"It is turning back. {why}"
            return Lead("Turning back.", f"{line} Nobody has to do anything.", told, why)
        case _:
            return Lead("Running.", f"{line} Nobody has to do anything.", f"It is running. {told}")


def _why_back(view: ChangeView) -> str:
    turned = view.run.turned
    if turned is None:
        return ""
    return sentence(f"{view.name(turned.by)} stopped it: {turned.why}" if turned.by else f"Why: {turned.why}")


def _host_away(view: ChangeView) -> Lead:
    run = view.run
    away = list(run.waiting.values())
    hosts = listed([w.host for w in away])
    head = f"{'Turning back, and waiting' if run.way is Way.BACK else 'Waiting'} for {hosts}."
    lines = [f"No answer from {code(w.host)} since {at(w.at)}: {inline(sentence(w.why), 300)}" for w in away[:8]]
    todo = "Somebody should look at that server; the run goes on by itself when it answers."
    locked = f"Until then {inline(view.change.environment, 60)} is reserved for this run."
    told = f"{head} {capital(sentence(away[0].why))} {todo}"
    return Lead(head, "\n".join(["", *lines, f"{todo} {locked}"]).strip(), told)


def _asked(view: ChangeView) -> Lead:
    asked = view.run.question
    assert asked is not None
    told = f"A person has to decide: {sentence(asked.question)} The answers are: {listed(asked.choices)}."
    return Lead("A person has to decide.", f"Asked at {at(asked.at)}; the run waits.", told, asked.question)


def _ended(view: ChangeView, stage: Stage) -> Lead:
    ended, opened, plan = view.run.ended, view.run.opened, view.change.plan
    assert ended is not None
    time = f" It took {took(opened.at, ended.at)}." if opened and " took " not in ended.summary else ""
    said = f"{capital(sentence(ended.summary))}{time}"
    if stage is Stage.DONE:
        todo = f"Ended at {at(ended.at)}. Look at {inline(plan.environment, 60)}; if something is wrong, roll back."
        return Lead(f"Done. {said}", todo, f"Done. {said}")
    asked = view.run.turned is not None and bool(view.run.turned.by)
    then = "" if asked else " The output is in the thread. Find the cause, then ask again."
    todo = f"Ended at {at(ended.at)}.{then}"
    why = _why_back(view)
    both = said if view.run.turned and view.run.turned.why in said else f"{said} {why}".strip()
    return Lead(f"Turned back. {both}", todo, f"Turned back. {both}")
