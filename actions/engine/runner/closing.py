"""What a run says of itself: why it turned back, what stays, what serves now, and how long it took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from actions.engine.across import losing
from actions.engine.fold import Mark, Phase, State
from actions.engine.journal import Way
from actions.engine.nouns import noun
from actions.engine.plan import Back, Do, Expect, Harmless, Irreversible, Plan, Step
from actions.engine.words import FEW, capital, counted, joined, named, servers, took

NEVER_BEGAN = "it never began there, so there is nothing to undo"
"""The summary of an undo that was not needed."""

BROKEN_OFF = "it was broken off"
"""Why a step of the bot's own failed that had begun when the run turned back."""
STOPPED = "it was stopped "
"""How the reason of a run begins that a person stopped: whoever knows their name says it instead of "it was"."""
NOTHING = NOTHING_CHANGED, NOTHING_UNDONE = "; nothing was changed", "; there is nothing to undo"
"""How the reason ends where turning back has nothing to do."""
REASONS = 3
"""So many reasons for one failure are told; many servers may each have their own."""
_SWITCH, _MIGRATE, _PRUNE = "switch", "migrate", "prune"


def failure(plan: Plan, state: State) -> str:
    """The first step that failed and had to succeed, where and why: "the switch failed on app1 (…)"; "" for none."""
    for step in plan.steps:
        if isinstance(step, Do) and not step.must:
            continue
        failed = dict(_failed(step, state, Way.FORWARD))
        if isinstance(step, Expect) and failed:
            return _why(next(iter(failed.values())))
        if failed:
            return _failed_on(step, failed)
    return ""


def stopped_at(step: Step, state: State) -> str:
    """How far a run was when somebody stopped it: "it was stopped before the switch"."""
    begun = any(state.mark(step.name, host, Way.FORWARD) for host in _hosts(step))
    return f"{STOPPED}{'during' if begun else 'before'} {noun(step)}"


def nothing_to_undo(plan: Plan, state: State) -> str:
    """What is added to the reason of turning back where there is nothing to undo."""
    begun = [step for step in plan.steps if isinstance(step, Do) and _begun(step, state)]
    if not begun:
        return NOTHING_CHANGED
    return NOTHING_UNDONE if all(isinstance(step.undo, Harmless) for step in begun) else ""


def done(plan: Plan, state: State, now: datetime) -> str:
    """For the channel: it ended well."""
    return _together(headline(plan, state), _time(state, now), *aftermath(plan, state))


def turned_back(plan: Plan, state: State, now: datetime) -> str:
    """For the channel: it did not end well, why, what serves now, and what stays."""
    return _together(headline(plan, state), *aftermath(plan, state), _time(state, now))


def headline(plan: Plan, state: State) -> str:
    """The result and, where it is not the one that was wanted, why."""
    if state.way is Way.FORWARD:
        return f"{result(plan, state)}."
    why = state.turned.why if state.turned else "it was turned back"
    return f"{result(plan, state)}: {why.rstrip('.')}."


def result(plan: Plan, state: State) -> str:
    """ "v1.2 is live on production", "v1.2 is not live on production"."""
    done = state.way is Way.FORWARD
    if configures(plan):
        return f"The new configuration is {'live' if done else 'not live'} on {plan.environment}"
    if _switches(plan):
        return f"{plan.version} is {'live' if done else 'not live'} on {plan.environment}"
    return f"{plan.title}: {'done' if done else 'not done'}"


def aftermath(plan: Plan, state: State, *, migrations: bool = True) -> tuple[str, ...]:
    """What there is to know after the result, each a sentence: what serves now, what stays, what can wait.

    Without `migrations` for who names those that stay in another way.
    """
    if state.way is Way.BACK:
        stays = _stays(plan, state if migrations else replace(state, applied=()))
        return tuple(said for said in (_serving(plan, state), *_stuck(plan, state), *stays) if said)
    spared = [step for step in plan.steps if isinstance(step, Do) and not step.must]
    said = [_can_wait(step, failed) for step in spared if (failed := dict(_failed(step, state, Way.FORWARD)))]
    if state.stop:
        said.append("Stop was pressed when that was done already, so it stays; to go back, roll back.")
    return tuple(said)


def serves(plan: Plan, state: State, host: str) -> str:
    """What the host serves as far as the journal knows: "v1.2", "v1.1 or v1.2"; "" where the plan switches nothing."""
    switches = [step for step in _switches(plan) if host in step.hosts]
    if not switches or configures(plan):
        return plan.version if switches else ""
    old = str(plan.facts.get("replaces", "")) or "nothing"
    marks = [(state.mark(s.name, host, Way.FORWARD), state.mark(s.name, host, Way.BACK)) for s in switches]
    if all(forward is None or (back and back.phase is Phase.DONE) for forward, back in marks):
        return old
    sure = all(forward and forward.phase is Phase.DONE and back is None for forward, back in marks)
    return plan.version if sure else f"{old} or {plan.version}"


def first_of(whys: Sequence[str]) -> str:
    """What several servers have to say, each in words that name it; of many the first ones."""
    left = len(whys) - FEW
    return "; ".join([*whys[:FEW], f"and {counted(left, 'server')} more"] if left > 0 else whys)


def configures(plan: Plan) -> bool:
    """Whether it changes the environment file, and not what is served."""
    return "config_keys" in plan.facts


def known_of(applied: tuple[str, ...]) -> str:
    """What is known of a job that its server lost."""
    if not applied:
        return "What it did there before is not known."
    return f"It had applied {joined(applied)}; whether it had begun more is not known."


