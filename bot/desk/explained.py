"""What somebody means who asks who could approve it: what waits, or what could be asked for."""

from __future__ import annotations

from actions.engine.registry.grammar import VERSION
from bot.desk.desk import Desk
from bot.desk.planning import Refusal
from bot.desk.view import ChangeView
from policies.change import Person


async def named_by(desk: Desk, named: str, who: Person) -> tuple[ChangeView, ...]:
    """What somebody means: a change by its id, what waits of a version or in an environment, or all that waits.

    A version that nobody asks for is looked at as if that person asked for it. Raises Refusal.
    """
    if named.startswith("chg-"):
        return (await desk.view(named),)
    waits = [view for view in await desk.going_on() if not view.run.opened]
    if not named:
        if not waits:
            raise Refusal("Nothing waits for an approval. To see who would have to approve a version: `who v1.2`.")
        return tuple(waits)
    mine = [view for view in waits if named in (view.change.plan.version, view.change.environment)]
    if mine:
        return tuple(mine)
    if named in desk.planning.environments:
        raise Refusal(f"Nothing waits for an approval in {named}.")
    if not VERSION.accepts(named):
        raise Refusal("Name a change, a version or an environment, for example `who v1.2`.")
    return (await desk.preview(f"deploy {named}", who),)
