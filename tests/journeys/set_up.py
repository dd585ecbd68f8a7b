"""What `chom-bot check` looks at, whole, and what it says of it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from tests.journeys.terminal import Terminal
from tests.journeys.town import Town
from tests.slack.support import Slack

SLACK = '[slack]\nteam = "T0CHOM"\nchannel = "C0DEPLOYS"\n'
TOKENS = {"SLACK_BOT_TOKEN": "xoxb-sandbox", "SLACK_APP_TOKEN": "xapp-sandbox"}


@dataclass
class SetUp:
    """What `chom-bot check` looks at, and the means to spoil it."""

    town: Town
    slack: Slack
    text: str
    env: dict[str, str] = field(default_factory=dict)

    async def check(self, status: int = 1) -> str:
        """What it says, with that exit status."""
        config = self.town.directory / "check.toml"
        config.write_text(self.text)
        told = {"CHOM_REDIS_URL": self.town.redis.url, "SLACK_API_URL": f"{self.slack.base}/api/"} | TOKENS | self.env
        env = {"PATH": os.environ["PATH"], **{name: value for name, value in told.items() if value}}
        terminal = Terminal(self.town, env, "check", "--config", str(config))
        try:
            said = await terminal.ends(status)
        finally:
            await terminal.close()
        assert not [secret for secret in (self.town.redis.password, *TOKENS.values()) if secret in said]
        return said


def faults(said: str) -> list[str]:
    return [line.removeprefix("FAULT  ") for line in said.splitlines() if line.startswith("FAULT")]
