"""Asking and approving at a desk in a line each, for the tests of what comes of it."""

from __future__ import annotations

import pytest

from bot.desk.desk import Refusal
from bot.desk.view import ChangeView
from tests.desk.conftest import Room


async def asked(room: Room, text: str = "deploy v1.2", who: str = "dev") -> ChangeView:
    return await room.desk.propose(text, room.who(who))


async def approved(room: Room, view: ChangeView, who: str = "lead") -> ChangeView:
    return await room.desk.approve(view.change.id, view.change.digest, room.who(who), f"unix:{who}")


async def refused(job: object) -> str:
    with pytest.raises(Refusal) as caught:
        await job  # type: ignore[misc]
    return caught.value.said
