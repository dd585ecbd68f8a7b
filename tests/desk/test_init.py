"""chom-bot init: files that are right as they stand, nothing overwritten, and the next three steps."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from typer.testing import CliRunner

from bot.cli import cli
from bot.config import Secrets, load
from bot.config.toml import ChomToml
from bot.configs import keys_of
from bot.slack.connection.manifest import manifest
from bot.starting import HTTP, SECRETS, SOCKET, TOML, template
from policies.change import Role

FILES = {TOML, SECRETS, SOCKET, HTTP}


def init(*words: str | Path) -> Any:
    return CliRunner().invoke(cli, ["init", *map(str, words)])


def test_the_files_are_right_as_they_stand(tmp_path: Path) -> None:
    told = init("--dir", tmp_path / "new")
    assert told.exit_code == 0
    assert {path.name for path in (tmp_path / "new").iterdir()} == FILES
    settings = load(tmp_path / "new" / TOML, {}, secrets=Secrets.NONE)
    assert settings.ssh_key == str(tmp_path / "new/id_ed25519")
    assert settings.people["lea"].roles == {Role.TECH_LEAD}
    assert json.loads((tmp_path / "new" / SOCKET).read_text()) == manifest()
    assert json.loads((tmp_path / "new" / HTTP).read_text()) == manifest("https://chom-bot.example.org")
    assert stat.S_IMODE((tmp_path / "new" / SECRETS).stat().st_mode) == 0o600


def test_the_secrets_that_a_bot_wants_are_all_named(tmp_path: Path) -> None:
    init("--dir", tmp_path)
    names = set(re.findall(r"^(\w+)=$", (tmp_path / SECRETS).read_text(), re.M))
    assert names == {
        "SLACK_BOT_TOKEN",
        "SLACK_APP_TOKEN",
        "SLACK_SIGNING_SECRET",
        "CHOM_REDIS_URL",
        "CHOM_GITHUB_TOKEN",
    }


def test_the_key_for_the_configuration_is_made_here_and_another_each_time(tmp_path: Path) -> None:
    keys = set[str]()
    for name in ("one", "two"):
        init("--dir", tmp_path / name)
        (found,) = re.findall(r"^CHOM_CONFIG_KEY=(\S+)$", (tmp_path / name / SECRETS).read_text(), re.M)
        assert keys_of(found) is not None
        keys.add(found)
    assert len(keys) == 2


def test_every_setting_there_is_is_explained() -> None:
    """Written or commented out, with a word about it or a value that says it."""
    text = template()
    for name in _settings(ChomToml):
        assert re.search(rf"(^|[#{{,] ?){name} = ", text, re.M) or f"[{name}]" in text or f"[slack.{name}]" in text, (
            name
        )


def test_what_is_commented_out_is_what_one_gets_without_it(tmp_path: Path) -> None:
    def read(text: str) -> Any:
        (tmp_path / TOML).write_text(text)
        return load(tmp_path / TOML, {}, secrets=Secrets.NONE)

    kept = {"default_environment": '"production"', "smoke": '["database", "queue"]', "migrate_on": '"app1"'}
    chosen = re.sub(r"^# \[(github|prometheus)\].*?\n\n|^# (errors|latency) = .*?\n", "", template(), flags=re.M | re.S)
    given = re.sub(r"^# (?=\w+ = )", "", chosen, flags=re.M)
    given = re.sub(r"^# (?=\[redis\]|\[environments)", "", given, flags=re.M).replace('tech-lead = "S0123ABCD"\n', "")
    for name, value in kept.items():
        assert f"{name} = {value}" in given
    without = read(template())
    with_all = read(given.replace('smoke = ["database", "queue"]', "smoke = []").replace('instance = ""', ""))
    assert with_all == without


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / TOML).write_text("mine")
    told = init("--dir", tmp_path)
    assert told.exit_code == 0
    assert f"Wrote {SECRETS}, {SOCKET} and {HTTP} in {tmp_path}.\n{TOML} is there already and was left alone.\n" in (
        told.stdout
    )
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    again = init("--dir", tmp_path)
    assert again.exit_code == 0 and "Wrote" not in again.stdout and "were left alone" in again.stdout
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert before[TOML] == b"mine"


def test_a_link_in_its_way_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / SECRETS).symlink_to(tmp_path / "elsewhere/secrets")
    assert init("--dir", tmp_path).exit_code == 0
    assert not list((tmp_path / "elsewhere").iterdir())


def test_the_next_three_steps(tmp_path: Path) -> None:
    said = init("--dir", tmp_path).stdout
    assert re.findall(r"^ (\d)\.", said, re.M) == ["1", "2", "3"]
    for words in (SOCKET, HTTP, "/invite @chom", f'ssh-keygen -t ed25519 -N "" -f {tmp_path}/id_ed25519'):
        assert words in said
    assert said.index("chom-bot host install") < said.index("chom-bot check")


def test_an_address_of_ones_own_and_faults(tmp_path: Path) -> None:
    init("--dir", tmp_path, "--url", "https://bot.chom.example/")
    assert json.loads((tmp_path / HTTP).read_text()) == manifest("https://bot.chom.example")
    refused = init("--dir", tmp_path, "--url", "http://bot")
    assert refused.exit_code == 2 and "has to begin with https://" in refused.stderr
    (tmp_path / "file").touch()
    for wanted in (tmp_path / "file", tmp_path / "file" / "below"):
        refused = init("--dir", wanted)
        said = f"{tmp_path}/file is a file; --dir wants a directory, for example --dir {tmp_path}/chom-bot.\n"
        assert (refused.exit_code, refused.stderr) == (2, said)


def _settings(model: type[BaseModel]) -> set[str]:
    """The names of all settings of a table and of those below it."""
    found: set[str] = set()
    for name, field in model.model_fields.items():
        below = [kind for kind in _kinds(field.annotation) if isinstance(kind, type) and issubclass(kind, BaseModel)]
        found |= set() if below else {name}
        for kind in below:
            found |= _settings(kind)
    return found


def _kinds(annotation: Any) -> list[Any]:
    return [annotation, *(kind for inner in get_args(annotation) for kind in _kinds(inner))]
