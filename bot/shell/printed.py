"""What a terminal shows of a change, an environment and the past: pure, from the view to lines of text."""

from __future__ import annotations

from collections.abc import Iterator

from actions.engine.across import losing, texts, told
from actions.engine.fleet import Fleet
from actions.engine.plan import Do, Irreversible
from actions.engine.words import FEW, capital, joined, named, plain
from bot.desk.answering import words
from bot.desk.view import ChangeView, EnvironmentStatus, PastRun
from bot.slack.cards.canary import shares
from bot.slack.cards.stage import beside, current_step, decided, irreversible, stage_of
from bot.vocabulary import LEAD, spoken
from policies.change import Waiting, Word
from policies.explain import lines


def plan(view: ChangeView) -> list[str]:
    """The plan before anybody approves it: its steps, what stays for good, the category and why."""
    change = view.change
    head = _line(f"{view.title} ({change.id})")
    return [
        head,
        _line(f"{_asked(view)}.", 2),
        *_alarm(view),
        *_steps(view),
        *_for_good(view),
        *_facts(view),
        *_gates(view),
    ]


def preview(view: ChangeView) -> list[str]:
    """As `plan`, for what was only looked at."""
    return [
        _line(view.title),
        *_steps(view),
        *_for_good(view),
        *_facts(view),
        "Only a plan: nothing has been started, and nothing waits for anybody.",
        _line(f"{capital(view.supposed)}:"),
        *tree(view),
    ]


def explained(view: ChangeView) -> list[str]:
    """Who could approve it now, and what else it lacks."""
    supposed = f", {view.supposed}" if view.previewed else ""
    return [_line(f"{view.title}{supposed}"), *tree(view)]


def tree(view: ChangeView) -> list[str]:
    """The verdict and all that it rests on, two spaces a level."""
    return [_line(spoken(line), 2 + len(line) - len(line.lstrip())) for line in lines(view.tree)]


def _alarm(view: ChangeView) -> Iterator[str]:
    """Why it is an emergency, and what it goes past."""
    yield from [_line(spoken(view.alarm), 2)] if view.alarm else []


def _gates(view: ChangeView) -> Iterator[str]:
    """Each kind of evidence that it requires, as it stands."""
    yield from (_line(f"{gate.mark} {gate.title}: {spoken(gate.said)}", 2) for gate in view.gates)


def said(view: ChangeView) -> list[str]:
    """How a change stands that has not been started, and what to type next."""
    told = [spoken(view.verdict.said)]
    if isinstance(view.verdict, Waiting):
        told.append(f"In a shell: {LEAD}approve {view.change.id}")
    return told


def answers(view: ChangeView) -> list[str]:
    """How to answer what the run asks, or to say what becomes of its canary; [] where there is neither."""
    asks = view.run.question
    choices = asks.choices if asks else words(view.change.plan, view.run)
    return [f"In a shell: {LEAD}answer {view.change.id} {choice}" for choice in choices]


def status(one: EnvironmentStatus) -> list[str]:
    """What one environment serves, what runs there and what waits."""
    if one.fleet is None:
        told = [_line(f"{one.name}: {spoken(one.trouble)}")]
    elif one.trouble:
        told = [_line(f"{one.name}: {', '.join(_serves(one.fleet))}"), _line(spoken(one.trouble), 4)]
    else:
        told = [_line(f"{one.name}: {', '.join(_serves(one.fleet))}")]
    if run := one.open_run:
        place, total = current_step(run), len(run.change.plan.steps)
        step = f", step {place[0]} of {total}" if place else ""
        told.append(_line(f"now: {run.title} ({run.change.id}): {stage_of(run).value}{step}", 4))
        if on := shares(run):
            told.append(_line(spoken(on[2]), 6))
        told += [_line(line, 6) for line in answers(run)]
        if one.idle:
            told.append(_line(_idle(run), 6))
    waits = (f"waits: {v.title} ({v.change.id}): {spoken(v.verdict.said)}" for v in one.pending)
    owed = (f"waits for its review: {v.title} ({v.change.id})" for v in one.reviews)
    return [*told, *(_line(line, 4) for line in (*waits, *owed))]


def _idle(run: ChangeView) -> str:
    """Of a run that nobody walks: what moves it again."""
    here, back = (f"`{LEAD}{word} {run.change.id}`" for word in ("follow", "stop"))
    return f"No bot goes on with it now. To go on here: {here}; to turn it back: {back}. A bot that starts goes on too."


