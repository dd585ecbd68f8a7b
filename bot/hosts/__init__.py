"""`chom-bot host`: what an administrator does on the servers, once each."""

from __future__ import annotations

import typer

from bot.hosts.adopting import adopt
from bot.hosts.installing import put_on, status_command, take_off
from bot.hosts.targets import on_each

host = typer.Typer(no_args_is_help=True, help="chom-host on the servers.")
host.command(
    "install", help="Install chom-host, its login, its key and its sudoers file. Run again, it changes nothing."
)(on_each(put_on))
host.command("status")(status_command)
host.command(
    "remove",
    help="Take back all that `host install` wrote: everything is as it was. "
    "What CHOM serves, its logs and backups stay.",
)(on_each(take_off))
host.command(
    "adopt",
    help="Take over a server that serves already, as the seed, Deployer or Capistrano have it; no request fails.",
)(on_each(adopt))
