"""The form that asks for a deploy: what it shows at each moment, and the versions it offers."""

from __future__ import annotations

from datetime import datetime

from actions.engine.registry.grammar import LONGEST_VALUE, VERSION
from bot.desk.offers import Choices, Field, Live, Offered, Versions, Wanted
from bot.desk.view import ChangeView
from bot.slack.acts.modal import MOST_OPTIONS, OPTION, Held, Modal, entered, option, search, select, several_lines
from bot.slack.blocks import Block, Card, context, divider, section, text_object
from bot.slack.messages import texts
from bot.slack.words import ago, code, inline, listed

CALLBACK = "chom_deploy"
SEARCH = f"chom_{Field.VERSION.value}"
TITLE = "Deploy a version"
NONE = "-"
"""The value of a line that only says something."""

RAISED = ("2", "3")
_CATEGORIES = (
    option("As the rules say", NONE, "By what the version contains"),
    *(option(f"{number} at least", number, "More people look at it") for number in RAISED),
)


def form(choices: Choices, wanted: Wanted, held: Held, notice: Card | None = None) -> Modal:
    """Filled in as `wanted`; `notice` is why it was not asked for as it stood."""
    blocks: list[Block] = [*notice.blocks, divider()] if notice else []
    chosen = option(wanted.version, wanted.version) if VERSION.accepts(wanted.version) else None
    blocks.append(search(Field.VERSION.value, "Version", chosen, "Choose or type a version"))
    places = [option(name, name) for name in choices.environments]
    where = wanted.environment if wanted.environment in choices.environments else choices.default
    blocks.append(select(Field.ENVIRONMENT.value, "Environment", places, where))
    if choices.strategies:
        blocks.append(_strategy(choices, wanted))
    reason = several_lines(
        Field.REASON.value, "Reason", wanted.reason, LONGEST_VALUE, "Why now? It stands on the card."
    )
    category = select(Field.CATEGORY.value, "Category", _CATEGORIES, wanted.category or NONE)
    what_next = (
        "First the servers are looked at, which changes nothing. It starts once everybody who has to approve it has; "
        "where nobody has to, it starts at once."
    )
    return Modal(TITLE, (*blocks, reason, category, context(what_next)), CALLBACK, "Ask for it", "Cancel", held)


def _strategy(choices: Choices, wanted: Wanted) -> Block:
    """A single way explains itself below; of several, each does."""
    ways = choices.strategies
    only = ways[0].summary if len(ways) == 1 else ""
    options = [option(one.word, one.word, "" if only else one.summary) for one in ways]
    return select(Field.STRATEGY.value, "Strategy", options, wanted.strategy, only)


def filled(view: dict[str, object]) -> Wanted:
    """What a submitted form holds."""
    version, environment, strategy, reason, category = (entered(view, one.value) for one in Field)
    return Wanted(version, environment, strategy, reason, category if category in RAISED else "")


def looking(wanted: Wanted, channel: str) -> Modal:
    """While the servers are looked at."""
    what = f"*Looking at the servers…*\n{code(wanted.version)} for {inline(wanted.environment, 80)}"
    late = f"If this is still here in a minute, close it: if it was asked for, its card is in <#{channel}>."
    return Modal(TITLE, (section(what), context(late)))


def asked(view: ChangeView, channel: str, link: str) -> Modal:
    """It is asked for; see the card."""
    title = "It starts now" if view.run.seq else "Asked for"
    return Modal(title, texts.asked(view, channel, link).blocks)


def sent_already(channel: str) -> Modal:
    """The same form came twice, and the first one is in another bot's hands."""
    said = f"This was sent already. If it was asked for, its card is in <#{channel}>; if not, open the form again."
    return Modal(TITLE, (section(said),))


# --- versions ------------------------------------------------------------


def suggestions(versions: Versions, query: str, now: datetime) -> tuple[str, list[Block]]:
    """(what to say above them, the options) for what was typed; newest first."""
    typed = " ".join(query.split())
    if versions.trouble:
        if VERSION.accepts(typed):
            return "", [option(f"{typed} · as typed: the list cannot be had now", typed)]
        return "", [option(versions.trouble, NONE, "To go on without the list, type the whole version.")]
    if not versions.known:
        return "", [option("No version was built yet.", NONE)]
    lines = [(_label(one), one) for one in versions.known]
    found = [(label, one) for label, one in lines if typed.lower() in label.lower()][:MOST_OPTIONS]
    above = f"Not seen in time: what is live on {listed(versions.unseen, 3)}" if versions.unseen else ""
    return above, [option(label, one.version, _built(one, now)) for label, one in found]


def heading(above: str) -> Block:
    """What stands above a list."""
    return text_object(above, OPTION)


def _label(one: Offered) -> str:
    return " · ".join([one.version, *_where(one.live)])


def _where(live: tuple[Live, ...]) -> list[str]:
    """Where it is live, said apart where that is only half true."""
    whole = listed(one.environment for one in live if one.whole and one.same)
    part = listed(one.environment for one in live if one.same and not one.whole)
    other = listed(one.environment for one in live if not one.same)
    said = [(whole, "live on "), (part, "live on a part of "), (other, "another build is live on ")]
    return [f"{how}{where}" for where, how in said if where]


def _built(one: Offered, now: datetime) -> str:
    when = f"built {ago(one.made, now)} · " if one.made else ""
    return f"{when}commit {one.commit[:10]}"