# --- parts of sentences ------------------------------------------------------


def _together(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _time(state: State, now: datetime) -> str:
    return f"It took {took(state.opened.at, now)}." if state.opened else ""


def _serving(plan: Plan, state: State) -> str:
    """What users get now."""
    switches = _switches(plan)
    nothing_changed = bool(state.turned and state.turned.why.endswith(NOTHING_CHANGED))
    if not switches or nothing_changed:
        return ""
    old = "the old configuration" if configures(plan) else str(plan.facts.get("replaces", ""))
    verb = "serve" if " and " in old else "serves"
    forward, back = _on(switches, state, Way.FORWARD), _on(switches, state, Way.BACK)
    if not forward:
        return f"{capital(old)} {verb} as before; nothing was switched." if old else "Nothing was switched."
    returned = [host for host, mark in back.items() if mark.phase is Phase.DONE and mark.summary != NEVER_BEGAN]
    if not returned:
        all_back = all(host in back and back[host].phase is Phase.DONE for host in forward)
        return f"{capital(old)} {verb} as before; nothing was switched." if old and all_back else ""
    said = f"{servers(returned)} {'was' if len(returned) == 1 else 'were'} switched back to {old}"
    never = [host for step in switches for host in step.hosts if host not in forward]
    rest = f"; {servers(never)} {'was' if len(never) == 1 else 'were'} never switched" if never else ""
    return f"{said}{rest}."


def _stuck(plan: Plan, state: State) -> Iterator[str]:
    """Undoing that failed, and what a person has to look at."""
    for step in reversed(plan.steps):
        if not isinstance(step, Do) or not isinstance(step.undo, Back):
            continue
        for why, hosts in _by_reason(dict(_failed(step, state, Way.BACK))).items():
            where = named(hosts)
            new = "the new configuration" if configures(plan) else plan.version
            now = f"{where} may still serve {new}" if step.call.verb == _SWITCH else f"look at {where}"
            yield f"This could not be undone on {where}: {step.undo.title.rstrip('.')} ({why}); {now}."


def _stays(plan: Plan, state: State) -> Iterator[str]:
    """What cannot be undone and was done, or may have been."""
    if state.applied:
        stay = "Applied migrations stay" if len(state.applied) > 1 else "The applied migration stays"
        yield f"{stay}: {joined(state.applied)}."
    if lost := losing(plan.facts, state.applied):
        old = plan.facts.get("replaces") or "What is served"
        yield f"{old} may break on {joined(lost)}; what is gone by that is only in the backup that was made before."
    for step in plan.steps:
        if not isinstance(step, Do) or not isinstance(step.undo, Irreversible):
            continue
        migrates, marks = step.call.verb == _MIGRATE, _on([step], state, Way.FORWARD)
        if not migrates and any(mark.phase is Phase.DONE for mark in marks.values()):
            yield f"{step.undo.what.rstrip('.')}."
        for why, hosts in _by_reason(dict(_failed(step, state, Way.FORWARD))).items():
            if not state.turned or why not in state.turned.why:
                yield f"{capital(noun(step))} failed on {named(hosts)}: {why}."


def _can_wait(step: Do, failed: dict[str, Mark]) -> str:
    """What did not succeed and need not; why it did not is told with the step."""
    if step.call.verb != _PRUNE:
        return f"But {_failed_on(step, failed)}; that can wait."
    whose = "its" if len(failed) == 1 else "their"
    return f"{named(failed)} could not be cleaned up; {whose} old releases stay until the next deploy."


def _failed_on(step: Step, failed: dict[str, Mark]) -> str:
    """ "the health check failed on app1 and app2 (HTTP 500)"; each reason with its hosts, `REASONS` of them at most."""
    reasons = list(_by_reason(failed).items())
    where = [f"on {named(hosts)} ({why})" if hosts != [""] else f"({why})" for why, hosts in reasons[:REASONS]]
    if others := [host for _, hosts in reasons[REASONS:] for host in hosts]:
        where.append(f"for other reasons on {named(others)}")
    return f"{noun(step)} failed {joined(where)}"


def _by_reason(failed: Mapping[str, Mark]) -> dict[str, list[str]]:
    """Why it failed -> on which hosts."""
    reasons = dict[str, list[str]]()
    for host, mark in failed.items():
        reasons.setdefault(_why(mark, host), []).append(host)
    return reasons


def _why(mark: Mark, host: str = "") -> str:
    """Why it failed, as a part of a sentence that speaks of the host already."""
    return mark.summary.removeprefix(f"{host}: ").rstrip(". ") or "it did not say why"


def _failed(step: Step, state: State, way: Way) -> Iterator[tuple[str, Mark]]:
    for host in _hosts(step):
        mark = state.mark(step.name, host, way)
        if mark and mark.phase is Phase.FAILED:
            yield host, mark


def _on(steps: list[Do], state: State, way: Way) -> dict[str, Mark]:
    """Host -> its mark in the first of the steps that has one."""
    found = dict[str, Mark]()
    for step in steps:
        for host in step.hosts:
            if mark := state.mark(step.name, host, way):
                found.setdefault(host, mark)
    return found


def _begun(step: Do, state: State) -> bool:
    return any(state.mark(step.name, host, Way.FORWARD) for host in step.hosts)


def _switches(plan: Plan) -> list[Do]:
    return [step for step in plan.steps if isinstance(step, Do) and step.call.verb == _SWITCH]


def _hosts(step: Step) -> tuple[str, ...]:
    return step.hosts if isinstance(step, Do) else ("",)
