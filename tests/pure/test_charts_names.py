"""Whose name stands on a canary's picture: in its own letters, or, where the font has none of them, as in chom.toml."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.charts.canvas import can_show
from bot.charts.drawing import picture
from bot.charts.words import alt, headline
from tests.pure.test_charts import told


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Łukasz Żółć", True),
        ("Nguyễn Thị Ánh", True),
        ("Θεόδωρος", True),
        ("Нина Їжакевич", True),
        ("José", True),
        ("Jose\N{COMBINING ACUTE ACCENT}", True),
        ("美咲", False),
        ("אבי", False),
        ("Ann\N{RIGHT-TO-LEFT OVERRIDE}a", False),
        ("\N{PARTY POPPER}", False),
    ],
)
def test_a_name_has_its_own_letters_where_the_font_has_them(name: str, shown: bool) -> None:
    assert can_show(name) is shown


def test_who_has_other_letters_is_called_on_the_picture_as_in_chom_toml_and_in_the_words_as_they_are() -> None:
    one = replace(told(0), promoter="美咲", promoter_id="misaki")
    assert picture(one) == picture(replace(one, promoter="misaki"))
    assert "by 美咲" in headline(one) and "by 美咲" in alt(one)
    polish = replace(one, promoter="Łukasz", promoter_id="lukasz")
    assert picture(polish) != picture(replace(polish, promoter="?ukasz"))
