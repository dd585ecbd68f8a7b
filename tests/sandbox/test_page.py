"""The page's files fit together, and none of them sends a browser anywhere else."""

import re
from pathlib import Path

import pytest

from bot.sandbox import page
from bot.sandbox.traffic import Served

FOLDER = Path(page.__file__).parent
SCRIPTS = sorted(FOLDER.glob("*.js"))
IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w.]+)";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?:async )?(?:const|function|let) ([\w$]+)", re.MULTILINE)
NAMESPACE = "http://www.w3.org/2000/svg"


def names(listed: str) -> set[str]:
    return {name.strip() for name in listed.split(",") if name.strip()}


def exported(script: Path) -> set[str]:
    return set(EXPORT.findall(script.read_text(encoding="utf-8")))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_script_imports_what_another_exports_and_uses_it(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert len(IMPORT.findall(text)) == text.count("\nimport ") + text.startswith("import ")
    for listed, file in IMPORT.findall(text):
        assert names(listed) <= exported(FOLDER / file)
        for name in names(listed):
            assert len(re.findall(rf"(?<![\w$]){re.escape(name)}(?![\w$])", text)) > 1, (
                f"{name} is imported for nothing"
            )


def test_everything_that_is_exported_is_imported() -> None:
    wanted = {
        (file, name) for s in SCRIPTS for listed, file in IMPORT.findall(s.read_text("utf-8")) for name in names(listed)
    }
    assert {(script.name, name) for script in SCRIPTS for name in exported(script)} == wanted


def test_the_document_names_only_files_that_are_served() -> None:
    named = set(re.findall(r'"/page/([\w.]+)"', (FOLDER / "index.html").read_text(encoding="utf-8")))
    assert named <= set(page.FILES)
    assert {file.name for file in FOLDER.glob("*.css")} <= named


@pytest.mark.parametrize("file", sorted(page.FILES))
def test_a_file_opens_with_why_it_exists_and_is_as_narrow_as_the_rest(file: str) -> None:
    text = page.FILES[file].read_text(encoding="utf-8")
    assert file.endswith((".svg", ".html")) or text.startswith(("// ", "/* "))
    assert file.endswith(".svg") or max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize("file", sorted(page.FILES))
def test_nothing_is_fetched_from_outside(file: str) -> None:
    text = page.FILES[file].read_text(encoding="utf-8").replace(NAMESPACE, "")
    assert not re.search(r"""["'(]https?://""", text)
    assert "innerHTML" not in text and "eval(" not in text


def test_the_last_minute_has_sixty_whole_seconds_with_those_in_which_nothing_came() -> None:
    served = Served()
    for at, version, failure in (
        (100.1, "v1.0", ""),
        (100.9, "v1.0", ""),
        (102.5, "v1.2", "HTTP 500"),
        (103.0, "v1.2", ""),
    ):
        served.count(at, version, failure)
    minute = served.minute(103.2)
    assert len(minute) == 60
    assert [(dict(second.by), dict(second.failed)) for second in minute[-3:]] == [
        ({"v1.0": 2}, {}),
        ({}, {}),
        ({"v1.2": 1}, {"v1.2": 1}),
    ]
    assert [second.at for second in served.minute(400.0)] == list(range(340, 400))
    assert not any(second.by for second in served.minute(400.0))
