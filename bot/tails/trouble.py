"""When Slack is not as it should be: for how long there are no calls, and which."""

from __future__ import annotations

import logging

from bot.slack.web import CallFailed, Failure, Trouble, advice
from bot.tails.pace import Pace
from bot.tails.turns import Turn, Turns, Want

logger = logging.getLogger(__name__)

_SLOWER = {"chat.update": Want.NEWS, "chat.postMessage": Want.CARD}
"""Slack limits each method by itself: which of what is wanted waits for it."""


class Troubles:
    """Told of every call that failed and of every turn that went well."""

    def __init__(self, turns: Turns, pace: Pace) -> None:
        self._turns, self._pace = turns, pace
        self._pause = pace.backoff[0]
        self._until = 0.0
        self._said = ""

    def well(self) -> None:
        """A turn went well: Slack is there."""
        self._pause, self._turns.calls = self._pace.backoff[0], self._pace.calls
        self._said = ""

    def met(self, turn: Turn, failed: CallFailed, now: float) -> None:
        """Be quiet for as long as is right; what is newest then is shown."""
        failure = failed.failure
        match failure.trouble:
            case Trouble.REFUSED | Trouble.GONE:
                logger.error("Slack does not take what is to be said of %s: %s", turn.id, failed)
                self._turns.rest(turn.id, now + self._pace.refused)
            case Trouble.SLOWER:
                self._slower(turn, failed.method, failure, now)
            case Trouble.LATER | Trouble.SETUP:
                self._away(turn, failure, now)

    def _slower(self, turn: Turn, method: str, failure: Failure, now: float) -> None:
        logger.warning("%s was called too often; Slack wants none for %.0f s", method, failure.after)
        if wanted := _SLOWER.get(method):
            self._turns.shut(now + failure.after, wanted)
        else:
            self._turns.rest(turn.id, now + failure.after)

    def _away(self, turn: Turn, failure: Failure, now: float) -> None:
        """Nothing for a while, longer from time to time, and then one call to see."""
        if now < self._until:
            return  # of the same outage: it was under way when the first one failed
        wait, self._pause = self._pause, min(self._pause * 2, self._pace.backoff[1])
        self._until = now + wait
        self._turns.shut(self._until)
        self._turns.calls = 1
        said = advice(failure.error) if failure.trouble is Trouble.SETUP else failure.error
        level = logging.ERROR if failure.trouble is Trouble.SETUP and said != self._said else logging.WARNING
        self._said = said
        logger.log(level, "the card of %s waits %.0f s for Slack: %s", turn.id, wait, said)
