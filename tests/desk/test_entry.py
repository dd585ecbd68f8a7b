"""chom-bot before and behind its commands: a Ctrl-C while it is imported, and an answer that nobody can take."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import cli

_INTERRUPTED = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests in the background ignores it
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "{module}":
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
from bot.__main__ import main
sys.argv = ["chom-bot", "status"]
main()
"""

_WITH_AN_ACTION = """
import actions, sys
actions.__path__.append(sys.argv.pop())
from bot.__main__ import main
main()
"""
_ACTION = """
from actions.engine.registry import Action
ACTION = Action("purge", "{usage}", "Purges.", lambda *asked: None, False, "deployment")
"""


@pytest.mark.parametrize("module", ["typer", "bot.shell.commands"])
def test_a_ctrl_c_in_mid_import_is_no_traceback(module: str) -> None:
    """Before there is a command line, and before there is a command."""
    begun = _INTERRUPTED.format(module=module)
    ended = subprocess.run([sys.executable, "-c", begun], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (130, "")
    assert ended.stderr in ("", "Stopped before it began.\n")


@pytest.mark.parametrize("words", [("help", "stop"), ("policy", "rules"), ("--help",)], ids=" ".join)
def test_an_answer_that_cannot_be_written_is_said_so(words: tuple[str, ...]) -> None:
    """Short enough for a buffer, longer than one, and the library's own."""
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "bot", *words]
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (ended.returncode, ended.stderr) == (2, "The answer could not be written: no space left on device.\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (_ACTION.format(usage="purge <versio>"),
         "actions/purge.py has a usage line that is none, 'purge <versio>': there is no kind of argument called <v"),
        (_ACTION.format(usage="rollback"), "purge ('rollback') and rollback ('rollback [steps=N | to <version>] [on"),
        ("", "actions/purge.py has no ACTION; helpers belong in actions/engine."),
    ],
    ids=["usage", "overlap", "none"],
)  # fmt: skip
def test_an_action_that_is_none_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "purge.py").write_text(text)
    command = [sys.executable, "-c", _WITH_AN_ACTION, "status", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1), ended.stderr
    assert said in ended.stderr


def test_its_version_is_the_one_that_is_installed() -> None:
    """What pyproject.toml reads for the package is what the code says, which is all that an image has."""
    told = CliRunner().invoke(cli, ["--version"])
    assert (told.exit_code, told.stdout) == (0, f"chom-bot {version('chom-bot')}\n")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("status --foo", 'status has no option "--foo"; it has --config and --help. Write: chom-bot status [env'),
        ("history --limit 3", 'no option "--limit"; it has --config and --help. Write: chom-bot history [environment]'),
        ("who --confg=x", 'no option "--confg"; it has --config and --help. Did you mean --config? Write: '),
        ("approve -y", 'approve has no option "-y"'),
        ("reject --why late", 'reject has no option "--why"'),
    ],
)  # fmt: skip
def test_an_option_that_there_is_not_is_called_one(typed: str, said: str) -> None:
    """And no environment, before any configuration is read."""
    told = CliRunner().invoke(cli, typed.split())
    assert (told.exit_code, told.stdout) == (2, "")
    assert said in told.stderr
