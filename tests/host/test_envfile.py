"""The environment file as Laravel reads it: what is not named stays to the byte, and a fault says no value."""

from __future__ import annotations

import pytest

from actions.host.chom_host.envfile import difference, edited, faults, statements
from tests.host.configs import BASE


def test_what_is_not_named_stays_to_the_byte() -> None:
    text = edited(BASE, {"MAIL_HOST": '"smtp.example.com"', "NEW_KEY": "1"}, ["APP_NAME"])
    then = BASE.replace('export MAIL_HOST = "mail.example.com"   # the old one', 'MAIL_HOST="smtp.example.com"')
    assert text == then.replace("APP_NAME=chom\n", "") + "NEW_KEY=1\n"
    differs = difference(BASE, text)
    assert (differs.added, differs.changed, differs.removed) == (["NEW_KEY"], ["MAIL_HOST"], ["APP_NAME"])


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("A=1\nB= two # three\nC=\n", {"A": "1", "B": "two", "C": ""}),
        ("A='x # y' # z\n", {"A": "x # y"}),
        ('A="say \\"hi\\"\\n"\n', {"A": 'say "hi"\n'}),
        ('A="one\ntwo"\nB=2', {"A": "one\ntwo", "B": "2"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A=1\nA=2\n", {"A": "2"}),
        ("#A=1\nA=#c\n", {"A": ""}),
    ],
)
def test_it_is_read_as_laravel_reads_it(text: str, values: dict[str, str]) -> None:
    assert {one.name: one.value for one in statements(text)} == values
    assert faults(text) == []
    assert edited(text, {}, []) == text


@pytest.mark.parametrize("text", ['A="x\n', "A='x\n", "A=two words\n", "A=pass#word\n", "just words\n", "A='x'y\n"])
def test_what_laravel_cannot_read_is_a_fault_that_says_no_value(text: str) -> None:
    assert len(faults(text)) == 1
    assert not {"two", "words", "pass", "x"} & set(faults(text)[0].replace("(", " ").split()[3:])


def test_a_key_that_is_there_twice_is_there_once_after_it_is_set() -> None:
    assert edited("A=1\nB=2\nA=3", {"A": "4"}) == "B=2\nA=4"
    assert difference("A='x'\n", 'A="x"\n').changed == []
    assert difference("A='${B}'\n", 'A="${B}"\n').changed == ["A"], "one of them stands for another value"
