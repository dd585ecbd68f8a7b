"""A canary's picture: failed requests and p95 of both versions over the stages, with their limits and the weights.

Made to be read on a phone, where it is 360 points wide: a third of its size. The two versions differ in colour (from
Okabe and Ito's set, which the colour-blind can tell apart), in width and in dashes, and are named where they end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from bot.charts.canvas import Canvas, Point, can_show, fitting, width_of, wrapped
from bot.charts.latency import P95
from bot.charts.shares import Part, Points, canary, stable
from bot.charts.story import Story
from bot.charts.words import counts, headline

WIDTH = 1080
PAPER, INK, FAINT, RULE = "#FBFBF9", "#1A1A1A", "#595959", "#D9D9D5"
CANARY, STABLE, TINT = "#C44E00", "#0072B2", "#F6DCC8"
"""Vermilion (a little darker than #D55E00, for its words to have contrast 4.5 on the paper) and blue."""
LEFT, RIGHT, EDGE = 132, WIDTH - 150, 40
"""The plots' sides, and the margin of what is above them."""
HEAD, BODY = 48, 34
"""Sizes of type; the smaller is 11 points on a phone."""
_TOPS = (10.0, 20.0, 40.0, 60.0, 100.0)


@dataclass(frozen=True, slots=True)
class Plot:
    """A rectangle of the picture in which `seconds` and `top` are its right and upper edges."""

    upper: float
    lower: float
    seconds: float
    top: float

    def at(self, seconds: float, value: float) -> Point:
        """Where that is; what is above the top stays inside."""
        return self.x(seconds), self.lower - (self.lower - self.upper) * min(value, self.top) / self.top

    def x(self, seconds: float) -> float:
        """The same for a time alone."""
        return LEFT + (RIGHT - LEFT) * seconds / self.seconds


@dataclass(frozen=True, slots=True)
class Panel:
    """What one of the upper plots shows."""

    title: str
    unit: str
    top: float
    limit: float
    words: str
    """Of the limit."""
    canary: Points
    stable: Points


def picture(story: Story, p95: P95 | None = None) -> bytes:
    """The PNG of it, WIDTH pixels wide; its height depends on how long the heading is.

    Without a p95 the share of slow requests is in its place: above its limit just when the p95 is above its own.
    """
    lines = _heading(story)
    y = EDGE + sum(size * 1.25 for _, size, _, _ in lines)
    weights = Plot(y + 770, y + 866, max(story.seconds, 1.0), 100)
    canvas = Canvas(WIDTH, round(weights.lower) + 96, PAPER)
    at = float(EDGE)
    for words, size, colour, bold in lines:
        at += size * 1.25
        canvas.text((EDGE, at - size * 0.4), words, size, colour, bold=bold)
    _panel(canvas, story, _failed(story), y + 96)
    _panel(canvas, story, _p95(story, p95) if p95 else _slow(story), y + 432)
    _weights(canvas, story, weights)
    return canvas.png()


def _failed(story: Story) -> Panel:
    limit = f"limit {story.limits.share * 100:g} %"
    return _share(story, "Failed requests", limit, lambda some: some.failed)


def _slow(story: Story) -> Panel:
    edge = f"{story.limits.slow:g} s"
    limit = f"limit {story.limits.share * 100:g} %: p95 of {edge}"
    return _share(story, f"Requests slower than {edge}", limit, lambda some: some.slow)


def _share(story: Story, title: str, words: str, part: Part) -> Panel:
    mine, others = ([point for line in lines for point in line] for lines in (canary(story, part), stable(story, part)))
    most = max((value for _, value in (*mine, *others)), default=0.0)
    limit = story.limits.share * 100
    top = next((top for top in _TOPS if top >= max(most * 1.08, limit * 1.6)), 100.0)
    return Panel(title, "%", top, limit, words, mine, others)


def _p95(story: Story, p95: P95) -> Panel:
    edge = story.limits.slow
    return Panel("p95 of the response time", "s", edge * 2, edge, f"limit {edge:g} s", p95.canary, p95.stable)


def _heading(story: Story) -> list[tuple[str, int, str, bool]]:
    """Lines of (words, size, colour, bold): the finding, and what was counted."""
    room = WIDTH - 2 * EDGE
    shown = story if can_show(story.promoter) else replace(story, promoter=story.promoter_id)
    first = [(line, HEAD, INK, True) for line in wrapped(headline(shown), HEAD, room, bold=True)[:2]]
    return first + [(line, BODY, FAINT, False) for line in wrapped(counts(story), BODY, room)[:2]]


# --- both versions ------------------------------------------------------------------


def _panel(canvas: Canvas, story: Story, panel: Panel, upper: float) -> None:
    plot = Plot(upper, upper + 232, max(story.seconds, 1.0), panel.top)
    mine, others = ([plot.at(*point) for point in points] for points in (panel.canary, panel.stable))
    canvas.text((EDGE, plot.upper - 28), panel.title, BODY, INK, bold=True)
    _grid(canvas, plot, story, panel.unit)
    edge = plot.at(0, panel.limit)
    canvas.line([edge, (RIGHT, edge[1])], INK, 3, (22, 12))
    _line(canvas, others, STABLE, 5, (8, 7))
    _line(canvas, mine, CANARY, 8, None)
    _names(canvas, plot, [(mine, story.version, CANARY), (others, story.old, STABLE)])
    canvas.text((_free(panel.words, edge[1], [*mine, *others]), edge[1] - 12), panel.words, BODY, INK, halo=PAPER)


def _free(words: str, y: float, points: Sequence[Point]) -> float:
    """Where over the line at `y` the words hide no point: left, in the middle or right; left where they do anyhow."""
    width = width_of(words, BODY)
    for x in (LEFT + 12, (LEFT + RIGHT - width) / 2, RIGHT - 12 - width):
        if not any(x - 30 < px < x + width + 30 and y - BODY - 20 < py < y for px, py in points):
            return x
    return LEFT + 12


def _grid(canvas: Canvas, plot: Plot, story: Story, unit: str) -> None:
    for value in (0.0, plot.top / 2, plot.top):
        x, y = plot.at(0, value)
        canvas.line([(x, y), (RIGHT, y)], RULE, 2)
        canvas.text((x - 16, y + 12), f"{value:g} {unit}", BODY, FAINT, align="right")
    for stage in story.stages[1:]:
        canvas.line([(plot.x(stage.began), plot.upper), (plot.x(stage.began), plot.lower)], RULE, 2)


def _line(canvas: Canvas, points: Sequence[Point], colour: str, width: float, dash: tuple[float, float] | None) -> None:
    if points:
        canvas.line(points, colour, width, dash)
    for point in points[-1:] if dash else points:
        canvas.dot(point, width, colour)


def _names(canvas: Canvas, plot: Plot, lines: Sequence[tuple[Sequence[Point], str, str]]) -> None:
    """Beside where each line ends, never over one another."""
    ends = sorted((points[-1][1], name, colour) for points, name, colour in lines if points)
    placed, below = list[tuple[float, str, str]](), plot.upper - BODY
    for y, name, colour in ends:
        below = max(y + 12, below + BODY * 1.15)
        placed.append((below, name, colour))
    over = max(0.0, below - plot.lower - 12)
    for y, name, colour in placed:
        canvas.text((RIGHT + 18, y - over), fitting(name, BODY, WIDTH - RIGHT - 24, bold=True), BODY, colour, bold=True)


# --- weights and time --------------------------------------------------------


def _weights(canvas: Canvas, story: Story, plot: Plot) -> None:
    canvas.text((EDGE, plot.upper - 36), f"Users of {story.version}", BODY, INK, bold=True)
    for stage in story.stages:
        canvas.box(plot.at(stage.began, stage.weight), plot.at(stage.ended, 0), TINT)
    steps = [plot.at(at, stage.weight) for stage in story.stages for at in (stage.began, stage.ended)]
    canvas.line([plot.at(0, 0), *steps], CANARY, 5)
    canvas.line([plot.at(0, 0), (RIGHT, plot.lower)], FAINT, 2)
    taken = 0.0
    for stage in story.stages:
        middle = (plot.x(stage.began) + plot.x(stage.ended)) / 2
        words = f"{stage.weight} %"
        half = width_of(words, BODY) / 2
        if middle - half > taken:
            y = plot.at(0, stage.weight)[1]
            inside = stage.weight >= 50
            canvas.text((middle, y + BODY + 4 if inside else y - 12), words, BODY, INK, align="middle")
            taken = middle + half + 10
    _times(canvas, plot)


def _times(canvas: Canvas, plot: Plot) -> None:
    unit, word = (60.0, "min") if plot.seconds >= 120 else (1.0, "s")
    whole = plot.seconds / unit
    step = next((step for step in (1, 2, 5, 10, 15, 20, 30, 60, 120, 300) if whole / step <= 6), 600)
    marks = range(0, int(whole) + 1, step)
    for mark, last in [*((a, False) for a, _ in pairwise(marks)), (marks[-1], True)]:
        x = plot.x(mark * unit)
        canvas.line([(x, plot.lower), (x, plot.lower + 10)], FAINT, 2)
        canvas.text((x, plot.lower + 50), f"{mark} {word}" if last else f"{mark}", BODY, FAINT, align="middle")
