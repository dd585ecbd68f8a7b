"""The desk in a terminal: the same policy, journal and fence, for the night when Slack is down."""

from __future__ import annotations

import asyncio
import os
import pwd
from collections.abc import Awaitable, Callable, Iterable

import typer

from actions.engine.words import joined, quote
from bot.app import Bot
from bot.desk.answering import shifting
from bot.desk.desk import Refusal
from bot.desk.explained import named_by
from bot.desk.named import NOTHING_TO_PLAN, environment_of, unquoted
from bot.desk.view import ChangeView
from bot.shell import printed
from bot.shell.following import LEFT, follow
from bot.store import NotDurable, StoreDown
from bot.work import InstanceTaken
from policies.change import Person, Waiting


def with_sentences(job: Callable[[], Awaitable[int | None]], *foreseen: type[Exception]) -> int:
    """Run it and return its exit status; what can be foreseen is a sentence on stderr and status 2.

    `foreseen` is of this job, beside what any command may meet.
    """
    try:
        return asyncio.run(_as_coroutine(job)) or 0
    except Refusal as refused:
        typer.echo(printed.spoken(refused.said), err=True)
        return 2
    except (NotDurable, StoreDown, InstanceTaken, *foreseen) as fault:
        typer.echo(str(fault), err=True)
        return 2
    except KeyboardInterrupt:
        typer.echo(LEFT, err=True)
        return 130


async def _as_coroutine(job: Callable[[], Awaitable[int | None]]) -> int | None:
    return await job()


def run(bot: Bot, job: Callable[[Bot], Awaitable[int]]) -> int:
    """The exit status of one of the acts below; the bot is closed behind it."""

    async def closing() -> int:
        try:
            await bot.desk.roster.load()
            return await job(bot)
        finally:
            await bot.close()

    return with_sentences(closing)


def login() -> str:
    """The Unix login of whoever types; behind sudo, of the person who called sudo."""
    if os.getuid() == 0 and os.environ.get("SUDO_USER"):
        return os.environ["SUDO_USER"]
    return pwd.getpwuid(os.getuid()).pw_name


async def propose(bot: Bot, text: str) -> int:
    """Ask for a change and watch it to its end; 0 when it is live, 1 when it is not."""
    if bot.desk.shows_only(text):
        return await plan(bot, text)
    await bot.store.check_durable(bot.settings.redis_without_aof)
    view = await bot.desk.propose(text, await admitted(bot, text), _account())
    waits = printed.said(view) if isinstance(view.verdict, Waiting) else []
    return await follow(bot, view, [*printed.plan(view), *waits])


async def go_on(bot: Bot, named: str) -> int:
    """Print what runs or waits as it goes, from its beginning; where no bot that lives walks it, this process does."""
    await admitted(bot, "follow", named)
    looking, wanted = bot.desk.looking, environment_of(named)
    view = await (looking.view(wanted) if wanted.startswith("chg-") else looking.only_one(wanted, "follow"))
    return await follow(bot, view, [] if view.run.opened else printed.said(view))


async def plan(bot: Bot, text: str) -> int:
    """Show what a command would do; nothing is stored, and nothing can start."""
    if not text:
        raise Refusal(NOTHING_TO_PLAN)
    _echo(printed.preview(await bot.desk.preview(text, _who(bot))))
    return 0


async def approve(bot: Bot, named: str) -> int:
    """Approve what waits and watch it to its end."""
    who, change = await admitted(bot, "approve", named), await _one_that_waits(bot, named)
    digest = (await bot.desk.view(change)).change.digest
    _echo(printed.plan(await bot.desk.decidable(change, digest, who, _account())))
    view = await bot.desk.approve(change, digest, who, _account())
    if not view.run.opened:
        _echo(printed.said(view))
        return 0
    return await follow(bot, view)


async def reject(bot: Bot, named: str, reason: str) -> int:
    """Reject what waits."""
    who, change = await admitted(bot, "reject", named), await _one_that_waits(bot, named)
    waiting = await bot.desk.view(change)
    view = await bot.desk.reject(change, waiting.change.digest, who, _account(), reason)
    _echo(printed.said(view))
    return 0


