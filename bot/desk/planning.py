"""From what was typed to a plan: parse, resolve the version, look at the servers, call the pure planner."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from actions.engine.across import left_behind, sources
from actions.engine.fleet import Artifact, CannotPlan, Differs, Environment, Fleet, Host, Proposed, Request
from actions.engine.migrations import Migration
from actions.engine.plan import Arg, Plan
from actions.engine.ports import Artifacts, HostRefused, Hosts, Unreachable
from actions.engine.registry import BadCommand, Matched, Registry
from actions.engine.registry.grammar import retyped
from actions.engine.revisions import Configs, Revision
from actions.engine.steps import newer_live
from actions.engine.words import FEW, in_utc, named
from bot.desk.comparing import Compared, Comparing

T = TypeVar("T")


class Refusal(Exception):
    """Bad input, or an act that is not possible now: a sentence for the person who did it, only for them.

    `change` is the id of the change it speaks of, so that a card can be linked; "" for none. Times in `said` are
    instants (words.py), which Slack shows in the reader's zone; the exception as a string has them in UTC.
    """

    def __init__(self, said: str, change: str = "") -> None:
        super().__init__(in_utc(said))
        self.said, self.change = said, change


class Unlisted(Refusal):
    """Nobody in chom.toml has the account that asked."""


class NoPlan(Refusal):
    """The servers were looked at, and what was asked makes no plan on them."""


@dataclass(frozen=True, slots=True)
class Planning:
    """Reads everything and changes nothing."""

    registry: Registry
    environments: Mapping[str, Environment]
    default_environment: str
    hosts: Hosts
    artifacts: Artifacts
    configs: Configs

    @property
    def comparing(self) -> Comparing:
        """What reads artifacts."""
        return Comparing(self.artifacts)

    def match(self, text: str) -> Matched:
        """Parse a command. Raises Refusal with the help that fits what was typed."""
        try:
            return self.registry.match(text, tuple(self.environments), self.default_environment)
        except BadCommand as wrong:
            raise Refusal(str(wrong)) from None

    async def plan(self, text: str, at: datetime) -> tuple[Request, Plan]:
        """The plan of that command asked at that time, from what the servers look like now.

        Raises NoPlan where there is none, and another Refusal where something could not be looked at.
        """
        matched = self.match(text)
        request = Request(
            matched.action.name,
            matched.environment,
            at,
            dict(matched.arguments),
            matched.reason,
            matched.text,
            matched.category,
            matched.emergency,
        )
        artifact = await self._artifact(matched)
        revision = await self._revision(matched)
        fleet = await self.survey(matched.environment)
        if revision:
            fleet = replace(fleet, proposed=await self._proposed(fleet, revision))
        compared = await self.comparing.version(artifact, fleet) if artifact else None
        try:
            if artifact and compared:
                reads = await self._known(compared, artifact, fleet)
            else:
                reads = await self.comparing.migrations(matched.action.reads(request, fleet))
            plan = matched.action.plan(request, replace(fleet, reads=reads), artifact)
        except CannotPlan as cannot:
            raise NoPlan(retyped(str(cannot), matched.text)) from None
        return request, replace(plan, facts={**plan.facts, **compared.facts(plan)}) if compared else plan

    async def _known(self, compared: Compared, artifact: Artifact, fleet: Fleet) -> Mapping[str, Migration]:
        """What migrations do that a deploy has to know of: an older version needs what a rollback to it does."""
        if not newer_live(fleet.hosts, artifact.version):
            return compared.migrations
        left = [name for name in left_behind(fleet, artifact.migrations) if name not in compared.migrations]
        return {**await self.comparing.migrations(sources(fleet, left)), **compared.migrations}

    async def _artifact(self, matched: Matched) -> Artifact | None:
        if not matched.action.brings_artifact:
            return None
        try:
            return await self.artifacts.resolve(str(matched.arguments["version"]))
        except CannotPlan as cannot:
            raise Refusal(str(cannot)) from None

    async def _revision(self, matched: Matched) -> Revision | None:
        if not matched.action.brings_config:
            return None
        try:
            return await self.configs.revision(matched.environment, str(matched.arguments.get("revision", "")))
        except CannotPlan as cannot:
            raise Refusal(str(cannot)) from None

    async def _proposed(self, fleet: Fleet, revision: Revision) -> Proposed:
        """What the edits would do on each host, asked of all at once. Raises Refusal naming each that failed."""
        looks = await asyncio.gather(*(self._differs(host.name, revision) for host in fleet.hosts))
        if troubles := [look for look in looks if isinstance(look, str)]:
            raise Refusal(f"{' '.join(troubles)} Nothing was changed anywhere.")
        known = {host.name: look for host, look in zip(fleet.hosts, looks, strict=True) if isinstance(look, Differs)}
        return Proposed(revision.id, revision.by, revision.sha256, known)

    async def _differs(self, host: str, revision: Revision) -> Differs | str:
        return await _or_sentence(host, self.hosts.differs(host, revision.edits))

    async def expect(self, plan: Plan) -> None:
        """Have its servers ready for what it uploads. One that cannot be is told of by the upload itself."""
        if plan.sha256:
            await asyncio.gather(*(_or_sentence(host.name, self.hosts.expect_upload(host.name)) for host in plan.hosts))

    async def look(self, host: str) -> Host | str:
        """The host as it is now, or a sentence that says why it cannot be looked at."""
        return await _or_sentence(host, self.hosts.survey(host))

    async def survey(self, environment: str) -> Fleet:
        """The environment's hosts as they are now, all asked at once. Raises Refusal naming each that failed."""
        fleet, trouble = await self.seen(environment)
        if trouble:
            raise Refusal(f"{trouble} Nothing was changed anywhere.")
        return fleet

    async def seen(self, environment: str) -> tuple[Fleet, str]:
        """Those hosts of it that can be looked at, and in a few sentences why the others cannot."""
        settings = self.environments[environment]
        looks = await asyncio.gather(*(self.look(name) for name in settings.hosts))
        troubles = {name: look for name, look in zip(settings.hosts, looks, strict=True) if isinstance(look, str)}
        there = tuple(look for look in looks if isinstance(look, Host))
        return Fleet(settings, there), _in_short(troubles, len(looks)) if troubles else ""


