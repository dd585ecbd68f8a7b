"""Each stage of a change as somebody sees it, for the cards' snapshots and the handlers' fakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from actions.engine.fold import State, fold
from actions.engine.journal import Asked, Entry, Measured, Returned, StopAsked, Waiting, Way
from actions.engine.registry.strategies import Strategy
from bot.desk.offers import Choices, Live, Offered, Versions
from bot.desk.view import ChangeView
from policies.change import Allowed, Approval, Blocked, Calendar, Change, Need, Refused, Role, Verdict, Why
from policies.change import Waiting as NotYet
from policies.judge import judge
from tests.slack.changes import (
    BACK_TO_V10,
    CHANGE,
    LEAVING,
    LOSING,
    NEEDS_NOBODY,
    OLDER,
    PEOPLE,
    REVIEW,
    SHIFTING,
    SURE,
    SURE_YES,
    UNKNOWING,
    URGENT,
    URGENT_YES,
    after,
    no,
    yes,
)
from tests.slack.journals import (
    ALL_USERS,
    BACK,
    COPIED_HALF,
    FINISHED,
    FIRST_USERS,
    MORE_USERS,
    OPENED,
    ROLLED,
    SHOWN,
    SLOW,
    STAGED,
    STOPPED,
    TURNED,
    USUAL,
    begun,
)

WAITS = NotYet("Waiting for a Tech Lead: Lea Lead.", (Need(Role.TECH_LEAD),))


def view(
    verdict: Verdict = WAITS, *said: Approval, entries: Sequence[Entry] = (), change: Change = CHANGE
) -> ChangeView:
    """The change as somebody sees it."""
    run: State = fold(entries)
    return ChangeView(change, said, verdict, run, PEOPLE, after(100))


FREE = Allowed(NEEDS_NOBODY.requirement.because, {})
GO = Allowed("Lea Lead approved it as Tech Lead.", {"lead": Role.TECH_LEAD})
RUNNING = view(GO, yes(), entries=[*STAGED, begun("migrate", "app1", 50)])


def judged(change: Change, *said: Approval, entries: Sequence[Entry] = (), seconds: float = 100) -> ChangeView:
    """As the real judge sees it."""
    now = after(seconds)
    return replace(
        view(judge(change, said, (), PEOPLE, Calendar(), now), *said, entries=entries, change=change), now=now
    )


STAGES: dict[str, ChangeView] = {
    "emergency": judged(URGENT),
    "emergency_running": judged(URGENT, URGENT_YES, entries=[*STAGED, begun("migrate", "app1", 50)]),
    "emergency_done": judged(URGENT, URGENT_YES, entries=FINISHED),
    "emergency_turned_back": judged(URGENT, URGENT_YES, entries=TURNED),
    "emergency_reviewed": replace(judged(URGENT, URGENT_YES, entries=FINISHED), reviewed=REVIEW),
    "standard": judged(SURE),
    "standard_done": judged(SURE, SURE_YES, entries=ROLLED),
    "canary": view(GO, yes(), entries=FIRST_USERS, change=SHIFTING),
    "canary_second": view(GO, yes(), entries=MORE_USERS, change=SHIFTING),
    "canary_last": view(GO, yes(), entries=ALL_USERS, change=SHIFTING),
    "canary_held": view(
        GO,
        yes(),
        entries=[
            *FIRST_USERS,
            Measured(
                after(96),
                "shift",
                "Only 12 requests in this stage; 59 are needed to tell.",
                SHOWN.holding(after(96).timestamp()),
                told=True,
            ),
        ],
        change=SHIFTING,
    ),
    "waiting": view(),
    "waiting_usual": replace(view(), usual=USUAL),
    "waiting_short": view(change=replace(CHANGE, reason="", text="rollback", plan=BACK_TO_V10)),
    "waiting_lost": view(change=replace(CHANGE, reason="", plan=LOSING)),
    "done_lost": view(GO, yes(), entries=FINISHED, change=replace(CHANGE, plan=LOSING)),
    "turned_back_lost": view(GO, yes(), entries=TURNED, change=replace(CHANGE, plan=LOSING)),
    "waiting_left": view(change=replace(CHANGE, reason="", text="rollback", plan=LEAVING)),
    "rolled_back": view(
        GO, yes(), entries=ROLLED, change=replace(CHANGE, reason="", text="rollback", plan=BACK_TO_V10)
    ),
    "waiting_older": view(change=replace(CHANGE, reason="", text="deploy v1.1", plan=OLDER)),
    "waiting_unknown": view(change=replace(CHANGE, reason="", text="rollback", plan=UNKNOWING)),
    "waiting_two": view(
        NotYet(
            "Waiting for a Tech Lead (Lea Lead) and a DevOps engineer (Ola Ops). "
            "How it does in staging is not known yet.",
            (Need(Role.TECH_LEAD), Need(Role.DEVOPS)),
            ("staging",),
        )
    ),
    "waiting_nobody_can": replace(
        view(
            NotYet(
                "Nobody can approve this now: it still needs a Tech Lead, and chom.toml has nobody left who is one. "
                'If it cannot wait, type `deploy v1.2 emergency="why"`: Otto On Call can approve that alone. '
                "Or ask an operator to give another person that role.",
                (Need(Role.TECH_LEAD),),
            )
        ),
        people={"dev": PEOPLE["dev"]},
    ),
    "waiting_half": view(
        NotYet(
            "Waiting for a DevOps engineer: Ola Ops. Approved by Lea Lead (Tech Lead).",
            (Need(Role.DEVOPS),),
            approvers={"lead": Role.TECH_LEAD},
        ),
        yes(),
    ),
    "blocked": view(
        Blocked(
            "No change may start on production until 2026-11-30T08:00:00Z: the weekend. "
            "Approved by Lea Lead (Tech Lead).",
            after(9000),
        ),
        yes(),
    ),
    "allowed": view(GO, yes()),
    "allowed_behind": replace(view(GO, yes()), held=True, behind="Deploy v1.1.1 to production (blue-green)"),
    "allowed_held": replace(view(GO, yes()), held=True),
    "allowed_free": view(FREE, change=NEEDS_NOBODY),
    "allowed_free_behind": replace(view(FREE, change=NEEDS_NOBODY), behind="Deploy v1.1.1 to production (blue-green)"),
    "rejected": view(Refused("Lea Lead rejected it.", Why.REJECTED), no("not on a Friday")),
    "withdrawn": view(
        Refused("Dana Dev withdrew the request before it started (2026-11-23T14:05:00Z).", Why.WITHDRAWN)
    ),
    "rejected_free": view(Refused("Lea Lead rejected it: not now.", Why.REJECTED), change=NEEDS_NOBODY),
    "expired": view(Refused("It was not approved and started within 4 hours.", Why.EXPIRED)),
    "void": view(
        Refused("app2 serves another release than when this was asked. Nothing was started.", Why.VOID), yes()
    ),
    "strategy": view(
        Refused("Category 3 has to go out as canary. Type `deploy v1.2 canary to production`.", Why.STRATEGY)
    ),
    "starting": view(GO, yes(), entries=[OPENED]),
    "running": RUNNING,
    "running_usual": replace(RUNNING, usual=USUAL, now=after(52)),
    "running_long": replace(RUNNING, usual=SLOW, now=after(200)),
    "running_late": replace(RUNNING, usual=USUAL, now=after(200)),
    "running_half": view(GO, yes(), entries=COPIED_HALF),
    "stopping": view(GO, yes(), entries=[*STAGED, begun("migrate", "app1", 50), StopAsked(after(51), "dev")]),
    "host_away": view(
        GO,
        yes(),
        entries=[*STAGED, Waiting(after(60), "app1", Way.FORWARD, "the connection broke and 3 new ones failed")],
    ),
    "asked": view(
        GO,
        yes(),
        entries=[
            *STAGED,
            begun("migrate", "app1", 50),
            Asked(
                after(70),
                "migrate",
                "app1",
                "app1 was interrupted during the migration. What it did there before is not known. "
                "Look at app1, then choose: try again, or turn back.",
                ("try again", "turn back", "go on"),
            ),
        ],
    ),
    "turning_back": view(GO, yes(), entries=BACK),
    "turning_back_host_away": view(
        GO,
        yes(),
        entries=[*BACK, Waiting(after(60), "app2", Way.BACK, "it serves v1.2 and does not answer on port 22")],
    ),
    "turned_back": view(GO, yes(), entries=TURNED),
    "stopped": view(GO, yes(), entries=STOPPED),
    "done": view(GO, yes(), entries=FINISHED),
}
RETURNED = Returned(after(90), "app1")
CHOICES = Choices(
    ("production", "staging"),
    "production",
    (Strategy("blue-green", "Makes a version ready beside the one that is served.", default=True),),
)
VERSIONS = Versions(
    (
        Offered("v1.3", "3" * 40, after(-300)),
        Offered("v1.2", "2" * 40, after(-86400 * 3), (Live("staging"),)),
        Offered("v1.1", "1" * 40, after(-86400 * 90), (Live("production"), Live("staging", same=False))),
    )
)
