"""The first thing a card says: what is going on, what happens next, and who has to act."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from actions.engine.journal import Way
from actions.engine.plan import Plan
from actions.engine.runner.closing import configures
from actions.engine.words import FEW, capital, counted, named, took
from bot.desk.view import ChangeView
from bot.milestones import aftermath, result, why_back
from bot.slack.cards.called import answerers, approvers, can_answer, mention, mentions
from bot.slack.cards.canary import shares
from bot.slack.cards.forgood import no_way_back
from bot.slack.cards.gated import is_ill, since_live, without_gates
from bot.slack.cards.progress import pace, step_line
from bot.slack.cards.stage import Stage, decided, stage_of
from bot.slack.spoken import in_slack, spoken
from bot.slack.words import about, at, code, cut, day, inline, listed, sentence, timed, utc
from policies.change import Verdict, Waiting, WhenReady, Word
from policies.sentences import approved_by, role, waiting_for

NOBODY = "Nobody has to do anything."
_OVER = {
    Stage.WITHDRAWN: "Withdrawn.",
    Stage.EXPIRED: "Lapsed.",
    Stage.VOID: "No longer valid.",
    Stage.STRATEGY: "Not allowed.",
}


@dataclass(frozen=True, slots=True)
class Lead:
    """`head` and `quote` are raw words, `next` is mrkdwn made here, `sentence` is plain and says it all."""

    head: str
    next: str
    sentence: str
    quote: str = ""


def lead_of(view: ChangeView, *, newest: bool = True) -> Lead:
    """The lead of the stage that the change is in; `newest` is False where a later run has changed what is served."""
    stage = stage_of(view)
    match stage:
        case Stage.WAITING:
            return _waiting(view)
        case Stage.BLOCKED:
            said = sentence(view.verdict.said)
            return Lead("It cannot start now.", timed(said), f"It cannot start now. {said}")
        case Stage.ALLOWED:
            return _allowed(view)
        case Stage.REJECTED | Stage.WITHDRAWN | Stage.EXPIRED | Stage.VOID | Stage.STRATEGY:
            return _refused(view, stage)
        case Stage.STARTING:
            return Lead("Starting.", f"{_go(view)} {NOBODY}", f"It is starting. {NOBODY}")
        case Stage.RUNNING | Stage.STOPPING | Stage.TURNING_BACK:
            return _moving(view, stage)
        case Stage.HOST_AWAY:
            return _host_away(view)
        case Stage.ASKED:
            return _asked(view)
        case Stage.DONE | Stage.TURNED_BACK:
            return _ended(view, stage, newest)
        case _:
            assert_never(stage)


def asked_by(view: ChangeView) -> str:
    """Who wants it, since when and why, as mrkdwn."""
    change = view.change
    why = f": “{inline(change.reason, 600)}”" if change.reason else "."
    alarm = f"\n*{inline(view.alarm, 1200)}*" if view.alarm else ""
    return f"Asked by *{inline(view.name(change.requester), 100)}* {day(change.at)}{why}{alarm}"


# --- before it starts --------------------------------------------------------


def _waiting(view: ChangeView) -> Lead:
    verdict, who = view.verdict, approvers(view)
    assert isinstance(verdict, Waiting)
    needs = listed([role(need) for need in verdict.missing])
    rest = _beside_the_approvers(view, verdict)
    head = f"Approval needed from {needs}." if needs and who else "Approval needed."
    if not verdict.missing:
        head = "Approved; it waits for evidence." if view.change.requirement.needs else "It waits for evidence."
    can = f"{mentions(who)} can approve or reject it{_then(view, verdict)}." if who else ""
    names = f"{head.rstrip('.')}: {listed([person.name for person in who], 6)}." if who else head
    can = can or _when_ready(view)
    beside = spoken(without_gates(view, rest))
    next_ = "\n".join(line for line in (f"Nothing has been started. {can}".strip(), beside) if line)
    asked = f"Asked by {view.name(view.change.requester)}{_reason(view)}"
    return Lead(
        head, next_, " ".join(part for part in (names, in_slack(rest), "Nothing has been started.", asked) if part)
    )


def _when_ready(view: ChangeView) -> str:
    """What happens when the last evidence is there, where nobody has to approve it any more."""
    if isinstance(view.verdict, Waiting) and view.verdict.missing:
        return ""
    if view.change.requirement.when_ready is WhenReady.ASK:
        return "When all of it is there, it is started with Start now."
    return "It starts by itself when all of it is there."


def is_last(verdict: Verdict) -> bool:
    """Whether one approval more is all that is missing."""
    return isinstance(verdict, Waiting) and sum(n.count for n in verdict.missing) == 1 and not verdict.evidence


def _then(view: ChangeView, verdict: Waiting) -> str:
    usual = f" and usually takes {about(view.usual.total)}" if view.usual.total else ""
    return f"; once approved it starts at once{usual}" if is_last(verdict) else ""


def _beside_the_approvers(view: ChangeView, verdict: Waiting) -> str:
    """What the verdict says but for who is waited for, who has approved and why: the card says those in its own way."""
    counted = {*view.change.barred, *verdict.approvers}
    asked, done = waiting_for(verdict.missing, view.people, counted), approved_by(verdict.approvers, view.people)
    said = verdict.said.removeprefix(asked) if verdict.missing else verdict.said
    for told in (done, view.kind):
        said = said.replace(told, "") if told else said
    return " ".join(said.split())


def _allowed(view: ChangeView) -> Lead:
    ready = "Approved" if view.change.requirement.needs else "No approval needed"
    if view.behind:
        place = view.change.environment
        head = f"{ready}; waits until “{cut(view.behind.partition(' (')[0], 150)}” has ended."
        told = f"Then press Start now. If {place} serves another version by then, this request ends by itself."
        return Lead(head, inline(told), f"{head} {told}")
    if asks_for_start(view):
        return _asks(view)
    head = f"{ready}; {'not started' if view.held else 'about to start'}."
    next_ = "Press Start now: the servers are looked at once more, and it starts."
    if not view.held:
        next_ = "The servers are looked at once more. If it has not started in 10 seconds, press Start now."
    return Lead(head, next_, f"{head} {next_}")


def asks_for_start(view: ChangeView) -> bool:
    """Whether all evidence is there, and somebody has to press Start now."""
    asks = view.change.requirement.when_ready is WhenReady.ASK
    return asks and view.held and not view.behind and bool(view.gates)


def _asks(view: ChangeView) -> Lead:
    """To the last approver: what it waited for is there."""
    last = next((view.people.get(said.person) for said in reversed(decided(view, Word.APPROVE))), None)
    head = "Approved, and all evidence is there; not started."
    next_ = "press Start now: the servers are looked at once more, and it starts."
    shown = f"{mention(last)}, {next_}" if last else capital(next_)
    return Lead(head, shown, f"{head} {f'{last.name}, {next_}' if last else capital(next_)}")


def _reason(view: ChangeView) -> str:
    return sentence(f", because: {cut(view.change.reason, 300)}") if view.change.reason else "."


def ask_again(view: ChangeView) -> str:
    """The command to copy, as mrkdwn; or that somebody has done it."""
    if view.again:
        return f"It was asked for again: {code(view.again)}"
    return f"To ask again: {code('/chom ' + view.change.text, 700)}"


def forward_again(plan: Plan) -> str:
    """What undoes a rollback, as mrkdwn; "" for another plan, and where no one version was left.

    It cannot be another step back, which there may not be.
    """
    old = str(plan.facts.get("replaces", ""))
    if plan.action != "rollback" or not old or " " in old or old == plan.version:
        return ""
    return f"To go to {inline(old, 60)} again: {code(f'/chom rollback to {old} on {plan.environment}')}"


def _refused(view: ChangeView, stage: Stage) -> Lead:
    said = sentence(view.verdict.said)
    if stage is Stage.REJECTED and (rejected := decided(view, Word.REJECT)):
        one = rejected[-1]
        who = f"Rejected by {view.name(one.person)}"
        why = f": “{inline(one.reason, 600)}”" if one.reason else "."
        told = f"{who} at {utc(one.at)}.{f' The reason: {sentence(one.reason)}' if one.reason else ''}"
        next_ = f"{day(one.at)}{why}\nNothing was started. {ask_again(view)}"
        return Lead(who, next_, f"{told} Nothing was started.")
    head = _OVER.get(stage, "Rejected.")
    told = any(part in said for part in ("othing was started", "before it started", "started within"))
    nothing = "" if told else " Nothing was started."
    again = "" if stage is Stage.STRATEGY else f"\n{ask_again(view)}"
    return Lead(head, f"{spoken(said)}{nothing}{again}", f"{in_slack(said)}{nothing}")


# --- while it runs -----------------------------------------------------------


def _go(view: ChangeView) -> str:
    """Who made it start, as mrkdwn."""
    opened = view.run.opened
    return f"Set going by {inline(view.name(opened.by), 80)} {day(opened.at)}." if opened else ""


def _moving(view: ChangeView, stage: Stage) -> Lead:
    step, speed = step_line(view), pace(view)
    match stage:
        case Stage.STOPPING:
            by = view.name(view.run.stop.by) if view.run.stop else ""
            then = "When this step has ended, everything that can be undone is undone."
            return Lead(f"Stopping, as {by} asked.", f"{step.mrkdwn}\n{then}", f"{by} asked to stop it. {step.plain}")
        case Stage.TURNING_BACK:
            why = sentence(capital(why_back(view), view.names))
            next_ = f"{inline(why, 600)}\n{step.mrkdwn} {NOBODY}"
            return Lead("Turning back.", next_, f"It is turning back. {why} {NOBODY}")
        case _:
            if told := shares(view):
                return Lead(*told)
            next_ = f"{step.mrkdwn}\n{speed.mrkdwn} {NOBODY}".replace("\n ", "\n")
            return Lead("Running.", next_, " ".join(f"It is running. {step.plain} {speed.plain}".split()))


def _host_away(view: ChangeView) -> Lead:
    run = view.run
    away = list(run.waiting.values())
    hosts = named(run.waiting)
    head = f"{'Turning back, and waiting' if run.way is Way.BACK else 'Waiting'} for {hosts}."
    each = [(f"{code(w.host)} since" if len(away) > 1 else "Since", w) for w in away[:FEW]]
    lines = [f"{since} {at(w.at)}: {inline(sentence(w.why), 300)}" for since, w in each]
    lines += [f"The same with {counted(len(away) - FEW, 'server')} more."] if len(away) > FEW else []
    todo = f"Somebody has to look at {hosts}; the run goes on by itself as soon as it can."
    locked = f"Until then nothing else can run on {inline(view.change.environment, 60)}."
    told = f"{head} {capital(sentence(away[0].why), view.names)} {todo}"
    return Lead(head, "\n".join([*lines, f"{inline(todo)} {locked}"]), told)


def _asked(view: ChangeView) -> Lead:
    asked = view.run.question
    assert asked is not None
    names = f" {listed([person.name for person in who], 6)} can answer." if (who := answerers(view)) else ""
    told = f"A person has to decide: {sentence(asked.question)} The answers are: {listed(asked.choices)}.{names}"
    next_ = f"{can_answer(view)} Asked {day(asked.at)}; the run waits.".lstrip()
    return Lead("A person has to decide.", next_, told, asked.question)


# --- after it ----------------------------------------------------------------


def _ended(view: ChangeView, stage: Stage, newest: bool) -> Lead:
    ended, opened = view.run.ended, view.run.opened
    assert ended is not None
    why, time = capital(why_back(view), view.names), f"It took {took(opened.at, ended.at)}" if opened else "It has run"
    stopped = view.run.turned is not None and bool(view.run.turned.by)
    word = "Done." if stage is Stage.DONE else "Stopped." if stopped else "Turned back."
    shown, told = (
        [sentence(said) for said in (why, *aftermath(view, migrations=named)) if said] for named in (False, True)
    )
    since = since_live(view) if stage is Stage.DONE else ""
    when = f"{time} and ended {day(ended.at)}."
    lines = [inline(" ".join(shown), 2000), inline(since, 900), when, _todo(view, stage, newest, stopped)]
    head = f"{word} {result(view)}"
    if is_ill(view):
        head = f"Live, but ill. {result(view)}"
    said = " ".join(part for part in (head, *told, since, f"{time}.") if part)
    return Lead(head, "\n".join(["", *(line for line in lines if line)]), said)


def _todo(view: ChangeView, stage: Stage, newest: bool, stopped: bool) -> str:
    """What to do now, as mrkdwn."""
    plan = view.change.plan
    place, old = inline(plan.environment, 60), str(plan.facts.get("replaces", ""))
    if stage is not Stage.DONE:
        return ask_again(view) if stopped else f"What failed is in the thread. {ask_again(view)}"
    if not newest:
        return f"A later change has run on {place} since."
    if again := forward_again(plan):
        return again
    if configures(plan):
        return f"Look at {place} now; if something is wrong: {code(f'/chom config undo on {plan.environment}')}"
    if lost := no_way_back(view):
        return f"Look at {place} now. {lost}"
    if is_ill(view) and old:
        return f"Press Roll back to send users to {inline(old, 60)} again, or mend {place}."
    look = f"Look at {place} now"
    return f"{look}; if something is wrong, press Roll back." if old and plan.action != "rollback" else f"{look}."
