"""`chom-bot host`: what an administrator does on the servers, once each."""

from __future__ import annotations

import typer

from bot.hosts.adopting import adopt_command
from bot.hosts.installing import install_command, remove_command, status_command

host = typer.Typer(no_args_is_help=True, help="chom-host on the servers.")
host.command("install")(install_command)
host.command("status")(status_command)
host.command("remove")(remove_command)
host.command("adopt")(adopt_command)
