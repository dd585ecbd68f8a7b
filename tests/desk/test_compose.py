"""compose.yaml, the Dockerfile and the systemd unit say what the bot wants to hear."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from bot.starting import files

TOP = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((TOP / "compose.yaml").read_text())
DOCKERFILE = (TOP / "Dockerfile").read_text()
UNIT = (TOP / "bot/serving/chom-bot.service").read_text()
SECRETS = {"CHOM_REDIS_URL", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "CHOM_CONFIG_KEY",
           "CHOM_GITHUB_TOKEN"}  # fmt: skip


def test_the_bot_finds_its_configuration_and_its_secrets() -> None:
    bot = COMPOSE["services"]["bot"]
    assert set(bot["environment"]) == SECRETS
    config = re.search(r"CHOM_CONFIG=(\S+)", DOCKERFILE)
    assert config and any(volume.split(":")[1] == config[1] for volume in bot["volumes"])
    assert any(volume.endswith(":/var/lib/chom-bot") for volume in bot["volumes"])
    assert all(name in UNIT for name in SECRETS)
    assert {line.partition("=")[0] for line in files()["secrets.env"].splitlines() if line[:1] not in "# "} == SECRETS
    handed = re.findall(r"LoadCredential=(\S+):/etc/chom-bot/(\S+)", UNIT)
    assert handed == [(name, name) for name in ("chom.toml", "id_ed25519", "rules.toml")], "they stay side by side"


def test_nothing_is_given_that_is_not_needed() -> None:
    for service in COMPOSE["services"].values():
        assert service["read_only"] and service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "ports" not in service and "privileged" not in service


def test_its_redis_forgets_nothing_and_has_a_password_on_no_command_line() -> None:
    redis = COMPOSE["services"]["redis"]
    script = redis["command"][2]
    assert "appendonly yes" in script and "appendfsync always" in script and "requirepass %s" in script
    assert "exec valkey-server /tmp/conf" in script, "it gets the signals itself, and the password from a file"
