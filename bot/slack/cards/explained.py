"""Why a change waits or what would be asked of it: the sentence, and below it all that it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.desk.view import ChangeView
from bot.slack.blocks import Block, Card, card, sections
from bot.slack.spoken import in_slack, spoken
from bot.slack.words import inline, sentence
from policies.explain import Tree


def tree_lines(view: ChangeView) -> list[str]:
    """Lines of mrkdwn: the verdict, and a mark and a sentence for each thing that it rests on."""
    return list(_lines(view.tree, 0))


def explained(views: Sequence[ChangeView]) -> Card:
    """To somebody who asked who could approve these now."""
    blocks: list[Block] = []
    for view in views:
        supposed = f", {inline(view.supposed, 150)}" if view.previewed else ""
        title = f"*{inline(view.title, 300)}*{supposed}"
        blocks += sections([title, *tree_lines(view)], 4)
    return card(" ".join(f"{sentence(view.title)} {in_slack(sentence(view.tree.said))}" for view in views), blocks)


def _lines(tree: Tree, depth: int) -> Iterator[str]:
    indent = "\N{EM SPACE}" * depth
    yield f"{indent}{tree.mark} {spoken(tree.said, 900)}"
    for child in tree.children:
        yield from _lines(child, depth + 1)
