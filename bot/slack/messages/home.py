"""What a person sees in the app's Home: pure, from all that is going on to the blocks of one view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from actions.engine.words import FEW, capital, named, took
from bot.desk.view import ChangeView, Overview, PastRun, Served, Serving
from bot.slack.blocks import OPEN_CARD, Block, Button, Style, actions, context, header, section
from bot.slack.cards.called import awaits
from bot.slack.cards.gated import gate_lines, is_ill
from bot.slack.cards.lead import asked_by, lead_of
from bot.slack.cards.pressed import Wish
from bot.slack.cards.stage import Stage, role_word, stage_of
from bot.slack.spoken import spoken
from bot.slack.words import code, day, inline, linked, listed, sentence, timed
from policies.change import Account, Allowed, People, Person, Role

MOST_BLOCKS = 100
YOURS, GOING, PLACES, PAST = 10, 8, 10, 8
"""Rows of a part at most; of more it is said how many."""

Row = list[Block]


@dataclass(frozen=True, slots=True)
class Home:
    """`news` stands for what people wait for: where two Homes have the same, only progress differs."""

    blocks: tuple[Block, ...]
    news: str

    def view(self) -> Block:
        """As views.publish takes it."""
        return {"type": "home", "blocks": list(self.blocks)}


def waits_for(seen: Overview, who: Person) -> tuple[str, ...]:
    """The changes that wait for this person: all that makes one person's Home another than the next one's."""
    return tuple(view.change.id for view in (*seen.running, *seen.waiting, *seen.reviews) if awaits(view, who))


def home(seen: Overview, mine: tuple[str, ...]) -> Home:
    """For a person of chom.toml, for whom these changes wait."""
    yours = [v for v in (*seen.running, *seen.waiting, *seen.reviews) if v.change.id in mine]
    others = [v for v in seen.waiting if v.change.id not in mine]
    style = Style.QUIET if yours else Style.PRIMARY
    running = [_running(view, seen, told=view.change.id in mine) for view in seen.running]
    deploy = Button(Wish.DEPLOY.value, "Deploy…", seen.environment, "opens the form that asks for it", style=style)
    blocks = [
        section(_summary(seen, len(yours), len(others))),
        actions([deploy]),
        *_part("Waits for you", [_yours(v, seen) for v in yours], YOURS, "Nothing waits for you."),
        *(_part("Waits for others", [_others(v, seen) for v in others], GOING, "") if others else []),
        *_part("Running", running, GOING, "Nothing is running."),
        *_part("Live", [_live(one) for one in _places(seen)], PLACES, "There is no environment in chom.toml."),
        *_part("Recent", [_past(run, seen) for run in seen.recent], PAST, "Nothing was deployed yet."),
        {"type": "divider"},
        context(f"This page keeps itself up to date. All that can be typed: {code('/chom help')}"),
    ]
    assert len(blocks) <= MOST_BLOCKS
    return Home(tuple(blocks), _news(seen, yours))


def refused_home(why: str) -> Home:
    """For somebody whom the bot does not serve, whatever chom.toml says: `why` is the reason."""
    return Home((header("Not for this account"), section(spoken(why))), "refused")


def stranger_home(account: Account, why: str, people: People) -> Home:
    """For somebody whom chom.toml does not list: `why` says so, and here is who can change it."""
    asked = _operators(people)
    who = listed([_called(person) for person in asked], 4) if asked else "whoever runs the bot"
    line = code(f'slack = ["{account.team}:{account.user}"]')
    lines = f"*Whom to ask:* {who}\n*The line they need in chom.toml:* {line}"
    return Home((header("You are not on the list yet"), section(spoken(why)), section(lines)), "stranger")


def _summary(seen: Overview, yours: int, others: int) -> str:
    """The page in one line, for who looks at nothing else."""
    said: list[str] = []
    if yours:
        said.append(f"*{yours} {'decision waits' if yours == 1 else 'decisions wait'} for you.*")
    if len(seen.running) == 1:
        (view,) = seen.running
        said.append(f"{inline(_short(view), 150)} is {_doing(view)}.")
    elif seen.running:
        places = dict.fromkeys(inline(view.change.environment, 60) for view in seen.running)
        said.append(f"{len(seen.running)} runs are under way, in {listed(places, 4)}.")
    if ill := [one.environment for one in seen.live if one.troubles]:
        said.append(f"Not every server of {listed([inline(name, 60) for name in ill], 4)} answers.")
    if others and not said:
        said.append(
            f"Nothing waits for you; {others} {'request waits' if others == 1 else 'requests wait'} for others."
        )
    return " ".join(said) or "*All quiet.* Nothing waits for you, and nothing is running."


def _doing(view: ChangeView) -> str:
    """As part of a sentence: "running", "turning back"."""
    match stage := stage_of(view):
        case Stage.ASKED:
            return "waiting for a decision"
        case Stage.HOST_AWAY:
            return "waiting for a server"
        case _:
            return stage.value


def _part(title: str, rows: Sequence[Row], most: int, empty: str) -> list[Block]:
    """A part of the page under its own heading; what does not fit is counted."""
    kept = rows if len(rows) <= most else rows[: most - 1]
    blocks = [block for row in kept for block in row] or [context(empty)]
    if rest := len(rows) - len(kept):
        blocks.append(context(f"… and {rest} more"))
    return [{"type": "divider"}, header(title), *blocks]


def _title(view: ChangeView, seen: Overview) -> str:
    """The title leads to the card."""
    return f"*{linked(seen.links.get(view.change.id, ''), _short(view), 150)}*"


def _short(view: ChangeView) -> str:
    """The title without what it has in brackets."""
    return view.title.partition(" (")[0]


# --- what waits ----------------------------------------------------------


def _yours(view: ChangeView, seen: Overview) -> Row:
    title = view.title
    link = seen.links.get(view.change.id, "")
    open_ = Button(OPEN_CARD, "Open card", view.change.id, title, style=Style.PRIMARY, url=link) if link else None
    if view.owes_review:
        lines = [
            _title(view, seen),
            asked_by(view),
            "It has ended and waits for your review: press Review on its card.",
        ]
    elif view.run.question:
        lines = [_title(view, seen), f"It asks: {timed(sentence(view.run.question.question), 400)}"]
    elif isinstance(view.verdict, Allowed):
        ready = "Approved, but not started" if view.change.requirement.needs else "Not started"
        lines = [_title(view, seen), asked_by(view), *_kind(view), f"{ready}: press Start now on its card."]
    else:
        lapses = view.change.at + view.change.requirement.expires
        over = f"If nobody decides, it lapses {day(lapses)}."
        lines = [_title(view, seen), asked_by(view), *_kind(view), *gate_lines(view), over]
    return [section("\n".join(lines), open_)]


def _kind(view: ChangeView) -> list[str]:
    """Of which category it is and because of what; of an emergency the line above has said it."""
    kind = "" if view.pressing else view.kind
    return [spoken(kind, 400)] if kind else []


def _others(view: ChangeView, seen: Overview) -> Row:
    return [section(f"{_title(view, seen)}\n{asked_by(view)}\n{spoken(sentence(view.verdict.said), 600)}")]


# --- what runs, what is live, what was -----------------------------------


def _running(view: ChangeView, seen: Overview, *, told: bool) -> Row:
    """`told` where its question stands above already."""
    lead = lead_of(view)
    quote = f"\n{timed(lead.quote, 300)}" if lead.quote and not told else ""
    asked = f"Asked by {inline(view.name(view.change.requester), 80)}{_alarm(view)}"
    return [section(f"{_title(view, seen)}\n{inline(lead.head)} {lead.next}{quote}\n{asked}")]


def _places(seen: Overview) -> list[Serving]:
    """First the environment that is meant where none is named."""
    return sorted(seen.live, key=lambda one: one.environment != seen.environment)


def _live(one: Serving) -> Row:
    name = inline(one.environment, 80)
    if not one.known:
        return [section(f"*{name}*\nThe servers are being looked at …")]
    groups: dict[str, list[Served]] = {}
    for served in one.served:
        groups.setdefault(served.version, []).append(served)
    versions = listed([inline(version or "nothing", 80) for version in groups], 4) or "not known"
    lines = [_serves(one, "" if len(groups) == 1 else version or "nothing", ones) for version, ones in groups.items()]
    lines += [_trouble(one, host, why) for host, why in list(one.troubles.items())[:FEW]]
    if others := list(one.troubles)[FEW:]:
        lines.append(f"✗ The same with {named(others, 8, lambda host: inline(host, 60))}.")
    return [section("\n".join([f"*{name} · {versions}*", *(line for line in lines if line)]))]


def _serves(place: Serving, version: str, ones: Sequence[Served]) -> str:
    """Since when, and on which servers; `version` is "" where the line above has said it."""
    since = max((served.since for served in ones if served.since), default=None)
    hosts = [served.host for served in ones]
    parts = [inline(version, 80), f"since {day(since)}" if since else ""]
    if hosts != [place.environment]:
        parts.append(f"on {named(hosts, 8, lambda host: inline(host, 60))}")
    return capital(" ".join(part for part in parts if part))


def _trouble(live: Serving, host: str, why: str) -> str:
    last = next((one for one in live.served if one.host == host), None)
    seen = f" It was last seen {day(last.seen)}." if last else ""
    return f"✗ {timed(sentence(why), 400)}{seen}"


def _past(run: PastRun, seen: Overview) -> Row:
    view, stage = run.view, stage_of(run.view)
    mark = "✓" if stage is Stage.DONE else "↩"
    ill = " · live, but ill" if is_ill(view) else ""
    time = f"{ill} · took {took(run.started, run.ended)}" if run.ended else ""
    who = inline(view.name(view.change.requester), 80)
    when = day(run.ended or run.started)
    return [section(f"{mark} {_title(view, seen)}\n{stage.value.capitalize()} {when}{time} · {who}{_alarm(view)}")]


def _alarm(view: ChangeView) -> str:
    """Why it is an emergency, on a line of its own."""
    return f"\n{inline(view.alarm, 600)}" if view.alarm else ""


def _news(seen: Overview, yours: Sequence[ChangeView]) -> str:
    waits = [view.change.id for view in yours]
    going = [(view.change.id, stage_of(view).value) for view in (*seen.running, *seen.waiting)]
    ended = [run.view.change.id for run in seen.recent[:PAST]]
    live = [(one.environment, sorted({s.version for s in one.served}), sorted(one.troubles)) for one in seen.live]
    return repr((waits, going, ended, live))


# --- strangers -----------------------------------------------------------


def _operators(people: People) -> list[Person]:
    """Who is likely to look after chom.toml: the first of these roles that anybody with a Slack account has."""
    for role in (Role.DEVOPS, Role.CTO, Role.TECH_LEAD):
        if found := [person for person in people.values() if role in person.roles and person.accounts]:
            return found
    return []


def _called(person: Person) -> str:
    role = next(role for role in (Role.DEVOPS, Role.CTO, Role.TECH_LEAD) if role in person.roles)
    return f"<@{person.accounts[0].user}> ({role_word(role)})"
