"""How long Slack is left alone after it did not take something, and what the log says of it."""

from __future__ import annotations

import asyncio
import logging

from bot.slack.connection.web import Failure, Trouble, advice

logger = logging.getLogger(__name__)


class Quiet:
    """`until` is a time of the loop's clock; `what` waits, in the log's words, first and longest so many seconds."""

    def __init__(self, what: str, backoff: tuple[float, float]) -> None:
        self._what, self._first, self._longest = what, *backoff
        self._pause, self._said = self._first, ""
        self.until = 0.0

    def over(self) -> None:
        """Slack took something."""
        self._pause, self._said = self._first, ""

    def after(self, failure: Failure) -> None:
        """As long as Slack says, or longer each time; what a person has to mend is an error in the log, once."""
        wait = failure.after if failure.trouble is Trouble.SLOWER else self._pause
        if failure.trouble is not Trouble.SLOWER:
            self._pause = min(self._pause * 2, self._longest)
        self.until = asyncio.get_running_loop().time() + wait
        setup = failure.trouble is Trouble.SETUP
        said = advice(failure.error) if setup else failure.error
        level = logging.ERROR if setup and said != self._said else logging.WARNING
        self._said = said
        logger.log(level, "%s waits %.0f s for Slack: %s", self._what, wait, said)
