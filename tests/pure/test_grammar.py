"""A chat line is read as people and phones write it, and refused with a sentence where it cannot be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.engine.registry.grammar import ENVIRONMENT, KINDS, NUMBER, VERSION, BadCommand, Kind, from_shell, read


@pytest.mark.parametrize(
    ("text", "words", "options"),
    [
        ("deploy v1.2", ("deploy", "v1.2"), {}),
        ("  deploy\u00a0v1.2\n", ("deploy", "v1.2"), {}),
        ('deploy v1.2 reason="fix the login"', ("deploy", "v1.2"), {"reason": "fix the login"}),
        ("deploy reason=“fix the login” v1.2", ("deploy", "v1.2"), {"reason": "fix the login"}),
        ("deploy v1.2 reason=„die Kasse“", ("deploy", "v1.2"), {"reason": "die Kasse"}),
        ("deploy v1.2 reason=«la caisse»", ("deploy", "v1.2"), {"reason": "la caisse"}),
        ("deploy v1.2 reason=‘it’s urgent’", ("deploy", "v1.2"), {"reason": "it’s urgent"}),
        ("deploy v1.2 reason='it's urgent'", ("deploy", "v1.2"), {"reason": "it's urgent"}),
        ('deploy v1.2 reason="the "new" one"', ("deploy", "v1.2", 'one"'), {"reason": 'the "new'}),
        ("deploy v1.2 reason=now", ("deploy", "v1.2"), {"reason": "now"}),
        ("deploy v1.2 Reason=now", ("deploy", "v1.2"), {"reason": "now"}),
        ('deploy "v1.2"', ("deploy", "v1.2"), {}),
        ('x reason="a=b c=d"', ("x",), {"reason": "a=b c=d"}),
        ('x reason="a\u202eb\u200b c\n d"', ("x",), {"reason": "ab c d"}),
        ("", (), {}),
    ],
)
def test_lines_are_read_as_people_write_them(text: str, words: tuple[str, ...], options: dict[str, str]) -> None:
    typed = read(text)
    assert (typed.words, dict(typed.options)) == (words, options)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x" * 10_240, "10,240 characters long"),
        ('deploy v1.2 reason="' + "x" * 501 + '"', "at most 500"),
        ('deploy v1.2 reason="never closed', "does not end"),
        ("deploy v1.2 reason=", "has no value"),
        ("deploy v1.2 reason = x", 'without spaces around the "="'),
        ("deploy v1.2 reason=a reason=b", "twice"),
        ("deploy \u202ev1.2", "cannot be seen (U+202E)"),
        ("deploy v1\u200b.2", "cannot be seen (U+200B)"),
        ("dep\u00adloy v1.2", "cannot be seen (U+00AD)"),
        ("deploy\x00 v1.2", "cannot be seen (U+0000)"),
    ],
)
def test_what_cannot_be_read_gets_a_sentence(text: str, said: str) -> None:
    with pytest.raises(BadCommand) as refused:
        read(text)
    assert said in str(refused.value)
    assert len(str(refused.value)) < 250


_LETTERS = st.one_of(st.characters(), st.sampled_from("\"“”'’= \u200b\u202ea"))


@given(st.text(_LETTERS, max_size=60) | st.text(_LETTERS, max_size=30).map(lambda text: f'x reason="{text}"'))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        typed = read(text)
    except BadCommand as refused:
        assert str(refused)
    else:
        again = read(typed.text)
        assert (again.words, again.options) == (typed.words, typed.options)


@pytest.mark.parametrize("reason", ["why", "why now", "it's late", 'the "new" one is late', "a=b c"])
def test_what_a_shell_took_the_quotation_marks_from_gets_them_back(reason: str) -> None:
    typed = read(from_shell(["deploy", "v1.2", f"reason={reason}", "to", "staging"]))
    assert typed.words == ("deploy", "v1.2", "to", "staging")
    assert typed.options == {"reason": reason}


def test_several_words_in_one_argument_of_a_shell_are_one_word() -> None:
    assert read(from_shell(["deploy", "v1.2 to staging"])).words == ("deploy", "v1.2 to staging")


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (
            VERSION,
            ["v1.2", "1.2", "v2", "v1.0.1", "V1.2", "v1.2-rc.1", "v1.2+build5", "2026.11.1", "1.2.3.4"],
            [
                "",
                "v",
                "1",
                "banana",
                "v1.2;",
                "v1.2\n",
                "../v1.2",
                "--v1.2",
                "v1.",
                "v1..2",
                "v1.2-",
                "１.2",
                "v" + "1" * 64,
            ],
        ),
        (ENVIRONMENT, ["production", "eu-1", "Staging"], ["", "1a", "-a", "a_b", "a" * 33, "pro duction", "prod\n"]),
        (NUMBER, ["1", "42", "999"], ["", "0", "-1", "1.5", "1000", "two", "٣"]),
    ],
)
def test_kinds_accept_whole_words_only(kind: Kind, good: list[str], bad: list[str]) -> None:
    assert [text for text in good if not kind.accepts(text)] == []
    assert [text for text in bad if kind.accepts(text)] == []


def test_the_capital_of_a_phone_is_forgiven() -> None:
    assert VERSION.parse("V1.2") == "v1.2"
    assert ENVIRONMENT.parse("Staging") == "staging"


@given(st.data())
def test_kinds_that_share_a_text_share_a_witness(data: st.DataObject) -> None:
    """What overlap detection rests on: no text of two kinds without a witness that says so."""
    one, other = data.draw(st.sampled_from(list(KINDS.values()))), data.draw(st.sampled_from(list(KINDS.values())))
    text = data.draw(st.from_regex(one.pattern, fullmatch=True, alphabet=st.characters(max_codepoint=127)))
    if other.accepts(text):
        assert any(one.accepts(w) and other.accepts(w) for w in (*one.witnesses, *other.witnesses))
