"""Every card and message there is, each by the name of its picture."""

from __future__ import annotations

from dataclasses import replace

from actions.engine.plan import Arg
from actions.engine.registry import discover
from bot.desk.refusals import busy
from bot.desk.stopping import why_not
from bot.desk.view import ChangeView, EnvironmentStatus, PastRun
from bot.slack.blocks import Card
from bot.slack.cards.details import details
from bot.slack.cards.explained import explained
from bot.slack.cards.live import change_card, preview_card
from bot.slack.messages import log_file, notices, texts, thread
from bot.vocabulary import RESERVED
from tests.slack.changes import FLEET, after, yes
from tests.slack.journals import FINISHED, TURNED
from tests.slack.views import GO, STAGES, view

LINK = "https://chom.slack.com/archives/C0DEPLOYS/p1"
CONTENTS: dict[str, Arg] = {
    "unknown": "",
    "by_commit": ("v1.1",),
    "migrations": ("2026_11_09_140000_add_discount_to_orders", "2026_11_10_101500_drop_old_price"),
    "destructive": ("2026_11_10_101500_drop_old_price",),
    "destructive_because": ("line 14: it calls dropColumn old_price of products",),
    "restores": ("2026_11_10_101500_drop_old_price",),
    "forward_only": ("2026_11_09_140000_add_discount_to_orders",),
    "locks": ("laravel/framework v8.83.27 → v9.0.0 (major)",),
    "env_added": ("MAIL_HOST",),
    "env_removed": ("OLD_KEY",),
    "vendor": True,
    "changed": ("app/Shop.php", "config/app.php"),
    "changed_files": 5,
    "changed_bytes": 120_000,
}


def with_facts(facts: dict[str, Arg]) -> ChangeView:
    made = STAGES["waiting"]
    plan = replace(made.change.plan, facts={**made.change.plan.facts, **facts})
    return replace(made, change=replace(made.change, plan=plan))


PICTURES: dict[str, Card] = (
    {name: change_card(seen) for name, seen in STAGES.items()}
    | {
        "done_long_ago": change_card(STAGES["done"], newest=False),
        "preview_emergency": preview_card(STAGES["emergency"]),
        "details_emergency": details(STAGES["emergency"]),
        "explained": explained((STAGES["waiting_half"], STAGES["emergency"])),
        "notice_emergency": notices.emergency(STAGES["emergency"]),
        "notice_reminder": notices.reminder(STAGES["waiting_two"]),
        "notice_ready": notices.ready(STAGES["allowed_held"]),
        "notice_review": notices.review_owed(STAGES["emergency_done"], 0),
        "notice_review_weeks": notices.review_owed(STAGES["emergency_done"], 3),
        "reviewed_typed": texts.reviewed(STAGES["emergency_reviewed"], LINK),
        "history_of_all": texts.history(
            (
                PastRun(STAGES["emergency_done"], after(41), after(65)),
                *(PastRun(STAGES[name], after(0), None) for name in ("rejected", "withdrawn", "expired", "void")),
            ),
            "",
        ),
        "status_reviews": texts.status(
            (EnvironmentStatus("production", FLEET, "", None, (), (STAGES["emergency_done"],)),)
        ),
        "preview": preview_card(STAGES["waiting"]),
        "details": details(STAGES["waiting"]),
        "details_changes": details(with_facts(CONTENTS)),
        "details_not_known": details(with_facts({"unknown": "what it changes is not known: v1.1 has no artifact"})),
        "details_usual": details(STAGES["waiting_usual"]),
        "details_running": details(STAGES["running_half"]),
        "details_turned_back": details(STAGES["turned_back"]),
        "asked_for": texts.asked(STAGES["waiting"], "C0DEPLOYS", LINK),
        "asked_for_no_card_yet": texts.asked(STAGES["waiting"], "C0DEPLOYS"),
        "asked_for_starts": texts.asked(STAGES["starting"], "C0DEPLOYS", LINK),
        "trouble": texts.trouble("0a1b2c3d"),
        "log_follows": log_file.follows(["app2"]),
        "log_given_up": log_file.given_up(STAGES["turned_back"], "app2 does not answer: ssh, 3 times."),
        "busy": texts.said(texts.BUSY),
        "too_slow": texts.said(texts.TOO_SLOW),
        "refused": texts.said(busy(STAGES["running"]).said, LINK),
        "refused_late": texts.said(why_not(STAGES["stopping"]), LINK),
        "not_asked": texts.not_asked(busy(STAGES["running"]).said),
        "stopping_typed": texts.stopping(STAGES["stopping"], LINK),
        "withdrawn_typed": texts.stopping(STAGES["withdrawn"], LINK),
        "approval_counted": texts.approval_counted(STAGES["waiting_half"]),
        "approval_counted_blocked": texts.approval_counted(STAGES["blocked"]),
        "old_copy": texts.old_copy(LINK),
        "old_copy_lost": texts.old_copy(),
        "help": texts.helped(discover(RESERVED).help()),
        "help_deploy": texts.helped(discover(RESERVED).help("deploy")),
        "help_mistyped": texts.helped(discover(RESERVED).help("deplyo")),
        "status": texts.status(
            (
                EnvironmentStatus("production", None, "app2 does not answer: ssh, 3 times.", STAGES["running"], ()),
                EnvironmentStatus("staging", None, "app9 does not answer.", None, (STAGES["waiting"],)),
            )
        ),
        "status_canary": texts.status((EnvironmentStatus("production", FLEET, "", STAGES["canary_held"], ()),)),
        "status_served": texts.status((EnvironmentStatus("production", FLEET, "", None, ()),)),
        "history": texts.history(
            (
                PastRun(STAGES["turned_back"], after(41), after(57.5)),
                PastRun(STAGES["done"], after(41), after(65)),
                PastRun(STAGES["running"], after(41), None),
            ),
            "production",
        ),
        "history_none": texts.history((), "staging"),
    }
    | {
        f"thread_{name}_{number}": said.card
        for name, entries in (("turned_back", TURNED), ("done", FINISHED))
        for number, said in enumerate(thread.thread(entries, 0, view(GO, yes(), entries=entries)))
    }
)
