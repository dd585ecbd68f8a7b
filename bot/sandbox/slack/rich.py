"""Rich text and tables as Slack checks them: what a formatted line, list, quote or cell may hold."""

from __future__ import annotations

from bot.sandbox.slack.shape import Check, array, boolean, link, one_of, record, string, union, whole

_STYLE: dict[str, Check] = {
    "style": record({}, dict.fromkeys(("bold", "code", "italic", "strike", "underline"), boolean), typed=False)
}
_WORD: dict[str, Check] = {
    "text": record({"text": string()}, _STYLE),
    "link": record({"url": link()}, _STYLE | {"text": string(), "unsafe": boolean}),
    "emoji": record({"name": string()}, _STYLE | {"unicode": string(), "url": link(), "skin_tone": whole(1, 6)}),
    "user": record({"user_id": string()}, _STYLE),
    "usergroup": record({"usergroup_id": string()}, _STYLE),
    "channel": record({"channel_id": string()}, _STYLE),
    "team": record({"team_id": string()}, _STYLE),
    "broadcast": record({"range": one_of("here", "channel", "everyone")}, _STYLE),
    "color": record({"value": string()}, _STYLE),
    "date": record(
        {"timestamp": whole(0, 9_999_999_999), "format": string()}, _STYLE | {"url": link(), "fallback": string()}
    ),
}
_WORDS: dict[str, Check] = {"elements": array(union(_WORD), 1000, 0)}
_BORDER: dict[str, Check] = {"border": whole(0, 1)}
_SECTION = record(_WORDS)
_LINES = union(
    {
        "rich_text_section": _SECTION,
        "rich_text_preformatted": record(
            {"elements": array(union(_WORD, ("text", "link")), 1000, 0)}, _BORDER | {"language": string(50)}
        ),
        "rich_text_quote": record(_WORDS, _BORDER),
        "rich_text_list": record(
            {
                "elements": array(union({"rich_text_section": _SECTION}), 1000, 0),
                "style": one_of("bullet", "ordered"),
            },
            _BORDER | {"indent": whole(0, 8), "offset": whole(0, 10_000)},
        ),
    }
)


def rich_text(more: dict[str, Check]) -> Check:
    """A rich_text block."""
    return record({"elements": array(_LINES, 1000, 0)}, more)


_CELL = union({"raw_text": record({"text": string()}), "rich_text": rich_text({})})
_COLUMN = record({}, {"align": one_of("left", "center", "right"), "is_wrapped": boolean}, typed=False)


def table(more: dict[str, Check]) -> Check:
    """A table block."""
    return record({"rows": array(array(_CELL, 20), 100)}, more | {"column_settings": array(_COLUMN, 20)})
