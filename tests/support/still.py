"""A world around the stand-in for Slack in which nothing moves and nothing can be broken."""

from __future__ import annotations

from typing import Any

from bot.sandbox.slack.errors import Impossible

Json = dict[str, Any]


class StillWorld:
    """What make_app wants of a world."""

    def servers(self) -> list[Json]:
        return []

    def minutes(self) -> Json:
        return {}

    def annotations(self) -> list[Json]:
        return []

    async def fault(self, spec: Json) -> Json:
        raise Impossible(f"Nothing around this Slack can be broken: {spec}")

    def info(self) -> Json:
        return {"chom_toml": "", "versions": []}
