"""What View plan shows: every step, what changes, and what is asked of the change before it starts."""

from __future__ import annotations

from actions.engine.words import counted
from bot.desk.view import ChangeView
from bot.slack.blocks import Card, card, context, header, section, sections
from bot.slack.cards.changes import what_changes
from bot.slack.cards.explained import tree_lines
from bot.slack.cards.steps import detailed_steps
from bot.slack.words import about, code, sentence

IN_PARAGRAPHS = 40
"""Steps that stand in a paragraph each; of a longer plan they share some."""
PLAN = "The plan"
"""The title of the window with `details`."""


def details(view: ChangeView) -> Card:
    """Every step: how far it has come, what is done where, and how it is undone."""
    plan = view.change.plan
    facts = [f"usually {about(view.usual.total)} in all" if view.usual.total else ""]
    facts += [f"commit {code(plan.commit[:10])}" if plan.commit else "", code(view.change.id)]
    steps = detailed_steps(plan, view.run, dict(view.usual.steps))
    told = [section(step) for step in steps] if len(steps) <= IN_PARAGRAPHS else sections(steps, 12)
    changes = sections(changed, 6) if (changed := what_changes(plan)) else []
    asked = [] if view.run.seq else sections(["*What is asked of it*", *tree_lines(view)], 4)
    blocks = [
        header(view.title),
        *asked,
        *told,
        *changes,
        context(" · ".join(fact for fact in facts if fact)),
    ]
    return card(f"{sentence(view.title)} The plan has {counted(len(steps), 'step')}.", blocks)
