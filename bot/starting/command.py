"""`chom-bot init`: the first files, and what to do with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from actions.engine.words import joined
from bot.starting import HTTP, PUBLIC_URL, SECRETS, SOCKET, TOML, Laid, lay

Directory = Annotated[Path, typer.Option("--dir", help="Where the files go; it is made where it is not there.")]
Url = Annotated[str, typer.Option(help="The bot's own address, where Slack is to call it.")]


def init_command(directory: Directory = Path(), url: Url = PUBLIC_URL) -> None:
    """The command."""
    if not url.startswith("https://"):
        typer.echo(f"--url has to begin with https://, for example {PUBLIC_URL}; Slack calls nothing else.", err=True)
        raise typer.Exit(2)
    if file := next((path for path in (directory, *directory.parents) if path.exists() and not path.is_dir()), None):
        like = file.with_name("chom-bot")
        typer.echo(f"{file} is a file; --dir wants a directory, for example --dir {like}.", err=True)
        raise typer.Exit(2)
    try:
        laid = lay(directory, url)
    except OSError as fault:
        typer.echo(f"{fault.filename or directory} cannot be written: {fault.strerror or fault}.", err=True)
        raise typer.Exit(2) from None
    for line in _said(directory, laid):
        typer.echo(line)


def _said(directory: Path, laid: Laid) -> Iterator[str]:
    if laid.written:
        yield f"Wrote {joined(laid.written)} in {directory.resolve()}."
    if laid.left:
        there = "is there already and was" if len(laid.left) == 1 else "are there already and were"
        yield f"{joined(laid.left)} {there} left alone."
    yield ""
    yield "Next:"
    yield f" 1. Slack: at api.slack.com/apps, Create New App, From a manifest, paste {SOCKET}"
    yield f"    (or {HTTP}, where Slack is to call the bot). Install it, /invite @chom in the channel, and put its"
    yield f"    tokens and the address of the bot's own Redis into {SECRETS}."
    yield f" 2. {TOML}: your channel, servers and people, in the lines that are marked “yours”. The bot's key:"
    yield f'    ssh-keygen -t ed25519 -N "" -f {directory.resolve() / "id_ed25519"}'
    yield " 3. Servers: chom-bot host install. Versions: chom-bot pack. Then, with the secrets in the environment"
    yield f"    (set -a; . {directory.resolve() / SECRETS}; set +a), chom-bot check says what is still missing,"
    yield "    and what to do about it."
