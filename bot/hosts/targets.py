"""The servers that a `chom-bot host` command is about: the way to each, and what belongs on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import asyncssh
import typer

from actions.host.chom_host.settings import Settings as Places
from actions.host.chom_host.settings import read_settings
from actions.host.install import AdminLogin, CannotInstall, HostSpec, rendered
from actions.host.layout import Installation
from actions.host.pools import Pools
from bot.config import Secrets, Settings
from bot.config.servers import HostSettings
from bot.entry import DEFAULT, Config, settings_of

Hosts = Annotated[list[str] | None, typer.Argument(help="Servers of chom.toml; all of them where none is named.")]
User = Annotated[str, typer.Option(help="An administrator's login: root, or one with sudo without a password.")]
Keys = Annotated[list[Path] | None, typer.Option("--key", help="The administrator's key; else the ssh-agent's.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
BotKey = Annotated[Path | None, typer.Option(help="The bot's public key; else the one that belongs to [bot] ssh_key.")]


@dataclass(frozen=True, slots=True)
class Target:
    """One server: the way to it, and what belongs on it."""

    name: str
    login: AdminLogin
    wanted: Installation
    places: Places
    """Where things lie there."""
    settings: Settings
    """The bot's, of chom.toml."""


def targets(config: Path, names: list[str], user: str, keys: list[Path], bot_key: Path | None) -> list[Target]:
    """The servers that were named, or all. Exits with 2 and a sentence where something is not as it has to be."""
    settings = settings_of(config, Secrets.NONE)
    if unknown := [name for name in names if name not in settings.hosts]:
        typer.echo(f"{config} has no server {', '.join(unknown)}; it has {', '.join(settings.hosts)}.", err=True)
        raise typer.Exit(2)
    public = _public_key(bot_key, settings)
    return [_target(settings, name, public, user, keys) for name in names or settings.hosts]


def on_each(act: Callable[[Target, bool], bool]) -> Callable[..., None]:
    """The command that does it on each server, whatever became of the last; it exits with 1 where it was not done.

    `act` is told whether to do it without asking, and says whether it was done; it may raise CannotInstall.
    """

    def command(
        hosts: Hosts = None,
        config: Config = DEFAULT,
        user: User = "root",
        key: Keys = None,
        bot_key: BotKey = None,
        yes: Yes = False,
    ) -> None:
        failed = False
        for target in targets(config, hosts or [], user, key or [], bot_key):
            try:
                failed |= not act(target, yes)
            except CannotInstall as cannot:
                typer.echo(f"{target.name}: {cannot}", err=True)
                failed = True
        raise typer.Exit(int(failed))

    return command


def _target(settings: Settings, name: str, public: str, user: str, keys: list[Path]) -> Target:
    known = settings.hosts[name]
    reload = tuple(service for e in settings.environments.values() if name in e.hosts for service in e.reload)
    fpm = f"php{known.php}-fpm"
    places = {"php": f"/usr/bin/php{known.php}", "fpm_socket": f"/run/php/{fpm}.sock", **known.layout}
    try:
        pools = _pools(known)
        spec = HostSpec((public,), known.user, known.group, services=reload or (fpm,), settings=places, pools=pools)
        if pools:
            places |= pools.settings(str(places.get("link", Places().link)))
        wanted, where = rendered(spec), read_settings(places, name)
    except ValueError as fault:
        typer.echo(f"{name}: {fault}.", err=True)
        raise typer.Exit(2) from None
    login = AdminLogin(known.address, known.host_key, known.port, user, tuple(keys))
    return Target(name, login, wanted, where, settings)


def _pools(known: HostSettings) -> Pools | None:
    """The canary's pools, where chom.toml has them. Raises ValueError."""
    canary = known.canary
    if canary is None:
        return None
    return Pools(
        known.php,
        canary.pool,
        canary.files,
        canary.prometheus,
        canary.port,
        canary.slow,
        known.name,
        known.address,
        canary.site,
    )


def _public_key(given: Path | None, settings: Settings) -> str:
    """The bot's public key as one line, from its file or made from the private key."""
    private = Path(settings.ssh_key)
    path = given or private.with_name(f"{private.name}.pub")
    try:
        if given or path.exists():
            return path.read_text(encoding="utf-8").strip()
        return asyncssh.read_private_key(private).export_public_key().decode().strip()
    except (OSError, asyncssh.KeyImportError) as fault:
        typer.echo(
            f"The bot's public key cannot be read: {fault}. Make a key pair with "
            f"`ssh-keygen -t ed25519 -N '' -f {private}`, or name a public key with --bot-key.",
            err=True,
        )
        raise typer.Exit(2) from None
