"""Show what a stored change of the configuration would do, by the names of its keys; nothing is ever started."""

from __future__ import annotations

from actions.engine import configuring
from actions.engine.fleet import Artifact, Fleet, Request
from actions.engine.plan import Plan
from actions.engine.registry import Action


def plan(request: Request, fleet: Fleet, artifact: Artifact | None) -> Plan:
    """As config apply. Raises CannotPlan."""
    return configuring.plan(ACTION.name, request, fleet, configuring.proposed(fleet))


ACTION = Action(
    name="config diff",
    usage="config diff [<revision>] [to|on <environment>]",
    summary="Shows which keys a stored change of the environment file adds, changes and removes; never a value.",
    plan=plan,
    brings_artifact=False,
    brings_config=True,
    shows_only=True,
    log="config",
    examples=("config diff", "config diff cfg-7f3kq2 on staging"),
)
