"""The desk in a terminal: the same policy, journal and fence, for the night when Slack is down."""

from __future__ import annotations

import asyncio
import os
import pwd
from collections.abc import Awaitable, Callable

import typer

from actions.engine.journal import Outcome, Took
from bot.app import Bot
from bot.boot_checks import CannotServe
from bot.desk import Refusal
from bot.milestones import milestone
from bot.slack.web import SlackUnusable
from bot.store import NotDurable, StoreDown
from bot.view import ChangeView, EnvironmentStatus
from bot.web import CannotListen
from bot.work import InstanceTaken
from policies.change import Person, Refused, Waiting

POLL = 0.5
"""Seconds between two looks at the journal."""
NOBODY_CAME = 3.0
"""Seconds after which this process walks the run itself, because no bot that serves has taken it."""


def with_sentences(job: Callable[[], Awaitable[int | None]]) -> int:
    """Run it and return its exit status; what can be foreseen is a sentence on stderr and status 2."""
    try:
        return asyncio.run(_as_coroutine(job)) or 0
    except (Refusal, NotDurable, StoreDown, InstanceTaken, CannotServe, CannotListen, SlackUnusable) as refused:
        typer.echo(str(refused), err=True)
        return 2
    except KeyboardInterrupt:
        typer.echo("Stopped looking. What was started goes on; see it with `chom-bot status`.", err=True)
        return 130


async def _as_coroutine(job: Callable[[], Awaitable[int | None]]) -> int | None:
    return await job()


def login() -> str:
    """The Unix login of whoever types; behind sudo, of the person who called sudo."""
    if os.getuid() == 0 and os.environ.get("SUDO_USER"):
        return os.environ["SUDO_USER"]
    return pwd.getpwuid(os.getuid()).pw_name


def _who(bot: Bot) -> Person:
    return bot.desk.unix_person(login())


async def propose(bot: Bot, text: str) -> int:
    """Ask for a change and watch it to its end; 0 when it is live, 1 when it is not."""
    return await _closing(bot, lambda: _propose(bot, text))


async def _propose(bot: Bot, text: str) -> int:
    await bot.store.check_durable(bot.settings.redis_without_aof)
    view = await bot.desk.propose(text, _who(bot))
    _show_plan(view)
    if isinstance(view.verdict, Waiting):
        typer.echo(f"{view.verdict.said}\nIn a shell: chom-bot approve {view.change.id}")
    return await _follow(bot, view)


async def approve(bot: Bot, change: str) -> int:
    """Approve what waits and watch it to its end."""

    async def job() -> int:
        who = _who(bot)
        waiting = await bot.desk.view(change)
        view = await bot.desk.approve(change, waiting.change.digest, who, f"unix:{login()}")
        if not view.run.opened:
            typer.echo(view.verdict.said)
            return 0
        return await _follow(bot, view)

    return await _closing(bot, job)


async def reject(bot: Bot, change: str, reason: str) -> int:
    """Reject what waits."""

    async def job() -> int:
        who = _who(bot)
        waiting = await bot.desk.view(change)
        view = await bot.desk.reject(change, waiting.change.digest, who, f"unix:{login()}", reason)
        typer.echo(view.verdict.said)
        return 0

    return await _closing(bot, job)


async def stop(bot: Bot, change: str) -> int:
    """Have a run turn back, or withdraw a request that waits."""

    async def job() -> int:
        view = await bot.desk.stop(change, _who(bot))
        if not view.run.opened:
            typer.echo(view.verdict.said)
            return 0
        return await _follow(bot, view)

    return await _closing(bot, job)


async def status(bot: Bot, environment: str) -> int:
    """Print what is live where; 1 where a server does not answer."""

    async def job() -> int:
        seen = await bot.desk.status(environment)
        for one in seen:
            typer.echo(_status_line(one))
        return int(any(one.trouble for one in seen))

    return await _closing(bot, job)


async def history(bot: Bot, environment: str) -> int:
    """Print the last runs, newest first."""

    async def job() -> int:
        for past in await bot.desk.history(environment):
            ended = past.view.run.ended
            outcome = ended.summary if ended else "under way"
            typer.echo(f"{past.started:%Y-%m-%d %H:%M} UTC  {past.view.change.id}  {past.view.change.plan.title}")
            typer.echo(f"    {outcome}")
        return 0

    return await _closing(bot, job)


async def _closing(bot: Bot, job: Callable[[], Awaitable[int]]) -> int:
    try:
        return await job()
    finally:
        await bot.close()


def _show_plan(view: ChangeView) -> None:
    plan = view.change.plan
    typer.echo(f"{plan.title}  ({view.change.id})")
    for number, step in enumerate(plan.steps, 1):
        typer.echo(f"  {number}. {step.title}")


async def _follow(bot: Bot, view: ChangeView) -> int:
    """Print each milestone until the end; walks the run itself where no bot does."""
    seen, waited, worker = 0, 0.0, None
    stop = asyncio.Event()
    try:
        while True:
            entries = await bot.store.read(view.change.id)
            for entry in entries[seen:]:
                if said := milestone(entry, view):
                    typer.echo(f"{entry.at:%H:%M:%S}  {said}")
            seen = len(entries)
            view = await bot.desk.view(view.change.id)
            if view.run.ended:
                return 0 if view.run.ended.outcome is Outcome.DONE else 1
            if not view.run.opened and isinstance(view.verdict, Refused):
                typer.echo(view.verdict.said)
                return 1
            taken = any(isinstance(entry, Took) for entry in entries)
            waited = 0.0 if taken or not view.run.opened else waited + POLL
            if waited > NOBODY_CAME and worker is None:
                worker = asyncio.create_task(bot.work.serve(stop))
            await asyncio.sleep(POLL)
    finally:
        stop.set()
        if worker:
            await worker


def _status_line(one: EnvironmentStatus) -> str:
    doing = f"  now: {one.open_run.change.plan.title}" if one.open_run else ""
    waits = "".join(f"\n    waits: {v.change.plan.title} ({v.change.id}): {v.verdict.said}" for v in one.pending)
    if one.fleet is None:
        return f"{one.name}: {one.trouble}{doing}{waits}"
    live = ", ".join(f"{h.name} {r.version if (r := h.release(h.current)) else 'nothing yet'}" for h in one.fleet.hosts)
    return f"{one.name}: {live}{doing}{waits}"
