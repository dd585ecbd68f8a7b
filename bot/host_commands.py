"""`chom-bot host`: puts chom-host on the servers over an administrator's SSH login, and says where one has drifted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import asyncssh
import typer

from actions.host.install import AdminLogin, CannotInstall, Drift, HostSpec, install, rendered, status, take_back
from actions.host.layout import Installation, Managed
from bot.config import Secrets, Settings
from bot.entry import DEFAULT, Config, settings_of

host = typer.Typer(no_args_is_help=True, help="chom-host on the servers.")

Hosts = Annotated[list[str] | None, typer.Argument(help="Servers of chom.toml; all of them where none is named.")]
User = Annotated[str, typer.Option(help="An administrator's login: root, or one with sudo without a password.")]
Keys = Annotated[list[Path] | None, typer.Option("--key", help="The administrator's key; else the ssh-agent's.")]
BotKey = Annotated[Path | None, typer.Option(help="The bot's public key; else the one that belongs to [bot] ssh_key.")]


@dataclass(frozen=True, slots=True)
class _Target:
    """One server: the way to it, and what belongs on it."""

    name: str
    login: AdminLogin
    wanted: Installation


@host.command("install")
def install_command(
    hosts: Hosts = None,
    config: Config = DEFAULT,
    user: User = "root",
    key: Keys = None,
    bot_key: BotKey = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Install chom-host, its login, its key and its sudoers file. Run again, it changes nothing."""
    failed = False
    for target in _targets(config, hosts or [], user, key or [], bot_key):
        try:
            failed |= not _install(target, yes)
        except CannotInstall as cannot:
            typer.echo(f"{target.name}: {cannot}", err=True)
            failed = True
    raise typer.Exit(int(failed))


@host.command("status")
def status_command(
    hosts: Hosts = None, config: Config = DEFAULT, user: User = "root", key: Keys = None, bot_key: BotKey = None
) -> None:
    """Say where a server differs from what `host install` would write; changes nothing. 1 where one does."""
    drifted = False
    for target in _targets(config, hosts or [], user, key or [], bot_key):
        try:
            drifts = asyncio.run(status(target.login, target.wanted))
        except CannotInstall as cannot:
            typer.echo(f"{target.name}: {cannot}", err=True)
            raise typer.Exit(2) from None
        drifted |= bool(drifts)
        typer.echo(_said(target.name, drifts))
    raise typer.Exit(int(drifted))


@host.command("remove")
def remove_command(
    hosts: Hosts = None,
    config: Config = DEFAULT,
    user: User = "root",
    key: Keys = None,
    bot_key: BotKey = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take back all that `host install` wrote: everything is as it was. What CHOM serves, its logs and backups stay."""
    failed = False
    for target in _targets(config, hosts or [], user, key or [], bot_key):
        if not (yes or typer.confirm(f"Take chom-host off {target.name} ({target.login.address})?")):
            typer.echo(f"{target.name}: nothing was changed.")
            failed = True
            continue
        try:
            report = asyncio.run(take_back(target.login, target.wanted))
        except CannotInstall as cannot:
            typer.echo(f"{target.name}: {cannot}", err=True)
            failed = True
            continue
        for what, paths in (("removed", report.removed), ("as before", report.changed), ("left", report.left)):
            typer.echo(f"{target.name}: {what}: {', '.join(paths) or 'nothing'}")
    raise typer.Exit(int(failed))


def _install(target: _Target, yes: bool) -> bool:
    """Show, ask, install; whether it was done."""
    drifts = asyncio.run(status(target.login, target.wanted))
    typer.echo(_said(target.name, drifts))
    differ = {drift.path for drift in drifts}
    for entry in target.wanted.entries:
        if entry.path in differ:
            typer.echo(_shown(entry))
    if drifts and not (yes or typer.confirm(f"Write this on {target.name} ({target.login.address})?")):
        typer.echo(f"{target.name}: nothing was written.")
        return False
    report = asyncio.run(install(target.login, target.wanted))
    for note in report.notes:
        typer.echo(f"{target.name}: note: {note}")
    done = f"changed {', '.join(report.changed)}" if report.changed else "no change"
    typer.echo(f"{target.name}: {done}; {len(report.kept)} were right already.")
    return True


def _said(name: str, drifts: tuple[Drift, ...]) -> str:
    if not drifts:
        return f"{name}: no drift; everything is as `chom-bot host install` writes it."
    lines = [f"    {drift.path} {drift.what}" for drift in drifts]
    return "\n".join([f"{name}: {len(drifts)} not as `chom-bot host install` writes it:", *lines])


def _shown(entry: Managed) -> str:
    """What will be written, small files whole: who reads this decides who gets into the server."""
    head = f"  {entry.path}  ({entry.owner}:{entry.group}, mode {entry.mode:o}"
    if entry.content is None:
        return f"{head}, directory)"
    if len(entry.content) > 4096:
        return f"{head}, {len(entry.content)} bytes)"
    lines = entry.content.decode().splitlines()
    return "\n".join([f"{head})", *(f"      {line}" for line in lines)])


def _targets(config: Path, names: list[str], user: str, keys: list[Path], bot_key: Path | None) -> list[_Target]:
    settings = settings_of(config, Secrets.NONE)
    if unknown := [name for name in names if name not in settings.hosts]:
        typer.echo(f"{config} has no server {', '.join(unknown)}; it has {', '.join(settings.hosts)}.", err=True)
        raise typer.Exit(2)
    public = _public_key(bot_key, settings)
    return [_target(settings, name, public, user, keys) for name in names or settings.hosts]


def _target(settings: Settings, name: str, public: str, user: str, keys: list[Path]) -> _Target:
    known = settings.hosts[name]
    reload = tuple(service for e in settings.environments.values() if name in e.hosts for service in e.reload)
    fpm = f"php{known.php}-fpm"
    places = {"php": f"/usr/bin/php{known.php}", "fpm_socket": f"/run/php/{fpm}.sock", **known.layout}
    spec = HostSpec((public,), known.user, known.group, services=reload or (fpm,), settings=places)
    try:
        wanted = rendered(spec)
    except ValueError as fault:
        typer.echo(f"{name}: {fault}.", err=True)
        raise typer.Exit(2) from None
    return _Target(name, AdminLogin(known.address, known.host_key, known.port, user, tuple(keys)), wanted)


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
