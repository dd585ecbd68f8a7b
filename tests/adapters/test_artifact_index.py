"""index.json: each of its faults is named, all at once, and who asked gets a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from actions.engine.artifacts.index import BrokenIndex, parse
from actions.engine.fleet import CannotPlan
from tests.adapters.shelves import from_directory
from tests.support import releases

GOOD = releases.entry("v1", b"x")


@pytest.mark.parametrize(
    ("index", "said"),
    [
        (b"", 'it is not of the form {"releases": […]}'),
        (b"[]", 'it is not of the form {"releases": […]}'),
        ({"versions": []}, 'it is not of the form {"releases": […]}'),
        ([3], "entry 1 is no object"),
        ([GOOD, {**GOOD, "version": "v2", "sha256": "abc"}], "entry 2: sha256 is 'abc', and has to be 64 hex digits"),
        ([{**GOOD, "commit": "A" * 40}], "entry 1: commit is 'AAAA"),
        ([{**GOOD, "file": "../x.tar.gz"}], "entry 1: file is '../x.tar.gz', and has to be a plain file name"),
        ([{**GOOD, "file": "/etc/passwd"}], "entry 1: file is '/etc/passwd'"),
        ([{**GOOD, "file": ".hidden"}], "entry 1: file is '.hidden'"),
        ([{**GOOD, "file": "a\n"}], "entry 1: file is 'a\\n'"),
        ([{**GOOD, "version": "v1;rm -rf /"}], "entry 1: version is"),
        ([{**GOOD, "size": "12"}], "entry 1: size is '12', and has to be the file's size in bytes"),
        ([{**GOOD, "size": 0}], "entry 1: size is 0"),
        ([{**GOOD, "size": 1 << 40}], "entry 1: size is 1099511627776"),
        (
            [{**GOOD, "made": "2026-11-01T10:00:00"}],
            "entry 1: made is '2026-11-01T10:00:00', and has to be a time with",
        ),
        ([{k: v for k, v in GOOD.items() if k != "sha256"}], "entry 1 has no sha256; it has to be 64 hex digits"),
        ([GOOD, GOOD], "v1 is there twice"),
        ([{**GOOD, "audit": {"found": [{"package": "vue"}]}}], "entry 1: audit has to be advisories under found"),
    ],
)
def test_a_fault_in_the_index_is_named(index: Any, said: str) -> None:
    text = (
        index
        if isinstance(index, bytes)
        else json.dumps({"releases": index} if isinstance(index, list) else index).encode()
    )
    with pytest.raises(BrokenIndex) as caught:
        parse(text)
    assert said in str(caught.value)


def test_every_fault_of_the_index_is_named_at_once() -> None:
    with pytest.raises(BrokenIndex) as caught:
        parse(json.dumps({"releases": [{**GOOD, "size": -1}, {**GOOD, "made": "soon", "commit": ""}]}).encode())
    assert len(caught.value.faults) == 3


async def test_a_broken_index_is_a_sentence_for_the_one_who_asked(tmp_path: Path) -> None:
    kept = from_directory(tmp_path)
    (tmp_path / "source/index.json").write_text("{")
    with pytest.raises(CannotPlan, match=r"^index\.json in /.*source is broken: it is not of the form"):
        await kept.resolve("v1.2")
