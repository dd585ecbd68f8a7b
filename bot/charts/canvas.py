"""Smooth lines, dashes and words on a picture: drawn twice as large, and made smaller at the end."""

from __future__ import annotations

import io
import math
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

_TIMES = 2
Point = tuple[float, float]
Align = Literal["left", "middle", "right"]
_ANCHORS = {"left": "ls", "middle": "ms", "right": "rs"}
_FONT = Path(__file__).parent / "font" / "SourceSans3.ttf"
"""Has Latin, Greek and Cyrillic letters, in every weight; Pillow's own font has ASCII."""
_REGULAR, _BOLD = 400, 700
_NO_SIGN = "\U0010ffff"
"""No font has it, so it is drawn as what stands for a missing one."""


@cache
def _font(size: float, weight: int = _REGULAR) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(str(_FONT), size)
    font.set_variation_by_axes([weight])
    return font


class Canvas:
    """All lengths are in pixels of the finished picture; (0, 0) is its top left corner."""

    def __init__(self, width: int, height: int, paper: str) -> None:
        self._size = width, height
        self._image = Image.new("RGB", (width * _TIMES, height * _TIMES), paper)
        self._draw = ImageDraw.Draw(self._image)

    def png(self) -> bytes:
        """The picture; the same one is the same bytes, with one version of Pillow."""
        small = self._image.resize(self._size, Image.Resampling.LANCZOS).quantize(256, dither=Image.Dither.NONE)
        file = io.BytesIO()
        small.save(file, "PNG", optimize=True)
        return file.getvalue()

    def box(self, at: Point, to: Point, colour: str) -> None:
        """A filled rectangle."""
        self._draw.rectangle((*_larger(at), *_larger(to)), fill=colour)

    def line(self, points: Sequence[Point], colour: str, width: float, dash: tuple[float, float] | None = None) -> None:
        """Through the points, whole or in dashes of (drawn, left out)."""
        for part in _dashes(points, dash) if dash else [points]:
            larger = [_larger(point) for point in part]
            self._draw.line(larger, colour, round(width * _TIMES), joint="curve")

    def dot(self, at: Point, radius: float, colour: str) -> None:
        """A filled circle."""
        (x, y), r = _larger(at), radius * _TIMES
        self._draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)

    def text(
        self, at: Point, words: str, size: float, colour: str, *, bold: bool = False, align: Align = "left",
        halo: str = "",
    ) -> None:  # fmt: skip
        """One line whose base is at that height; with a `halo` it can be read over lines."""
        larger, font, shown = _larger(at), _font(size * _TIMES, _BOLD if bold else _REGULAR), _shown(words)
        if halo:
            self._draw.text(larger, shown, halo, font, _ANCHORS[align], stroke_width=size / 5, stroke_fill=halo)
        self._draw.text(larger, shown, colour, font, _ANCHORS[align])


def can_show(words: str) -> bool:
    """Whether the font has a sign for all of it."""
    return _shown(words) == _composed(words)


def width_of(words: str, size: float, *, bold: bool = False) -> float:
    """Of one line, in pixels of the finished picture."""
    return _font(size * _TIMES, _BOLD if bold else _REGULAR).getlength(_shown(words)) / _TIMES


def wrapped(words: str, size: float, room: float, *, bold: bool = False) -> list[str]:
    """Lines that fit into the room; a number and its sign stay together, and a word alone that does not fit is cut."""
    lines = [""]
    for word in words.replace(" %", "\u00a0%").split(" "):
        longer = f"{lines[-1]} {word}".strip()
        fits = width_of(longer, size, bold=bold) <= room
        lines = [*lines[:-1], longer] if fits else [*lines, fitting(word, size, room, bold=bold)]
    return [line.replace("\u00a0", " ") for line in lines if line]


def fitting(word: str, size: float, room: float, *, bold: bool = False) -> str:
    """The word, or as much of it as there is room for."""
    if width_of(word, size, bold=bold) <= room:
        return word
    while word and width_of(f"{word}…", size, bold=bold) > room:
        word = word[:-1]
    return f"{word}…"


def _shown(words: str) -> str:
    """What the font has no sign for is a question mark, not an empty box."""
    return "".join(sign if _has(sign) else "?" for sign in _composed(words))


def _composed(words: str) -> str:
    return unicodedata.normalize("NFC", words).replace("\u00a0", " ")


@cache
def _has(sign: str) -> bool:
    return sign.isprintable() and _drawn(sign) != _drawn(_NO_SIGN)


def _drawn(sign: str) -> bytes:
    image = Image.new("L", (80, 80))
    ImageDraw.Draw(image).text((20, 20), sign, 255, _font(20))
    return image.tobytes()


def _larger(point: Point) -> Point:
    return point[0] * _TIMES, point[1] * _TIMES


def _dashes(points: Sequence[Point], dash: tuple[float, float]) -> Iterator[list[Point]]:
    """The drawn parts; a dash goes round the corners."""
    drawn, left = True, dash[0]
    part: list[Point] = [points[0]]
    for start, end in pairwise(points):
        length, done = math.dist(start, end), 0.0
        while length - done > left:
            done += left
            at = (start[0] + (end[0] - start[0]) * done / length, start[1] + (end[1] - start[1]) * done / length)
            if drawn:
                yield [*part, at]
            drawn = not drawn
            part, left = [at], dash[0] if drawn else dash[1]
        left -= length - done
        part.append(end)
    if drawn and len(part) > 1:
        yield part
