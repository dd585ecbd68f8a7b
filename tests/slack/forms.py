"""Every window and every list that the app shows, in each of its states; and what holds for all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from slack_sdk.models.views import View

from actions.engine.registry.strategies import Strategy
from bot.desk.offers import Choices, Versions, Wanted
from bot.desk.refusals import busy
from bot.sandbox.slack.blocks import checked_view
from bot.slack.acts import deploy_form, reject_form, reviews
from bot.slack.acts.modal import Held, Modal, window
from bot.slack.acts.windows import BURST, LIGHT, REFUSED
from bot.slack.blocks import Card
from bot.slack.cards.details import PLAN, details
from bot.slack.messages import texts
from bot.slack.messages.start import Now, start_card
from tests.slack.changes import BACK_TO_V10, CHANGE, PEOPLE, after
from tests.slack.check import BIDI, ENTITY, OURS, texts_in
from tests.slack.views import CHOICES, STAGES, VERSIONS

LINK = "https://chom.slack.com/archives/C0DEPLOYS/p1"
HELD = Held("C0DEPLOYS", "https://hooks.slack.com/actions/T0CHOM/1", token="0123456789abcdef")
WANTED = Wanted("v1.2", "staging", "blue-green", "the new checkout\nand its texts", "3")
CANARY = Strategy("canary", "Sends a part of the users to the new version first, and more as it holds.", default=False)
BUSY = texts.not_asked(busy(STAGES["running"]).said, LINK)
ROLLBACK = replace(CHANGE, reason="", text="rollback", plan=BACK_TO_V10)

MODALS: dict[str, Modal] = {
    "deploy": deploy_form.form(CHOICES, Wanted(), HELD),
    "deploy_filled": deploy_form.form(CHOICES, WANTED, HELD),
    "deploy_two_ways": deploy_form.form(replace(CHOICES, strategies=(*CHOICES.strategies, CANARY)), WANTED, HELD),
    "deploy_no_way_to_choose": deploy_form.form(Choices(("production",), "production", ()), Wanted(), HELD),
    "deploy_refused": deploy_form.form(CHOICES, WANTED, HELD, BUSY),
    "deploy_trouble": deploy_form.form(CHOICES, WANTED, HELD, texts.trouble("0a1b2c3d")),
    "deploy_looking": deploy_form.looking(WANTED, "C0DEPLOYS"),
    "deploy_asked": deploy_form.asked(STAGES["waiting"], "C0DEPLOYS", ""),
    "deploy_asked_card": deploy_form.asked(STAGES["waiting"], "C0DEPLOYS", LINK),
    "deploy_starts": deploy_form.asked(STAGES["starting"], "C0DEPLOYS", LINK),
    "deploy_sent_already": deploy_form.sent_already("C0DEPLOYS"),
    "reject": reject_form.form(STAGES["waiting"], replace(HELD, change=CHANGE.id, digest=CHANGE.digest)),
    "reject_rollback": reject_form.form(replace(STAGES["waiting"], change=ROLLBACK), HELD),
    "reject_slow": reject_form.slow(),
    "reject_slow_done": reject_form.slow(""),
    "reject_slow_refused": reject_form.slow("Deploy v1.2 to production was approved already and is under way."),
    "review": reviews.form(STAGES["emergency_done"], replace(HELD, change=CHANGE.id, digest=CHANGE.digest)),
    "review_slow": reviews.slow(),
    "review_slow_done": reviews.slow(""),
    "plan": window(PLAN, details(STAGES["running_half"])),
    "light": LIGHT,
    "refused": window(REFUSED, texts.said("You asked for this yourself, so somebody else has to decide it.", LINK)),
    "burst": window(REFUSED, texts.said(BURST)),
}

LINKS = {CHANGE.id: LINK}
STARTS: dict[str, Card] = {
    "start_quiet": start_card(Now((), {}, "production"), PEOPLE["dev"]),
    "start_after_a_deploy": start_card(Now((), {}, "production", serves="v1.2"), PEOPLE["dev"]),
    "start_waits_for_me": start_card(Now((STAGES["waiting"],), LINKS, "production", serves="v1.1"), PEOPLE["lead"]),
    "start_waits_for_me_no_card_yet": start_card(Now((STAGES["waiting"],), {}, "production"), PEOPLE["lead"]),
    "start_mine_waits": start_card(Now((STAGES["waiting"],), LINKS, "production"), PEOPLE["dev"]),
    "start_review": start_card(Now((), {}, "production", (STAGES["emergency_done"],)), PEOPLE["cto"]),
    "start_review_of_others": start_card(Now((), {}, "production", (STAGES["emergency_done"],)), PEOPLE["devops"]),
    "start_running": start_card(Now((STAGES["running"],), LINKS, "production", serves="v1.1"), PEOPLE["cto"]),
}

LISTS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "all": deploy_form.suggestions(VERSIONS, "", after(0)),
    "typed": deploy_form.suggestions(VERSIONS, " V1.2", after(0)),
    "live": deploy_form.suggestions(VERSIONS, "live on production", after(0)),
    "none_fits": deploy_form.suggestions(VERSIONS, "v9", after(0)),
    "unseen": deploy_form.suggestions(replace(VERSIONS, unseen=("production",)), "", after(0)),
    "trouble": deploy_form.suggestions(Versions((), "The list of versions cannot be had: no answer."), "", after(0)),
    "trouble_typed": deploy_form.suggestions(Versions((), "The list takes long."), "v1.2", after(0)),
    "nothing_built": deploy_form.suggestions(Versions(()), "", after(0)),
}


def check_modal(modal: Modal) -> None:
    """Raises with what Slack or its SDK would refuse, or with what somebody's words could do in it."""
    view = modal.view()
    checked_view(view)
    View(**view).to_dict()
    View(**view).validate_json()
    check_words(view["blocks"])
    assert {"type": "plain_text"}.items() <= view["title"].items()
    assert len(view.get("private_metadata", "")) <= 3000


def check_options(options: list[dict[str, Any]]) -> None:
    """A list of options as block_suggestion is answered."""
    assert len(options) <= 100
    if options:
        element = {"type": "static_select", "action_id": "a", "options": options}
        block = {"type": "input", "label": {"type": "plain_text", "text": "x"}, "element": element}
        checked_view({"type": "modal", "title": block["label"], "submit": block["label"], "blocks": [block]})
    check_words(options)


def check_words(value: Any) -> None:
    """As test_cards has it for messages."""
    for kind, text in texts_in(value):
        rest = OURS.sub("", text) if kind == "mrkdwn" else text
        assert "<" not in rest and ">" not in rest, text
        assert not ENTITY.search(text) and not BIDI.search(text), text
