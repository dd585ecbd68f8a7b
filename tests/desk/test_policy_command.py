"""`chom-bot policy test` as it is typed."""

from __future__ import annotations

import re
from pathlib import Path

from typer.testing import CliRunner

from bot.cli import cli
from policies.rules import SHIPPED


def test_the_shipped_rules_pass_and_others_are_told_where_and_why(tmp_path: Path) -> None:
    passed = CliRunner().invoke(cli, ["policy", "test"])
    assert passed.exit_code == 0 and re.fullmatch(r"\d{3} cases, 0 failures\.\n", passed.stdout)
    other = tmp_path / "rules.toml"
    shipped = CliRunner().invoke(cli, ["policy", "rules"]).stdout
    assert shipped == SHIPPED.read_text(encoding="utf-8")
    other.write_text(shipped.replace("minutes = 30", "minutes = 60"), encoding="utf-8")
    failed = CliRunner().invoke(cli, ["policy", "test", "--rules", str(other)])
    assert failed.exit_code == 1
    assert "nobody answered for 30 minutes\n    wanted expired\n    got    waiting, saying" in failed.stdout
    missing = CliRunner().invoke(cli, ["policy", "test", str(tmp_path / "none.toml")])
    assert missing.exit_code == 2 and "There is no " in missing.output
