"""Apply a configuration: what an operator stored is made ready beside what is served, and one switch leads there."""

from __future__ import annotations

from actions.engine import configuring
from actions.engine.fleet import Artifact, Fleet, Request
from actions.engine.plan import Plan
from actions.engine.registry import Action


def plan(request: Request, fleet: Fleet, artifact: Artifact | None) -> Plan:
    """The same code with another environment file, on the hosts where it changes something. Raises CannotPlan."""
    return configuring.plan(ACTION.name, request, fleet, configuring.proposed(fleet))


ACTION = Action(
    name="config apply",
    usage="config apply [<revision>] [to|on <environment>]",
    summary="Brings a stored change of the environment file into force, the newest or the one you name.",
    plan=plan,
    brings_artifact=False,
    brings_config=True,
    log="config",
    examples=("config apply", 'config apply cfg-7f3kq2 to staging reason="the new mail server"'),
)
