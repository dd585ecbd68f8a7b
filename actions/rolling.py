"""Rolling: one batch of servers after another takes a version, each in maintenance mode while it is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from actions.blue_green import plan as blue_green
from actions.engine.across import require_expand_only
from actions.engine.fleet import Artifact, Fleet, Host, Request
from actions.engine.plan import Back, Call, Do, Harmless, Plan, Step, Watch
from actions.engine.registry import Action
from actions.engine.steps import health, names, restart, switches
from actions.engine.words import servers

BY = 25
"""Percent of the servers in a batch where the command does not say it; at least one server is."""
LIMIT_S = 1200
"""Seconds after which a server ends maintenance mode by itself."""
MIGRATE_S = 900
"""Seconds that the migrations have within it: they are stopped before users come back to half of them."""
BETWEEN_S = 60
"""Seconds in which the site has to answer before the next batch begins."""


def plan(request: Request, fleet: Fleet, artifact: Artifact | None) -> Plan:
    """As blue-green, with all between the copy and the last check once for each batch. Raises CannotPlan.

    The last check waits for the last batch to be out of maintenance mode.
    """
    whole = blue_green(request, fleet, artifact)
    batches = _batches(fleet, int(str(request.arguments.get("by", BY))))
    if len(batches) > 1:
        require_expand_only(fleet, whole, f"in {len(batches)} batches")
    before, after = ("expect", "stage", "stage-2", "backup"), ("smoke", "retain")
    steps: list[Step] = [step for step in whole.steps if step.name in before]
    for number, batch in enumerate(batches):
        named = replace(fleet, hosts=batch)
        steps += [replace(step, name=_numbered(step.name, number)) for step in _change(whole, named, first=not number)]
        if number + 1 < len(batches):
            steps.append(_between(whole, fleet, batch, batches[number + 1], number))
    steps += [replace(step, beside=False) for step in whole.steps if isinstance(step, Watch)]
    steps += [step for step in whole.steps if step.name in after]
    facts = {**whole.facts, "strategy": "rolling", "batches": len(batches)}
    return replace(whole, action=ACTION.name, title=f"{whole.title}, rolling", steps=tuple(steps), facts=facts)


def _batches(fleet: Fleet, percent: int) -> list[tuple[Host, ...]]:
    """In configuration order, but the server that migrates is in the first one: no other serves the version before."""
    first = fleet.environment.migrate_on
    hosts = sorted(fleet.hosts, key=lambda host: host.name != first)
    size = max(1, len(hosts) * percent // 100)
    return [tuple(hosts[at : at + size]) for at in range(0, len(hosts), size)]


def _change(whole: Plan, batch: Fleet, first: bool) -> list[Do]:
    """Users away, the release changed, users back; migrations only in the first batch, since the database is shared."""
    green, where = str(whole.facts["release"]), servers(names(batch.hosts))
    migrations = [step for step in whole.steps if isinstance(step, Do) and step.name == "migrate" and first]
    workers = restart(batch)
    return [
        Do(
            name="down",
            title=f"Put {where} into maintenance mode, for {LIMIT_S // 60} minutes at most",
            call=Call("down", {"seconds": LIMIT_S}),
            hosts=names(batch.hosts),
            undo=Back(Call("up"), f"Take {where} out of maintenance mode"),
            timeout=30,
        ),
        *(replace(step, timeout=MIGRATE_S) for step in migrations),
        health(batch, green, whole.version),
        *switches(batch, green, whole.version),
        replace(workers, title=f"{workers.title} on {where}"),
        Do(
            name="up",
            title=f"Take {where} out of maintenance mode",
            call=Call("up"),
            hosts=names(batch.hosts),
            undo=Harmless("Switching back needs no maintenance mode: it is one rename."),
            timeout=30,
        ),
    ]


def _between(whole: Plan, fleet: Fleet, batch: Sequence[Host], following: Sequence[Host], number: int) -> Watch:
    """The site as users see it, whichever version answers: old and new serve beside each other until the last batch."""
    probes = tuple(
        replace(probe, contains="") if "{version}" in probe.contains else probe for probe in fleet.environment.probes
    )
    title = f"Check from outside, with {whole.version} on {servers(names(batch))}, before {servers(names(following))}"
    return Watch(_numbered("between", number), title, probes, seconds=BETWEEN_S)


def _numbered(name: str, batch: int) -> str:
    return f"{name}.{batch + 1}" if batch else name


ACTION = Action(
    name="rolling",
    usage="deploy <version> rolling [by=<share>] [to|on <environment>]",
    summary=(
        f"Makes a version ready on all servers, then changes them one batch after another ({BY} % of them if by= does "
        "not say otherwise), each in maintenance mode for that moment; it stops and turns back at the first that fails."
    ),
    plan=plan,
    brings_artifact=True,
    log="deployment",
    examples=("deploy v1.2 rolling", "deploy v1.2 rolling by=50% to staging"),
)