def _serves(fleet: Fleet) -> Iterator[str]:
    """Few servers one by one, many by what they serve: "app1 v1.2", "v1.2 on app1 to app99"."""
    versions = dict[str, list[str]]()
    for host in fleet.hosts:
        release = host.release(host.current)
        versions.setdefault(release.version if release else "nothing yet", []).append(host.name)
    if len(fleet.hosts) > FEW:
        return (f"{version} on {named(hosts)}" for version, hosts in versions.items())
    of = {host: version for version, hosts in versions.items() for host in hosts}
    return (f"{host.name} {of[host.name]}" for host in fleet.hosts)


def past(run: PastRun) -> list[str]:
    """One run: what, how it ended and how long it took, who asked and who approved."""
    view, ended = run.view, run.view.run.ended
    if not view.run.opened:
        how = f"{stage_of(view).value}; {_asked(view)}"
        head = _line(f"{run.started:%Y-%m-%d %H:%M} UTC {view.title} ({view.change.id}): {how}.")
        return [head, _line(spoken(view.verdict.said), 4)]
    outcome = f": {ended.summary}" if ended else ""
    return [
        _line(f"{run.started:%Y-%m-%d %H:%M} UTC {view.title} ({view.change.id})"),
        _line(f"{stage_of(view).value}{outcome}", 4),
        _line(f"{_asked(view)}; {_approved(view)}.", 4),
        *([_line(spoken(view.alarm), 4)] if view.alarm else []),
        *(_line(reviewed, 4) for reviewed in _reviewed(view)),
    ]


def _reviewed(view: ChangeView) -> Iterator[str]:
    """How an emergency was reviewed, or that it was not."""
    if view.reviewed:
        yield f"reviewed by {view.name(view.reviewed.by)}: “{view.reviewed.said}”"
    elif view.owes_review:
        yield f'waits for its review: {LEAD}review {view.change.id} "what came of it"'


def _line(text: str, indent: int = 0) -> str:
    """As a terminal may print it: nothing in it moves the cursor, hides, or begins another line."""
    return " " * indent + plain(text)


def _asked(view: ChangeView) -> str:
    why = f" (“{view.change.reason}”)" if view.change.reason else ""
    return f"asked for by {view.name(view.change.requester)}{why}"


def _approved(view: ChangeView) -> str:
    given = [view.name(approval.person) for approval in decided(view, Word.APPROVE)]
    if given:
        return f"approved by {joined(dict.fromkeys(given))}"
    return "nobody approved it" if view.change.requirement.needs else "nobody had to approve it"


def _steps(view: ChangeView) -> Iterator[str]:
    first = beside(view.change.plan)
    for number, step in enumerate(view.change.plan.steps, 1):
        stays = isinstance(step, Do) and isinstance(step.undo, Irreversible)
        together = f", at the same time as step {first[step.name]}" if step.name in first else ""
        yield _line(f"{number}. {step.title}{together}{' (cannot be undone)' if stays else ''}", 2)


def _for_good(view: ChangeView) -> Iterator[str]:
    """What cannot be undone, and the migrations by name."""
    made = view.change.plan
    for fact, word in (("config_added", "Adds"), ("config_changed", "Changes"), ("config_removed", "Removes")):
        if isinstance(keys := made.facts.get(fact, ()), tuple) and keys:
            yield _line(f"{word} {joined(keys)}.", 2)
    if newer := made.facts.get("older_than"):
        yield _line(f"Older than {newer}, which is live.", 2)
    stays = [f"Step {number} cannot be undone: {what}" for number, what in irreversible(made)]
    yield from (_line(line, 2) for line in stays)
    if unnamed := [name for name in made.pending if not any(name in line for line in stays)]:
        yield _line(f"Migrations that will be applied: {joined(unnamed)}.", 2)
    if losing(made.facts, made.pending):
        yield _line("Going back behind it needs a restore.", 2)
    kind, what = told(made)
    if kind:
        yield _line(f"{kind}: {what}", 2)
    if left := texts(made.facts, "migrations_left"):
        yield _line(f"Stay in the database: {joined(left)}.", 2)


def _facts(view: ChangeView) -> Iterator[str]:
    change, because = view.change, view.change.requirement.because.rstrip(".")
    yield _line(f"{because}.", 2)
    replaces = change.plan.facts.get("replaces")
    facts = [f"replaces {replaces}"] * bool(replaces) + [f"commit {change.plan.commit[:10]}"] * bool(change.plan.commit)
    yield from [_line(", ".join(facts), 2)] if facts else []
