"""When an environment may not be changed."""

from __future__ import annotations

from datetime import datetime

from policies.change import Calendar, Window


def closed(calendar: Calendar, environment: str, now: datetime) -> tuple[Window, datetime] | None:
    """The window that is closed now and when it opens again, through windows that touch; None where it is open.

    A window closes at its start and is open again at its end.
    """
    mine = [window for window in calendar.windows if window.environment == environment]
    first = min((w for w in mine if w.start <= now < w.end), key=lambda w: (w.start, w.end, w.why), default=None)
    if first is None:
        return None
    until = first.end
    while (later := max((w.end for w in mine if w.start <= until < w.end), default=until)) > until:
        until = later
    return first, until
