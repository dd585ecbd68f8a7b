"""The live card: a pure function from a change as it stands to the message that a Tech Lead reads in three seconds.

From above: what goes where; what is going on and who must act; who wants it and why; what cannot be undone; the
buttons. So Approve is on the first screen of a phone, and all that it needs to be judged by stands above it.
"""

from __future__ import annotations

from actions.engine.words import capital, counted
from bot.desk.view import ChangeView
from bot.desk.wishes import to_stop
from bot.slack.blocks import HEADER, Block, Card, card, context, header, section, sections, words
from bot.slack.cards.explained import tree_lines
from bot.slack.cards.forgood import for_good, kept_in_a_sentence
from bot.slack.cards.gated import gate_blocks
from bot.slack.cards.lead import Lead, asked_by, lead_of
from bot.slack.cards.offered import offered, value_of
from bot.slack.cards.review_owed import REVIEW_OWED, review_line
from bot.slack.cards.stage import DEAD, ENDED, Stage, decided, role_word, stage_of
from bot.slack.cards.steps import SHORT, planned_steps, walked_steps
from bot.slack.words import code, day, inline, listed, sentence
from policies.change import ChangeType, Role, Word
from policies.sentences import of_which_kind

__all__ = ["EVENT_TYPE", "change_card", "metadata", "preview_card", "value_of"]

EVENT_TYPE = "chom_card"
"""The metadata's event_type on every card, so that a copy of a card can be told from the card."""
_UNDECIDED = frozenset({Stage.WAITING, Stage.BLOCKED, Stage.ALLOWED})


def change_card(view: ChangeView, *, newest: bool = True) -> Card:
    """The card. `newest` is False where a later run has changed the environment: then nothing is offered any more."""
    stage, lead = stage_of(view), lead_of(view, newest=newest)
    blocks: list[Block] = [_header(view), _first(lead, view)]
    if lead.quote:
        blocks.append(words(lead.quote))
    kept = for_good(view)
    gates = gate_blocks(view) if stage in _UNDECIDED else []
    owed = [section(review_line(view))] if view.owes_review else []
    blocks += [*gates, *owed, *kept, *_steps(view, stage, room=not kept), *offered(view, stage, newest)]
    blocks.append(context(_small_print(view, stage)))
    stays = kept_in_a_sentence(view.change.plan) if stage in _UNDECIDED else ""
    kind = view.kind if stage in _UNDECIDED and not view.pressing else ""
    rest = (view.alarm, lead.sentence, kind, REVIEW_OWED if owed else "", stays)
    return card(" ".join([sentence(view.title), *(part for part in rest if part)]), blocks)


def preview_card(view: ChangeView) -> Card:
    """What `plan` shows: the same card without buttons, and that nothing has been started."""
    plan = view.change.plan
    blocks = [
        _header(view),
        section("*Only a plan: nothing has been started,* and nothing waits for anybody."),
        *([section(f"*{inline(view.alarm, 1200)}*")] if view.alarm else []),
        *for_good(view),
        *sections(planned_steps(plan)),
        *sections([f"*{inline(capital(view.supposed), 150)}*", *tree_lines(view)], 3),
        context(_facts(view)),
    ]
    asked = f"{capital(view.supposed)}: {sentence(view.verdict.said)}"
    text = f"{sentence(view.title)} Only a plan: nothing has been started. {asked} {kept_in_a_sentence(plan)}"
    return card(text.rstrip(), blocks)


def metadata(view: ChangeView, revision: str) -> Block:
    """What the card's message carries for programs: which change it shows, and how new it is."""
    return {"event_type": EVENT_TYPE, "event_payload": {"change": view.change.id, "revision": revision}}


def _header(view: ChangeView) -> Block:
    """The title; where it is too long for a header, without what it has in brackets, which the card says below."""
    title = view.title
    return header(title if len(title) <= HEADER else title.partition(" (")[0])


def _first(lead: Lead, view: ChangeView) -> Block:
    return section(f"*{inline(lead.head)}* {lead.next}\n{asked_by(view)}".replace(" \n", "\n"))


def _steps(view: ChangeView, stage: Stage, room: bool) -> list[Block]:
    """While it waits, where there is room, and while it runs; a long plan stands behind View plan."""
    plan = view.change.plan
    if stage in ENDED | DEAD:
        return []
    if view.run.seq:
        return sections(walked_steps(plan, view.run))
    return sections(planned_steps(plan)) if room and len(plan.steps) <= SHORT else []


def _small_print(view: ChangeView, stage: Stage) -> str:
    change = view.change
    parts = [_facts(view)]
    if stage in _UNDECIDED:
        parts.append(counted(len(change.plan.steps), "step"))
        if change.requirement.needs:
            parts.append(f"lapses {day(change.at + change.requirement.expires)}")
    said = [_said(view, word) for word in Word if (word, stage) != (Word.REJECT, Stage.REJECTED)]
    if stop := view.run.stop:
        said.append(f"{to_stop(view.run)} pressed by *{inline(view.name(stop.by), 80)}* {day(stop.at)}")
    if review := view.reviewed:
        who = inline(view.name(review.by), 80)
        said.append(f"Reviewed by *{who}* {day(review.at)}: “{inline(review.said, 600)}”")
    return "\n".join([*(line for line in said if line), " · ".join([*parts, code(change.id)])])


def _facts(view: ChangeView) -> str:
    change = view.change
    standard = change.requirement.type is ChangeType.STANDARD
    because = of_which_kind(change) if standard else change.requirement.because
    parts = [inline(because, 300).rstrip(".")]
    if replaces := change.plan.facts.get("replaces"):
        parts.append(f"replaces {inline(str(replaces), 60)}")
    if change.plan.commit:
        parts.append(f"commit {code(change.plan.commit[:10])}")
    return " · ".join(parts)


def _said(view: ChangeView, word: Word) -> str:
    """Who decided, as what, and when."""
    verb = "Approved" if word is Word.APPROVE else "Rejected"
    each = [
        f"*{inline(view.name(a.person), 80)}*{_as(view, a.person)} {day(a.at)}"
        + (f" (“{inline(a.reason, 200)}”)" if a.reason else "")
        for a in decided(view, word)
    ]
    return f"{verb} by {listed(each)}" if each else ""


def _as(view: ChangeView, person: str) -> str:
    known = view.people.get(person)
    wanted = {role for need in view.change.requirement.needs for role in need.roles}
    roles = [role for role in Role if known and role in known.roles]
    told = [role for role in roles if role in wanted] or roles
    return f" ({role_word(told[0])})" if told else ""
