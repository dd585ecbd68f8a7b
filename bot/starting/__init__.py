"""What `chom-bot init` lays down: a chom.toml that explains itself, the secrets' names, the Slack app's manifests."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.configs import fresh_key
from bot.slack.connection.manifest import manifest

TOML = "chom.toml"
SOCKET, HTTP, SECRETS = "slack-manifest-socket.json", "slack-manifest-http.json", "secrets.env"
PUBLIC_URL = "https://chom-bot.example.org"
"""The address in the manifest for signed HTTP where none is given."""

_SECRETS = """\
# The bot's secrets, one a line, without quotes: systemd reads them from here (EnvironmentFile=), and a shell with
# set -a; . ./secrets.env; set +a
# Keep this file to its owner: chmod 600.

# Slack, "OAuth & Permissions": the bot token.
SLACK_BOT_TOKEN=
# Slack, "Basic Information", App-Level Tokens, with connections:write; for mode = "socket".
SLACK_APP_TOKEN=
# Slack, "Basic Information", Signing Secret; for mode = "http".
SLACK_SIGNING_SECRET=
# The bot's own Redis, never CHOM's: requirepass and "appendonly yes" in its redis.conf.
CHOM_REDIS_URL=
# GitHub, where [github] is in chom.toml: a token that may read contents, checks and commit statuses, and nothing more.
CHOM_GITHUB_TOKEN=
# Where versions come from "s3://…", also AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_DEFAULT_REGION, and
# AWS_ENDPOINT_URL where it is not Amazon's.
# What changes of the servers' environment file are encrypted with in that Redis. To replace it: NEW,OLD here, restart
# the bot, chom-bot config renew, and take OLD away.
CHOM_CONFIG_KEY={key}
"""


@dataclass(frozen=True, slots=True)
class Laid:
    """File names: what was written, and what was there already and was left as it is."""

    written: tuple[str, ...]
    left: tuple[str, ...]


def template() -> str:
    """The chom.toml that is written."""
    return Path(__file__).with_name(TOML).read_text(encoding="utf-8")


def files(public_url: str = PUBLIC_URL) -> Mapping[str, str]:
    """Every file by its name."""
    return {
        TOML: template(),
        SECRETS: _SECRETS.format(key=fresh_key()),
        SOCKET: json.dumps(manifest(), indent=2) + "\n",
        HTTP: json.dumps(manifest(public_url), indent=2) + "\n",
    }


def lay(directory: Path, public_url: str = PUBLIC_URL) -> Laid:
    """Write what is not there yet; nothing that is there is touched. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    written: list[str] = []
    left: list[str] = []
    for name, text in files(public_url).items():
        mode = 0o600 if name == SECRETS else 0o644
        try:
            fd = os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        except FileExistsError:
            left.append(name)
            continue
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(text)
        written.append(name)
    return Laid(tuple(written), tuple(left))
