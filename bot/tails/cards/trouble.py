"""When Slack is not as it should be: for how long there are no calls, and which."""

from __future__ import annotations

import logging

from bot.slack.connection.web import CallFailed, Failure, Trouble
from bot.tails.cards.turns import Turn, Turns, Want
from bot.tails.pace import Pace
from bot.tails.quiet import Quiet

logger = logging.getLogger(__name__)

_SLOWER = {"chat.update": Want.NEWS, "chat.postMessage": Want.CARD}
"""Slack limits each method by itself: which of what is wanted waits for it."""


class Troubles:
    """Told of every call that failed and of every turn that went well."""

    def __init__(self, turns: Turns, pace: Pace) -> None:
        self._turns, self._pace = turns, pace
        self._quiet = Quiet("the tail of the cards", pace.backoff)

    def well(self) -> None:
        """A turn went well: Slack is there."""
        self._quiet.over()
        self._turns.calls = self._pace.calls

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
                self._away(failure, now)

    def _slower(self, turn: Turn, method: str, failure: Failure, now: float) -> None:
        logger.warning("%s was called too often; Slack wants none for %.0f s", method, failure.after)
        if wanted := _SLOWER.get(method):
            self._turns.shut(now + failure.after, wanted)
        else:
            self._turns.rest(turn.id, now + failure.after)

    def _away(self, failure: Failure, now: float) -> None:
        """Nothing for a while, longer from time to time, and then one call to see.

        A call that was under way when the first one failed says nothing new.
        """
        if now >= self._quiet.until:
            self._quiet.after(failure)
            self._turns.shut(self._quiet.until)
            self._turns.calls = 1
