"""What the bot says to one person only: refusals, help, the state of an environment, the last runs."""

from __future__ import annotations

from datetime import UTC, datetime

from actions.engine.words import instant, named, took
from bot.desk.view import ChangeView, EnvironmentStatus, PastRun
from bot.slack.blocks import Block, Card, card, context, section, sections
from bot.slack.cards.canary import shares
from bot.slack.cards.stage import Stage, current_step, stage_of
from bot.slack.spoken import in_slack, spoken
from bot.slack.words import code, day, inline, listed, sentence, timed
from policies.change import Refused, Waiting


def said(text: str, link: str = "") -> Card:
    """One sentence, with a link to the card that it speaks of where there is one."""
    blocks = [section("\n".join(spoken(line) for line in text.splitlines() if line.strip()) or "…")]
    if link:
        blocks.append(context(f"<{link}|Open its card>"))
    return card(in_slack(text), blocks)


def trouble(reference: str) -> Card:
    """For what nobody foresaw."""
    return said(
        "Something went wrong in the bot; it is not your fault. The cards show what was done. Try again; if it goes "
        f"wrong again, give an operator this reference: {reference}."
    )


TOO_SLOW = "If no form has opened, Slack was too slow: try again."
BUSY = "Too much is being asked of the bot at once, so nothing was done. Try again in a minute."


def asked(view: ChangeView, channel: str, link: str = "") -> Card:
    """To the requester, whose card may be in another channel."""
    title = view.title
    next_ = "It starts now." if view.run.seq else sentence(view.verdict.said)
    where = f"<{link}|Open its card>" if link else f"Its card is in <#{channel}>."
    text = in_slack(f"{title} is asked for. {next_} Its card is in the channel.")
    return card(text, [section(f"*{inline(title, 150)}* is asked for. {spoken(next_)} {where}")])


def not_asked(why: str, link: str = "") -> Card:
    """In the window of a form whose request was refused after all."""
    return said(f"Not asked for. {why}", link)


def stopping(view: ChangeView, link: str = "") -> Card:
    """To whoever typed stop: what it did."""
    title = view.title
    if view.run.opened:
        return said(f"Stopping: {title}. The running step finishes, then what can be undone is undone.", link)
    return said(f"Withdrawn: {title}, asked for by {view.name(view.change.requester)}. Nothing was started.", link)


def reviewed(view: ChangeView, link: str = "") -> Card:
    """To whoever typed a review."""
    return said(f"Reviewed: {view.title}. Your sentence stands on its card.", link)


def approval_counted(view: ChangeView) -> Card:
    """To an approver whose word was not the last that is needed, or whose change cannot start yet."""
    return said(f"Your approval is counted. {view.verdict.said}")


def old_copy(link: str = "") -> Card:
    """In the place of a card that was posted twice."""
    text = "This is an old copy of a card. It shows nothing that is true now."
    where = f"<{link}|Open its card>" if link else "The card is further down."
    return card(text, [section(f"{text} {where}")])


def helped(text: str) -> Card:
    """Help from the registry: usage lines as code, the rest as it is; nothing of it is anybody else's text."""
    lines = [_help_line(line) for line in text.splitlines()]
    return card(sentence(in_slack(text)), sections(lines or ["…"]))


def _help_line(line: str) -> str:
    """A usage line and an example are code, as they are typed."""
    example, _, typed = line.strip().partition(": ")
    if line.startswith("/chom "):
        return code(line, 300)
    if example == "for example" and typed:
        return f"For example {code(typed, 300)}"
    return spoken(line.strip()) if line.strip() else " "


# --- status and history --------------------------------------------------


def status(seen: tuple[EnvironmentStatus, ...]) -> Card:
    """What each environment serves and what is going on there."""
    blocks: list[Block] = []
    plain_lines: list[str] = []
    for one in seen:
        serves = _serves(one)
        going = _going_on(one)
        plain_lines.append(f"{one.name} {serves}.")
        lines = [f"*{inline(one.name, 80)}* {timed(serves)}.", *going]
        if one.trouble:
            lines.insert(1, spoken(sentence(one.trouble)))
        blocks.append(section("\n".join(lines)))
    return card(" ".join(plain_lines) or "There is no environment.", blocks or [section("There is no environment.")])


def _serves(one: EnvironmentStatus) -> str:
    """What it serves, as a part of a sentence: an instant in it says since when, where that is one answer."""
    if one.fleet is None:
        return "could not be looked at"
    served: dict[str, list[str]] = {}
    since: set[int] = set()
    for host in one.fleet.hosts:
        release = host.release(host.current)
        served.setdefault(release.version if release else "nothing", []).append(host.name)
        since |= {release.activated[-1]} if release and release.activated else set()
    told = listed([f"{version} on {named(hosts)}" for version, hosts in served.items()])
    latest = datetime.fromtimestamp(max(since), UTC) if since and len(served) == 1 else None
    return f"serves {told}{f', since {instant(latest)}' if latest else ''}"


def _going_on(one: EnvironmentStatus) -> list[str]:
    lines: list[str] = []
    if run := one.open_run:
        place, total = current_step(run), len(run.change.plan.steps)
        step = f", step {place[0]} of {total}" if place else ""
        title = inline(run.title, 150)
        lines.append(f"▸ {title}: {stage_of(run).value}{step} {code(run.change.id)}")
        if on := shares(run):
            lines.append(f"{on[0]} {on[1]}")
    lines += [
        f"◦ {inline(v.title, 150)}: {spoken(v.verdict.said, 500)} {code(v.change.id)}"
        for v in one.pending[:5]
        if isinstance(v.verdict, Waiting) or not isinstance(v.verdict, Refused)
    ]
    lines += [f"! {inline(v.title, 150)}: waits for its review {code(v.change.id)}" for v in one.reviews[:5]]
    return lines or ["Nothing is going on."]


def history(past: tuple[PastRun, ...], environment: str) -> Card:
    """The last runs, and the requests that came to nothing, newest first."""
    where = f" on {environment}" if environment else ""
    if not past:
        return said(f"Nothing was done{where} yet.")
    lines = [_past_line(run) for run in past]
    newest = past[0].view
    text = f"The newest change{where}: {newest.title}, {stage_of(newest).value}."
    return card(text, [section(f"*{inline(f'The last changes{where}, newest first')}*"), *sections(lines)])


def _past_line(run: PastRun) -> str:
    view = run.view
    stage = stage_of(view)
    title, who = inline(view.title, 150), inline(view.name(view.change.requester), 60)
    why = f" (“{inline(view.change.emergency, 200)}”)" if view.pressing else ""
    asked = f"asked for by {who}{why} {code(view.change.id)}"
    if not view.run.opened:
        return f"✗ {day(run.started)} *{title}* — {stage.value}, {asked}"
    mark = {Stage.DONE: "✓", Stage.TURNED_BACK: "↩"}.get(stage, "▸")
    time = f", took {took(run.started, run.ended)}" if run.ended else ""
    return f"{mark} {day(run.started)} *{title}* — {stage.value}{time}, {asked}"
