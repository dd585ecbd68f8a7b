"""`chom-bot sandbox` refuses in a sentence what it cannot start."""

import socket
from pathlib import Path

import pytest

from bot.sandbox.keep import any_port
from bot.sandbox.main import run


def test_a_taken_port_a_wrong_port_and_a_strange_directory_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", any_port()))
        other.listen()
        taken = other.getsockname()[1]
        assert run(taken, tmp_path / "box", reset=False) == 2
    assert f"--port {taken + 1}" in capsys.readouterr().err
    assert not (tmp_path / "box").exists()
    assert run(70000, tmp_path / "box", reset=False) == 2
    assert "There is no port 70000" in capsys.readouterr().err
    (tmp_path / "thesis.txt").write_text("precious")
    for stage in ("2s", "20", "0s", "soon"):
        assert run(any_port(), tmp_path / "box", reset=False, stage=stage) == 2
        assert f"A stage cannot last {stage!r}; it has to hold 3 looks, so 3s or more" in capsys.readouterr().err
    assert run(any_port(), tmp_path, reset=True) == 2
    assert "nothing in it was deleted" in capsys.readouterr().err
    assert (tmp_path / "thesis.txt").exists()
