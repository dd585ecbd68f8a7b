"""What a command of a shell waits for before it begins: for none of the libraries that only a bot that serves needs."""

from __future__ import annotations

import json
import subprocess
import sys

_SERVING = ["aiohttp.web", "boto3", "bot.serving.serve", "docket", "requests", "slack_bolt"]
_DESK = ["asyncssh", "bot.app", "redis", "slack_sdk"]
_ASKED = f"""
import json, sys
from importlib import import_module
from bot.cli import PLACES
brought = {{}}
def bring(name, module, unwanted):
    import_module(module)
    brought[name] = [one for one in unwanted if one in sys.modules]
bring("help alone", "bot.help_command", {_SERVING + _DESK})
bring("policy test", "bot.policy_command", {_SERVING + _DESK})
for name in sorted(PLACES, key=("serve", "sandbox").count):
    bring(name, PLACES[name].module, {_SERVING})
    if name == "serve":
        break
print(json.dumps(brought))
"""


def test_no_command_but_those_that_serve_waits_for_what_serving_needs() -> None:
    """One interpreter for all, the lightest first: where one fails, so do those behind it."""
    told = subprocess.run([sys.executable, "-c", _ASKED], capture_output=True, text=True, check=True)
    brought = json.loads(told.stdout)
    assert brought.pop("serve") == ["aiohttp.web", "bot.serving.serve", "slack_bolt"]
    assert {"help alone", "policy test", "status", "who", "plan", "policy", "evidence", "check", "host"} <= {*brought}
    assert {name: modules for name, modules in brought.items() if modules} == {}
