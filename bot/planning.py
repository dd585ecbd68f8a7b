"""From what was typed to a plan: parse, resolve the version, look at the servers, call the pure planner."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from actions.engine.fleet import CannotPlan, Environment, Fleet, Host, Request
from actions.engine.plan import Plan
from actions.engine.ports import Artifacts, HostRefused, Hosts, Unreachable
from actions.engine.registry import BadCommand, Matched, Registry


class Refusal(Exception):
    """Bad input, or an act that is not possible now: a sentence for the person who did it, only for them.

    `change` is the id of the change it speaks of, so that a card can be linked; "" for none.
    """

    def __init__(self, said: str, change: str = "") -> None:
        super().__init__(said)
        self.said, self.change = said, change


@dataclass(frozen=True, slots=True)
class Planning:
    """Reads everything and changes nothing."""

    registry: Registry
    environments: Mapping[str, Environment]
    default_environment: str
    hosts: Hosts
    artifacts: Artifacts

    def match(self, text: str) -> Matched:
        """Parse a command. Raises Refusal with the help that fits what was typed."""
        try:
            return self.registry.match(text, tuple(self.environments), self.default_environment)
        except BadCommand as wrong:
            raise Refusal(str(wrong)) from None

    async def plan(self, text: str, at: datetime) -> tuple[Request, Plan]:
        """The plan of that command asked at that time, from what the servers look like now. Raises Refusal."""
        matched = self.match(text)
        request = Request(
            matched.action.name, matched.environment, at, dict(matched.arguments), matched.reason, matched.text
        )
        try:
            artifact = None
            if matched.action.brings_artifact:
                artifact = await self.artifacts.resolve(str(matched.arguments["version"]))
            fleet = await self.survey(matched.environment)
            return request, matched.action.plan(request, fleet, artifact)
        except CannotPlan as cannot:
            raise Refusal(str(cannot)) from None

    async def survey(self, environment: str) -> Fleet:
        """The environment's hosts as they are now, all asked at once. Raises Refusal naming each that failed."""
        settings = self.environments[environment]
        looks = await asyncio.gather(*(self.hosts.survey(name) for name in settings.hosts), return_exceptions=True)
        seen: list[Host] = []
        troubles: list[str] = []
        for name, look in zip(settings.hosts, looks, strict=True):
            match look:
                case Host():
                    seen.append(look)
                case Unreachable():
                    troubles.append(str(look))
                case HostRefused():
                    troubles.append(f"{name} refused: {look.message}")
                case BaseException():
                    raise look
        if troubles:
            raise Refusal(f"{' '.join(troubles)} Nothing was changed anywhere.")
        return Fleet(settings, tuple(seen))


def what_moved(approved: Plan, now: Plan) -> str:
    """What differs between the approved plan and the one that would be made now, as a sentence; "" if nothing."""
    if approved.digest() == now.digest():
        return ""
    if (approved.sha256, approved.commit) != (now.sha256, now.commit):
        return f"{approved.version} was built again since this was asked: it is another artifact than the approved one."
    if approved.agent != now.agent:
        return "chom-host on the servers was replaced since this was asked."
    old = {seen.name: seen for seen in approved.hosts}
    for seen in now.hosts:
        if seen.name not in old:
            return f"{seen.name} was added to {now.environment} since this was asked."
        if seen.key != old[seen.name].key:
            return f"{seen.name} has another host key than when this was asked."
        if seen.release != old[seen.name].release:
            return f"{seen.name} serves another release than when this was asked."
        if seen.pending != old[seen.name].pending:
            return f"The migrations that {seen.name} still needs are others than when this was asked."
    if len(old) != len(now.hosts):
        return f"{now.environment} has other hosts than when this was asked."
    return "The steps are others than those that were approved."
