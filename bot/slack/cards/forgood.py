"""What cannot be undone: by name, before it is approved and after it has happened."""

from __future__ import annotations

from collections.abc import Sequence

from actions.engine.across import losing, texts, told
from actions.engine.journal import Way
from actions.engine.plan import Plan
from actions.engine.words import counted
from bot.desk.view import ChangeView
from bot.slack.blocks import Block, section
from bot.slack.cards.stage import DEAD, irreversible, stage_of
from bot.slack.words import code, inline, listed, sentence

IN_LINES = 4
"""So many migrations stand in a line each; more of them share one."""
NAMED = 12


def for_good(view: ChangeView) -> list[Block]:
    """Of a plan what would stay, of a run that has ended or turns back what stays; [] where there is nothing."""
    run = view.run
    if stage_of(view) in DEAD:
        return []
    if not run.seq:
        said = _ahead(view.change.plan)
        return [section("\n".join(said))] if said else []
    if run.applied and (run.way is Way.BACK or run.ended):
        stay = " and stay in the database" if run.way is Way.BACK else ""
        head = f"*{counted(len(run.applied), 'migration')} applied{stay}:*"
        return [section("\n".join([head, *_named(run.applied)]))]
    return []


def kept_in_a_sentence(plan: Plan) -> str:
    """For `text` and for a confirm dialog: "2 migrations cannot be undone."; "" where nothing would stay."""
    newer = plan.facts.get("older_than")
    said = [f"It is older than {newer}, which is live."] if newer else []
    kind, what = told(plan)
    if names := plan.pending:
        said.append(f"{counted(len(names), 'migration')} cannot be undone.{_needs_restore(plan, names)}")
    elif kind:
        said.append(f"{kind}: {what}")
    elif irreversible(plan):
        said.append("Part of it cannot be undone.")
    return " ".join(said)


def no_way_back(view: ChangeView) -> str:
    """For a deploy that is live, as mrkdwn: where going back behind it needs a restore; "" where it needs none."""
    plan = view.change.plan
    if not losing(plan.facts, view.run.applied):
        return ""
    return f"Going back needs a restore; {code(f'/chom rollback on {plan.environment}')} says what that takes."


def _needs_restore(plan: Plan, names: Sequence[str]) -> str:
    """What is to be known of a way back before a deploy takes place."""
    return " Going back behind it needs a restore." if losing(plan.facts, names) else ""


def _ahead(plan: Plan) -> list[str]:
    newer = inline(str(plan.facts.get("older_than", "")), 60)
    said = [*_keys(plan)]
    said += [f"*Older than {newer}, which is live.*"] if newer else []
    names = plan.pending
    if names:
        stay = "stays" if len(names) == 1 else "stay"
        going_back = _needs_restore(plan, names)
        head = f"*Cannot be undone:* {counted(len(names), 'migration')} {stay} in the database{'.' * bool(going_back)}"
        said += [f"{head}{going_back}", *_named(names)]
    others = [what for _, what in irreversible(plan) if not any(name in what for name in names)]
    said += [f"*Cannot be undone:* {inline(sentence(what), 600)}" for what in others]
    return [*said, *_left(plan)]


def _keys(plan: Plan) -> list[str]:
    """Every key of the environment file that changes, and whether it looks like a secret; values are never here."""
    kinds = (("config_added", "Adds"), ("config_changed", "Changes"), ("config_removed", "Removes"))
    names = {word: fact for key, word in kinds if isinstance(fact := plan.facts.get(key, ()), tuple) and fact}
    return [f"*{word}* {listed([_key(name, plan) for name in keys], 100)}" for word, keys in names.items()]


def _key(name: str, plan: Plan) -> str:
    secrets = plan.facts.get("config_secrets", ())
    return f"{code(name, 130)}{' (a secret)' if isinstance(secrets, tuple) and name in secrets else ''}"


def _left(plan: Plan) -> list[str]:
    """What a way back means for the database, and the migrations that stay in it."""
    kind, what = told(plan)
    return [f"*{kind}:* {inline(what, 400)}", *_named(texts(plan.facts, "migrations_left"))] if kind else []


def _named(names: Sequence[str]) -> list[str]:
    shown = [code(name, 120) for name in names]
    return shown if len(shown) <= IN_LINES else [listed(shown, NAMED)]
