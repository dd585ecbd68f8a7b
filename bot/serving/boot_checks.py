"""What would else fail at the first deploy is looked at before the bot takes anything in: key, files, artifacts."""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from pathlib import Path

import asyncssh

from actions.engine.fleet import CannotPlan
from actions.engine.ports import Artifacts
from bot.config import Settings

logger = logging.getLogger(__name__)

ANSWER = 15.0
"""Seconds for which the source of the artifacts is waited for, beside all else."""


class CannotServe(Exception):
    """What this machine or chom.toml lacks, one sentence a line."""


def check_machine(settings: Settings) -> None:
    """Look at what lies on this machine. Raises CannotServe with every fault there is."""
    if said := machine_faults(settings):
        raise CannotServe("\n".join(said))


def machine_faults(settings: Settings) -> tuple[str, ...]:
    """What lies on this machine and would keep the bot from its work, as sentences with what to do."""
    faults = (_key(Path(settings.ssh_key)), _state(Path(settings.state_dir)), _directory(settings.artifacts))
    return tuple(fault for fault in faults if fault)


async def check_versions(artifacts: Artifacts) -> None:
    """Warn where the list of versions cannot be had now: it may be back before anybody asks for it."""
    try:
        async with asyncio.timeout(ANSWER):
            await artifacts.versions()
    except CannotPlan as fault:
        logger.warning("%s Until then nothing can be deployed.", fault)
    except TimeoutError:
        logger.warning("The source of the artifacts does not answer. Until it does, nothing can be deployed.")


def _key(path: Path) -> str:
    try:
        found = path.stat()
        asyncssh.read_private_key(path)
    except FileNotFoundError:
        return f'There is no {path}, the bot\'s own SSH key. Make one: ssh-keygen -t ed25519 -N "" -f {path}'
    except asyncssh.KeyImportError as fault:
        if "passphrase" in str(fault).lower():
            return f"The SSH key {path} has a passphrase, which nobody is there to type. Make one without."
        return f"{path} is not an SSH private key; ssh_key under [bot] has to name the bot's own."
    except OSError as fault:
        return f"The SSH key {path} cannot be read: {fault.strerror or fault}."
    others = 0o077 if found.st_uid == os.geteuid() else 0o007
    if found.st_mode & others:
        return f"Others on this machine can read the SSH key {path}. Keep it to the bot: chmod 600 {path}"
    return ""


def _state(path: Path) -> str:
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return ""
    except (FileExistsError, NotADirectoryError):
        return f"{path} is a file, or lies below one; state_dir under [bot] has to be a directory."
    except OSError as fault:
        return f"The bot cannot write in {path} ({fault.strerror or fault}), its state_dir under [bot]."


def _directory(source: str) -> str:
    """Of a source on this machine only."""
    if "://" in source or Path(source).is_dir():
        return ""
    return f"There is no directory {source}, which source under [artifacts] names."