def _in_short(troubles: Mapping[str, str], of: int) -> str:
    """Each server that could not be looked at, with why; of many all the names, and why the first ones could not."""
    why = list(troubles.values())
    if len(why) <= FEW:
        return " ".join(why)
    return " ".join([f"{len(why)} of {of} servers could not be looked at: {named(troubles)}.", *why[:FEW]])


async def _or_sentence(host: str, asked: Awaitable[T]) -> T | str:
    try:
        return await asked
    except Unreachable as away:
        return str(away)
    except HostRefused as refused:
        return f"{host} refuses: {refused.message.removeprefix(f'{host}: ').rstrip('.')}."


def what_moved(approved: Plan, now: Plan) -> str:
    """What differs between the approved plan and the one that would be made now, as a sentence; "" if nothing."""
    if approved.digest() == now.digest():
        return ""
    others = "The plan has other steps than when this was asked."
    return _hosts_moved(approved, now) or _config_moved(approved, now) or _build_moved(approved, now) or others


def _config_moved(approved: Plan, now: Plan) -> str:
    if now.facts.get("config_revision", "") != approved.facts.get("config_revision", ""):
        return f"{now.facts['config_revision']} was stored since this was asked; name the one that you mean."
    base, before = (set(_words(made.facts.get("config_base", ()))) for made in (now, approved))
    moved = named(sorted(word.partition(" ")[0] for word in base - before))
    return (
        f"shared/.env on {moved} is another file than when this was asked, so this plan no longer fits."
        if moved
        else ""
    )


def _words(fact: Arg) -> tuple[str, ...]:
    return fact if isinstance(fact, tuple) else ()


def _hosts_moved(approved: Plan, now: Plan) -> str:
    old = {seen.name: seen for seen in approved.hosts}
    for seen in now.hosts:
        if seen.name not in old:
            return f"{seen.name} was added to {now.environment} since this was asked."
        if seen.key != old[seen.name].key:
            return f"{seen.name} has another host key than when this was asked."
    if len(old) != len(now.hosts):
        return f"{now.environment} has other servers than when this was asked."
    if moved := [seen.name for seen in now.hosts if seen.release != old[seen.name].release]:
        return _serves_another(approved, now, moved)
    if approved.agent != now.agent:
        return "chom-host on the servers was replaced since this was asked."
    return ""


def _serves_another(approved: Plan, now: Plan, moved: list[str]) -> str:
    serves = now.facts.get("replaces", "")
    if serves and serves != approved.facts.get("replaces") and len({seen.release for seen in now.hosts}) == 1:
        return (
            f"{now.environment} serves {serves} now, which it did not when this was asked, so this plan no longer fits."
        )
    serve = "serves" if len(moved) == 1 else "serve"
    return f"{named(moved)} {serve} another release than when this was asked, so this plan no longer fits."


def _build_moved(approved: Plan, now: Plan) -> str:
    """Only where a version is brought: what a rollback goes to was built long ago."""
    if approved.version != now.version:
        return f"It would go to {now.version} now, and {approved.version} was asked for."
    if approved.sha256 and (approved.sha256, approved.commit) != (now.sha256, now.commit):
        return f"{approved.version} was built again since this was asked, so it is not what was approved any more."
    for seen, before in zip(now.hosts, approved.hosts, strict=True):
        if seen.pending != before.pending:
            return f"{seen.name} needs other migrations than when this was asked."
    return ""
