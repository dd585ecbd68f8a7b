"""Serving, from the first look at the machine to the last picture in Slack: what runs beside what, and for how long."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

from bot.app import Bot
from bot.desk import late
from bot.evidence import Freshness
from bot.serving.boot_checks import check_machine, check_versions
from bot.serving.repeated import repeated
from bot.serving.web import Check, listen, make_web
from bot.slack.app import SlackFace, Waits
from bot.tails.cards.slack import SlackTail
from bot.tails.homes.home import keep_homes

logger = logging.getLogger(__name__)


async def serve(bot: Bot, stop: asyncio.Event, waits: Waits | None = None) -> None:
    """Serve until `stop` is set, then drain: no new requests, runs handed over, the last pictures sent.

    Raises CannotServe, NotDurable, InstanceTaken, CannotListen or SlackUnusable, in a sentence, before anything is
    taken in; and SlackUnusable later too, after draining, where Slack was away at first and then refuses the bot.
    """
    check_machine(bot.settings)
    fresh = Freshness(bot.desk.evidence, timedelta(seconds=bot.settings.look_every))
    await bot.store.check_durable(bot.settings.redis_without_aof)
    await bot.work.claim()
    async with _faced(bot, waits) as face:
        runner = await listen(
            make_web(_checks(bot, face), face.routes() if face else (), _notes(bot)), bot.settings.listen
        )
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(bot.work.serve(stop), name="work")
                beside = [
                    group.create_task(check_versions(bot.world.artifacts), name="versions"),
                    group.create_task(repeated(late.LateStarts(bot.desk).look, late.EVERY), name="late starts"),
                    group.create_task(bot.watching.run(), name="watching"),
                    group.create_task(repeated(fresh.look, fresh.pause), name="evidence"),
                ]
                if face:
                    group.create_task(_tail(bot, face, stop), name="slack tail")
                    group.create_task(_keep_homes(bot, face, stop), name="home tail")
                    await face.start()
                    group.create_task(_end_if_unusable(face, stop), name="slack connecting")
                logger.info("serving as %s on %s", bot.settings.instance, bot.settings.listen)
                await stop.wait()
                for task in beside:
                    task.cancel()
                if face:
                    await face.stop_intake()
        except BaseExceptionGroup as faults:
            raise faults.exceptions[0] from faults
        finally:
            await runner.cleanup()
        if face and (unusable := face.unusable):
            raise unusable
    logger.info("stopped")


@asynccontextmanager
async def _faced(bot: Bot, waits: Waits | None) -> AsyncGenerator[SlackFace | None]:
    if bot.settings.slack is None:
        yield None
        return
    face = SlackFace(bot.desk, bot.settings.slack, bot.store, bot.world.clock, waits)
    try:
        yield face
    finally:
        await face.close()


async def _end_if_unusable(face: SlackFace, stop: asyncio.Event) -> None:
    """A bot that Slack refuses ends, whenever it hears of it: left alone it would look alive and hear nobody."""
    await face.settled()
    if face.unusable:
        stop.set()


async def _tail(bot: Bot, face: SlackFace, stop: asyncio.Event) -> None:
    settings, world = bot.settings, bot.world
    assert settings.slack is not None
    tail = SlackTail(
        face.client, bot.store, bot.desk, settings.slack, world.hosts, world.redact,
        instance=settings.instance, metrics=bot.metrics, remind_after=timedelta(seconds=settings.remind_after),
    )  # fmt: skip
    await tail.run(stop)


async def _keep_homes(bot: Bot, face: SlackFace, stop: asyncio.Event) -> None:
    instance, surveys = bot.settings.instance, bot.desk.offers.surveys
    await keep_homes(stop, face, bot.store, bot.desk, surveys, bot.world.clock, instance=instance)


def _checks(bot: Bot, face: SlackFace | None) -> dict[str, Check]:
    async def redis() -> str:
        return "" if await bot.store.ping() else "Redis does not answer."

    async def slack() -> str:
        return face.trouble if face else ""

    return {"redis": redis, "slack": slack}


def _notes(bot: Bot) -> dict[str, Check]:
    async def groups() -> str:
        return bot.desk.roster.note(bot.world.clock.now())

    return {"user groups": groups}
