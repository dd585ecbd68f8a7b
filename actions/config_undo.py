"""Undo a configuration: the environment file of before comes back, from what the servers themselves keep."""

from __future__ import annotations

from actions.engine import configuring
from actions.engine.fleet import Artifact, CannotPlan, Earlier, Fleet, Host, Request
from actions.engine.plan import Plan
from actions.engine.registry import Action
from actions.engine.words import counted


def plan(request: Request, fleet: Fleet, artifact: Artifact | None) -> Plan:
    """So many changes back, on the hosts that they were made on. Raises CannotPlan."""
    configuring.require(fleet)
    steps = int(str(request.arguments.get("steps", 1)))
    back = _back(fleet, steps)
    wanted = configuring.Wanted(
        tuple(host for host in fleet.hosts if host.name in back),
        {name: earlier.differs for name, earlier in back.items()},
        f"Undo {counted(steps, 'change')} of the configuration of {fleet.environment.name}",
        to=tuple(earlier.config for earlier in back.values()),
    )
    return configuring.plan(ACTION.name, request, fleet, wanted)


def _back(fleet: Fleet, steps: int) -> dict[str, Earlier]:
    """Where each host goes; a change that was made on some of them is taken back there and nowhere else."""
    gone = dict.fromkeys((host.name for host in fleet.hosts), 0)
    for done in range(steps):
        ahead = {host.name: host.earlier[gone[host.name]] for host in fleet.hosts if _more(host, gone[host.name])}
        if not ahead:
            raise CannotPlan(_too_far(fleet, done, steps))
        by_hand = [name for name, earlier in ahead.items() if not earlier.left]
        newest = max(earlier.left for earlier in ahead.values())
        for name in by_hand or [name for name, earlier in ahead.items() if earlier.left == newest]:
            gone[name] += 1
    return {host.name: host.earlier[gone[host.name] - 1] for host in fleet.hosts if gone[host.name]}


def _more(host: Host, gone: int) -> bool:
    return gone < len(host.earlier)


def _too_far(fleet: Fleet, there: int, steps: int) -> str:
    name = fleet.environment.name
    if not there:
        return f"The servers of {name} keep no earlier configuration, so there is nothing to undo."
    return f"The servers of {name} keep {counted(there, 'earlier configuration')}, so they cannot go back {steps}."


ACTION = Action(
    name="config undo",
    usage="config undo [steps=N] [on <environment>]",
    summary="Brings the environment file back that was in force before the last change, or before the last N changes.",
    plan=plan,
    brings_artifact=False,
    log="config",
    examples=("config undo", "config undo steps=2 on staging"),
)
