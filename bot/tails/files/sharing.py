"""Files for Slack: sent where nobody sees them yet, and then shared in a thread, once."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from bot.slack.connection.web import CallFailed, Trouble, advice, send_bytes
from bot.tails.delivery.finder import Finder
from bot.tails.delivery.notes import Place
from bot.tails.delivery.sender import Sender

logger = logging.getLogger(__name__)


class NotTaken(Exception):
    """Slack will not take the file, and why, in words."""


async def uploaded(sender: Sender, name: str, content: bytes, again: float, alt: str = "") -> str:
    """Slack's id of it, which nobody sees until it is shared; tried every `again` seconds where Slack is away.

    `alt` is what a picture shows, for those who do not see it. Raises NotMine, NotTaken.
    """
    asked = {"filename": name, "length": len(content)} | ({"alt_txt": alt} if alt else {})
    while True:
        try:
            answer = await sender.called("files.getUploadURLExternal", asked, as_query=True)
            await send_bytes(sender.client, answer.text("upload_url"), content)
        except CallFailed as failed:
            if failed.failure.trouble not in {Trouble.LATER, Trouble.SLOWER}:
                raise NotTaken(f"Slack does not take the file ({advice(failed.failure.error)})") from None
            logger.warning("the file %s waits for Slack: %s", name, failed)
            await asyncio.sleep(max(failed.failure.after, again))
        else:
            return answer.text("file_id")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that Slack has."""

    file: str
    title: str
    comment: str
    """mrkdwn beside it."""


class Sharing:
    """Its id is noted by the caller before it is shared: `again` where it was noted before this call."""

    def __init__(self, sender: Sender, finder: Finder) -> None:
        self._sender, self._finder = sender, finder

    async def share(self, place: Place, key: str, upload: Upload, *, again: bool) -> bool:
        """Whether the thread has it now; not where Slack knows no such file. Raises NotMine, Gone, CallFailed.

        Slack knows no file that was shared before, either: where the app may not look, that is what it means.
        """
        if again and self._sender.may_stand(key) and await self._finder.shared(place, upload.file):
            return True
        told = {
            "files": [{"id": upload.file, "title": upload.title}],
            "channel_id": place[0],
            "thread_ts": place[1],
            "initial_comment": upload.comment,
        }
        try:
            with self._sender.posting(key):
                await self._sender.called("files.completeUploadExternal", told)
        except CallFailed as failed:
            if failed.failure.trouble is not Trouble.REFUSED:
                raise
            logger.warning("%s is not shared again: %s", upload.title, failed)
            return again and self._finder.blind
        return True