async def stop(bot: Bot, named: str) -> int:
    """Have a run turn back, or withdraw a request that waits."""
    who = await admitted(bot, "stop", named)
    try:
        view = await bot.desk.stop(environment_of(named), who, _account())
    except Refusal as why:
        view = await _turning_back(bot, why)
        typer.echo(printed.spoken(str(why)))
    if not view.run.opened:
        typer.echo(printed.spoken(f"Withdrawn: {view.title}."))
        _echo(printed.said(view))
        return 0
    return await follow(bot, view)


async def _turning_back(bot: Bot, why: Refusal) -> ChangeView:
    """The run that a second stop finds stopped: it may be this shell that has to walk it. Else raises the refusal."""
    view = await bot.desk.view(why.change) if why.change else None
    if view is None or not view.run.opened or view.run.ended or not (view.run.stop or view.run.turned):
        raise why
    return view


async def answer(bot: Bot, change: str, choice: str) -> int:
    """Answer what the run asks, and watch it to its end."""
    who = await admitted(bot, choice, change)
    view = await bot.desk.view(change)
    asks, on = view.run.question, shifting(view.run)
    if asks is None and on is None:
        raise await bot.desk.running.no_question(change)
    step, host = (asks.step, asks.host) if asks else (on[0], str(on[1].weight)) if on else ("", "")
    view = await bot.desk.answer(change, step, host, choice, who, _account())
    return await follow(bot, view)


async def status(bot: Bot, environment: str) -> int:
    """Print what is live where; 1 where a server does not answer."""
    seen = await bot.desk.status(environment_of(environment))
    for one in seen:
        _echo(printed.status(one))
    if note := bot.desk.roster.note(bot.world.clock.now()):
        typer.echo(printed.spoken(note))
    return int(any(one.trouble for one in seen))


async def history(bot: Bot, environment: str) -> int:
    """Print the last runs, newest first."""
    named = environment_of(environment)
    past = await bot.desk.history(named, requests=True)
    for one in past:
        _echo(printed.past(one))
    if not past:
        typer.echo(f"Nothing was done{f' on {named}' if named else ''} yet.")
    return 0


async def who(bot: Bot, named: str) -> int:
    """Print who could approve what waits, or what would be asked of a version."""
    for view in await named_by(bot.desk, environment_of(named), _who(bot)):
        _echo(printed.explained(view))
    return 0


async def explain(bot: Bot, text: str, asker: str = "") -> int:
    """Print what would be asked of a change, without its steps; nothing is stored.

    `asker` is the id in chom.toml of who is supposed to ask for it; "" for whoever types.
    """
    people = bot.desk.people
    if asker and asker not in people:
        raise Refusal(f"chom.toml names nobody as {quote(asker)}; it names {joined(people)}.")
    _echo(printed.explained(await bot.desk.preview(text, people[asker] if asker else _who(bot))))
    return 0


async def review(bot: Bot, change: str, said: str) -> int:
    """Close the review of an emergency."""
    view = await bot.desk.reviewing.review(change, await admitted(bot, "review", change), _account(), unquoted(said))
    typer.echo(printed.spoken(f"Reviewed: {view.title}."))
    return 0


async def _one_that_waits(bot: Bot, named: str) -> str:
    """The change that was named. Raises Refusal where none was, with those there are."""
    if named:
        return named
    waits = [view for view in await bot.desk.looking.going_on() if not view.run.opened]
    if not waits:
        raise Refusal("Nothing waits for an approval.")
    titles = "; ".join(f"{view.title} ({view.change.id})" for view in waits)
    raise Refusal(f"Say which of what waits: {titles}. For example: `approve {waits[0].change.id}`.")


def _who(bot: Bot) -> Person:
    return bot.desk.unix_person(login())


async def admitted(bot: Bot, wanted: str, change: str = "") -> Person:
    """As `_who`; that somebody is nobody here is written down with what they wanted."""
    async with bot.desk.witness.refusing("", _account(), change if change.startswith("chg-") else "", wanted=wanted):
        return _who(bot)


def _account() -> str:
    return f"unix:{login()}"


def _echo(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(line)
