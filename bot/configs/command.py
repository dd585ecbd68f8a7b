"""`chom-bot config put|edit|list|drop|key|renew`: how values come in, on the bot's machine and never through Slack."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import typer

from actions.engine.configuring import is_secret
from actions.engine.fleet import CannotPlan
from actions.engine.words import joined
from bot import shell
from bot.app import Bot
from bot.configs import KEY, edits_of, fresh_key
from bot.configs.written import NotWritten, Written, read, template
from bot.desk.named import environment_of
from bot.desk.planning import Refusal

OWN = ("put", "edit", "list", "drop", "key", "renew")
"""Words after `config` that are commands here and no actions."""
PRIVATE = Path("/dev/shm")
"""In memory, so that values in an editor touch no disk."""


def run(words: Sequence[str], bot: Callable[[], Bot]) -> int:
    """The exit status of `config` with these words."""
    word, rest = words[0], list(words[1:])
    if word == "key":
        return _key()
    acts: dict[str, Callable[[Bot], Awaitable[int]]] = {
        "put": lambda it: _put(it, rest),
        "edit": lambda it: _edit(it, environment_of(" ".join(rest))),
        "list": lambda it: _list(it, environment_of(" ".join(rest))),
        "drop": lambda it: _drop(it, rest),
        "renew": _renew,
    }

    async def act(it: Bot) -> int:
        try:
            return await acts[word](it)
        except CannotPlan as cannot:
            raise Refusal(str(cannot)) from None

    return shell.run(bot(), act)


def _key() -> int:
    """Only the key on stdout, so that it can be appended to a file."""
    typer.echo(
        f"The next line is for secrets.env. To replace a key, put the new one before it, {KEY}=NEW,OLD, restart the "
        "bot, and run chom-bot config renew; then the old one can go.",
        err=True,
    )
    typer.echo(f"{KEY}={fresh_key()}")
    return 0


async def _put(bot: Bot, words: list[str]) -> int:
    if not words:
        raise Refusal("Name the file with the change: `config put FILE to production`.")
    if "=" in words[0]:
        raise Refusal(
            "A value typed here would stay in the shell's history, and in the list of processes while it runs. "
            "Write it into a file, or use `config edit`."
        )
    environment = _environment(bot, environment_of(" ".join(words[1:])))
    text = await _text(words[0])
    try:
        written = read(text)
    except NotWritten as faults:
        raise Refusal("\n".join([*faults.faults, "Nothing was stored."])) from None
    status = await _store(bot, environment, written)
    if words[0] != "-":
        typer.echo(f"{words[0]} still holds the values: remove it.")
    return status


async def _text(name: str) -> str:
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()  # noqa: ASYNC240  nobody else waits
        return data.decode()
    except OSError as fault:
        raise Refusal(f"{name} cannot be read: {fault.strerror or fault}.") from None
    except UnicodeDecodeError:
        raise Refusal(f"{name} is not UTF-8; save it as UTF-8.") from None


async def _store(bot: Bot, environment: str, written: Written) -> int:
    who = bot.desk.unix_person(shell.login())
    await bot.store.check_durable(bot.settings.redis_without_aof)
    edits = edits_of(written.sets, written.unset)
    stored = await bot.vault.put(environment, who.id, edits, bot.world.clock.now())
    typer.echo(f"Stored as {stored.id} for {environment}: {_keys(stored.keys)}. Nothing is changed yet.")
    typer.echo(f"See what it does:  chom-bot config diff {stored.id} on {environment}")
    typer.echo(
        f"Ask for it:        chom-bot config apply {stored.id} to {environment}, or the same behind /chom in Slack"
    )
    return 0


def _keys(keys: Sequence[str]) -> str:
    return joined(f"{key} (a secret)" if is_secret(key) else key for key in keys)


async def _edit(bot: Bot, named: str) -> int:
    environment = _environment(bot, named)
    fleet = await bot.desk.planning.survey(environment)
    bot.desk.unix_person(shell.login())
    text = template(environment, {host.name: host.config_keys for host in fleet.hosts})
    written = _edited(text)
    if written is None:
        typer.echo("Nothing was stored.")
        return 0
    return await _store(bot, environment, written)


def _edited(text: str) -> Written | None:
    """What was written in an editor; what cannot be read is shown again until it can, or is given up."""
    with tempfile.TemporaryDirectory(dir=PRIVATE if os.access(PRIVATE, os.W_OK) else None) as directory:
        path = Path(directory) / "change.env"
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        while True:
            editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
            if subprocess.run([*shlex.split(editor), str(path)], check=False).returncode:
                raise Refusal(f"{editor} did not end well. Nothing was stored.")
            now = path.read_text(encoding="utf-8", errors="replace")
            if not any(line.strip() and not line.lstrip().startswith("#") for line in now.splitlines()):
                return None
            try:
                return read(now)
            except NotWritten as faults:
                typer.echo("\n".join(faults.faults), err=True)
                if not typer.confirm("Open it again?", default=True, err=True):
                    return None


async def _list(bot: Bot, named: str) -> int:
    environment = _environment(bot, named)
    known = await bot.vault.revisions(environment)
    for one in known:
        typer.echo(f"{one.id}  {one.at:%Y-%m-%d %H:%M} UTC  {one.by}  {_keys(one.keys)}")
    if not known:
        typer.echo(f"No change of the configuration of {environment} is stored.")
    return 0


async def _drop(bot: Bot, words: list[str]) -> int:
    """Needs no key: what was stored with one that is lost can be forgotten too."""
    if len(words) != 1:
        raise Refusal("Name what is to be forgotten: `config drop cfg-7f3kq2`.")
    id_ = words[0]
    where = [name for name in bot.settings.environments if id_ in await bot.store.configs(name)]
    if not where or await bot.store.config(id_) is None:
        raise Refusal(f"There is no {id_}, or it is older than 30 days; `config list` shows what there is.")
    for name in where:
        await bot.store.drop_config(name, id_)
    typer.echo(f"{id_} is forgotten. What was applied stays on the servers.")
    return 0


async def _renew(bot: Bot) -> int:
    for environment in bot.settings.environments:
        count = await bot.vault.renew(environment)
        typer.echo(f"{environment}: {count} stored with the newest key now.")
    return 0


def _environment(bot: Bot, named: str) -> str:
    environment = named or bot.settings.default_environment
    if environment not in bot.settings.environments:
        raise Refusal(f"There is no environment {environment}; there are {joined(bot.settings.environments)}.")
    return environment
