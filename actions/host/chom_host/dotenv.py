"""shared/.env, read as Laravel reads it: what the application's database is, and what else it is told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from .base import Failed
from .envfile import statements
from .settings import Settings


def read_env(path: Path) -> dict[str, str]:
    """Name -> value. Raises Failed where the file cannot be read."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as fault:
        raise Failed(f"{path} cannot be read: {fault.strerror or fault}") from None
    return {one.name: one.value for one in statements(text)}


@dataclass(frozen=True)
class Database:
    """Where the application's data is. For SQLite `name` is the file's path, and the rest is empty."""

    kind: str
    name: str
    host: str = ""
    port: str = ""
    socket: str = ""
    user: str = ""
    password: str = ""

    @property
    def sqlite(self) -> bool:
        return self.kind == "sqlite"


def database(settings: Settings) -> Database:
    """The database that shared/.env names. Raises Failed where it names none that can be backed up."""
    path = settings.shared_dir / ".env"
    env = read_env(path)
    kind = env.get("DB_CONNECTION", "mysql")
    url = env.get("DB_URL") or env.get("DATABASE_URL") or ""
    made = _by_url(url) if url else _by_names(kind, env)
    if made.kind not in ("mysql", "mariadb", "sqlite"):
        raise Failed(f"{path} names a database of the kind “{made.kind}”: only MySQL, MariaDB and SQLite are known")
    if not made.name:
        raise Failed(f"{path} does not say which database it is: set DB_DATABASE in it")
    return made


def _by_names(kind: str, env: dict[str, str]) -> Database:
    if kind == "sqlite":
        return Database(kind, env.get("DB_DATABASE", ""))
    return Database(
        kind,
        env.get("DB_DATABASE", ""),
        env.get("DB_HOST", "127.0.0.1"),
        env.get("DB_PORT", "3306"),
        env.get("DB_SOCKET", ""),
        env.get("DB_USERNAME", ""),
        env.get("DB_PASSWORD", ""),
    )


def _by_url(url: str) -> Database:
    parts = urlsplit(url)
    name = unquote(parts.path)
    if parts.scheme == "sqlite":
        return Database("sqlite", name)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Database(parts.scheme, name.lstrip("/"), parts.hostname or "", str(parts.port or 3306), "", user, password)
