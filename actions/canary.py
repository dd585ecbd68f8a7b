"""Canary: the new release serves a few users beside the served one, then more, for as long as it proves itself."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from actions.blue_green import plan as blue_green
from actions.engine.across import require_expand_only
from actions.engine.fleet import LEAST_LOOKS, Artifact, CannotPlan, Fleet, Request
from actions.engine.plan import Arg, Back, Call, Do, Harmless, Plan, Shift, Step
from actions.engine.registry import Action
from actions.engine.steps import names
from actions.engine.words import joined, megabytes, named, servers

STAGES = ("10", "25", "50", "75", "100")
"""Percent of users, where the command does not say it."""


def plan(request: Request, fleet: Fleet, artifact: Artifact | None) -> Plan:
    """As blue-green, but users are shifted there before the switch makes it the served release. Raises CannotPlan."""
    whole = blue_green(request, fleet, artifact)
    _require_pools(fleet)
    require_expand_only(fleet, whole, "as a canary")
    shift = _shift(request, fleet, whole)
    steps: list[Step] = []
    for step in whole.steps:
        if step.name == "switch":
            steps += [_start(fleet, whole), _probe(fleet, whole), shift]
        if step.name == "restart":
            steps.append(_settle(fleet, whole))
        steps.append(step)
    facts = {**whole.facts, "strategy": "canary", "stages": tuple(str(weight) for weight in shift.weights)}
    return replace(whole, action=ACTION.name, title=f"{whole.title}, canary", steps=tuple(steps), facts=facts)


def _require_pools(fleet: Fleet) -> None:
    """Raises CannotPlan where a server has no second PHP-FPM, has it in use, or no memory for it."""
    if without := [host.name for host in fleet.hosts if host.pools is None]:
        has = "has" if len(without) == 1 else "have"
        raise CannotPlan(
            f"{named(without)} {has} no canary pool. Add [hosts.{without[0]}.canary] to chom.toml and run "
            f"`chom-bot host install`, or deploy without `canary`."
        )
    pools = {host.name: host.pools for host in fleet.hosts if host.pools}
    if used := [name for name, pool in pools.items() if pool.weight]:
        raise CannotPlan(f"Users are on a canary on {named(used)} already; wait until that has ended, or stop it.")
    short = [f"{name} has {megabytes(p.memory)} free and needs {megabytes(p.needed)}" for name, p in pools.items()
             if p.memory < p.needed]  # fmt: skip
    if short:
        raise CannotPlan(
            f"Not enough memory for two versions at once: {named(short)}. Make room, or deploy without `canary`."
        )


def _shift(request: Request, fleet: Fleet, whole: Plan) -> Shift:
    limits, tick = fleet.environment.canary, fleet.environment.look_every
    if every := request.arguments.get("every"):
        limits = replace(limits, stage=float(str(every)))
    weights = _weights(request.arguments.get("stages", STAGES))
    if limits.stage < LEAST_LOOKS * tick:
        raise CannotPlan(
            f"A stage of {limits.stage:g} s is too short: the counters are read every {tick:g} s, and it takes "
            f"{LEAST_LOOKS} looks to judge. Write every={LEAST_LOOKS * tick:g}s or more, for example every=5m."
        )
    stages = joined(f"{weight} %" for weight in weights)
    return Shift(
        name="shift",
        title=f"Send users to {whole.version}: {stages}, {_lasting(limits.stage)} each",
        hosts=names(fleet.hosts),
        weights=weights,
        limits=limits,
        every=tick,
    )


def _weights(asked: Arg) -> tuple[int, ...]:
    weights = tuple(int(part) for part in asked) if isinstance(asked, tuple) else ()
    why = ""
    if not weights or weights[0] < 1:
        why = "The first stage has to send somebody there."
    elif any(later <= before for before, later in pairwise(weights)):
        why = "Each stage has to send more users there than the one before."
    elif weights[-1] != 100:
        why = "The last stage has to be 100: only then the version is the one that is served."
    if why:
        raise CannotPlan(f"stages={','.join(map(str, weights))} cannot be used. {why} For example stages=10,50,100.")
    return weights


def _start(fleet: Fleet, whole: Plan) -> Do:
    where, old = joined(names(fleet.hosts)), whole.facts["replaces"]
    return Do(
        name="canary",
        title=f"Start {whole.version} beside {old} on {where}; no user is sent there yet",
        call=Call("canary_start", {"release": str(whole.facts["release"])}),
        hosts=names(fleet.hosts),
        undo=Back(Call("canary_stop", {}), f"Send everybody on {where} to {old}, and stop {whole.version}"),
        timeout=60,
    )


def _probe(fleet: Fleet, whole: Plan) -> Do:
    """The check before it asked the normal pool: here the canary's own is asked, and nginx, which sends users there."""
    path, where = fleet.environment.health, servers(names(fleet.hosts))
    return Do(
        name="probe",
        title=f"Check {path} of {whole.version} in the canary pool of {where}, also through nginx",
        call=Call("canary_health", {"release": str(whole.facts["release"]), "path": path}),
        hosts=names(fleet.hosts),
        undo=Harmless("No user is sent there yet, so there is nothing to undo."),
        timeout=60,
    )


def _settle(fleet: Fleet, whole: Plan) -> Do:
    return Do(
        name="settle",
        title=f"Serve {whole.version} to everybody as the normal release, and stop the canary",
        call=Call("canary_stop", {}),
        hosts=names(fleet.hosts),
        undo=Harmless("Switching back needs no canary."),
        timeout=60,
    )


def _lasting(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes:g} min" if minutes.is_integer() else f"{seconds:g} s"


ACTION = Action(
    name="canary",
    usage="deploy <version> canary [stages=<stages>] [every=<duration>] [to|on <environment>]",
    summary=(
        "Sends 10, 25, 50, 75 and then 100 % of users to a version that runs beside the served one, 5 minutes each; "
        "back by itself where more than 5 % of requests fail or take longer than 2 s."
    ),
    plan=plan,
    brings_artifact=True,
    log="deployment",
    examples=("deploy v1.2 canary", "deploy v1.2 canary stages=10,50,100 every=10m"),
)
