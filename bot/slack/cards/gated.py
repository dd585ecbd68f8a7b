"""Evidence and watches on a card: a mark, a word and a sentence for each gate, and how it is since."""

from __future__ import annotations

from actions.engine.journal import Sight
from bot.desk.view import ChangeView
from bot.slack.blocks import Block, section
from bot.slack.spoken import spoken
from bot.slack.words import inline
from bot.watching.sentences import going


def gate_lines(view: ChangeView) -> list[str]:
    """A line of mrkdwn for each kind of evidence that it requires; [] where it requires none."""
    return [f"{gate.mark} *{inline(gate.title, 40)}:* {spoken(gate.said, 500)}" for gate in view.gates]


def gate_blocks(view: ChangeView) -> list[Block]:
    """The same as a paragraph."""
    lines = gate_lines(view)
    return [section("\n".join(lines))] if lines else []


def without_gates(view: ChangeView, said: str) -> str:
    """A verdict's sentence without what its gates say, which stands in lines of its own."""
    for gate in view.gates:
        said = said.replace(gate.said, "")
    return " ".join(said.split())


def since_live(view: ChangeView) -> str:
    """How the environment has been since it went live, as a sentence; "" where that is not watched."""
    if view.run.observed:
        return view.run.observed.summary
    return going(view.watched) if view.watched and not view.watched.over else ""


def is_ill(view: ChangeView) -> bool:
    """Whether the watch after it has ended ill."""
    return view.run.observed is not None and view.run.observed.sight is Sight.ILL
