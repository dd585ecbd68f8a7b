"""Takes over, while it serves, a server that is laid out as the seed, Deployer or Capistrano have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from actions.host.install import AdminLogin
from actions.host.remote import ask

__all__ = ["Found", "Layout", "Site", "look", "take"]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a site's releases lie: `link` is what nginx's root goes through, `current` the link into releases/."""

    www: str
    link: str
    current: str


@dataclass(frozen=True, slots=True)
class Found:
    """A release on the server. `id` is the name it has, or will have, for chom-host."""

    name: str
    id: str
    revision: str


@dataclass(frozen=True, slots=True)
class Site:
    """What nginx serves through PHP from one root."""

    file: str
    root: str
    layout: Layout | None
    """None where the root goes through no link into a directory called releases."""
    served: str
    releases: tuple[Found, ...]
    shared: tuple[str, ...]
    follows: bool
    """Whether nginx passes $realpath_root already."""
    raw: Mapping[str, Any]

    def said(self) -> list[str]:
        """What was found, in sentences."""
        if self.layout is None:
            return [f"{self.file} serves {self.root}, which goes through no link into a directory called releases."]
        kept = f"{len(self.releases)} release{'' if len(self.releases) == 1 else 's'}"
        link = f"{self.layout.www}/{self.layout.current}"
        lines = [
            f"{self.file} serves {self.root}: {link} points to releases/{self.served}.",
            f"{kept} kept; shared: {', '.join(self.shared) or 'nothing'}.",
        ]
        renamed = (one for one in self.releases if one.name != one.id)
        lines += [f"releases/{one.name} will be called releases/{one.id}." for one in renamed]
        if not self.follows:
            lines.append("nginx passes $document_root to PHP; it will be $realpath_root, after nginx -t.")
        return lines


async def look(login: AdminLogin) -> tuple[Site, ...]:
    """What the server serves; changes nothing. Raises CannotInstall."""
    told = await ask(login, "look")
    return tuple(_site(raw) for raw in cast("list[dict[str, Any]]", told["sites"]))


async def take(
    login: AdminLogin, site: Site, versions: Mapping[str, str], *, user: str, group: str, state: str
) -> tuple[str, ...]:
    """Take the site over, where chom-host is installed; what was done, in sentences. Raises CannotInstall.

    `versions` are those of known commits. Run again it finds done what was done.
    """
    told = {"site": dict(site.raw), "versions": dict(versions), "user": user, "group": group, "state": state}
    done = await ask(login, "take", **told)
    return tuple(str(line) for line in done["done"])


def _site(raw: dict[str, Any]) -> Site:
    layout = Layout(**raw["layout"]) if raw["layout"] else None
    if layout is None:
        return Site(raw["file"], raw["root"], None, "", (), (), False, raw)
    releases = tuple(Found(one["name"], one["id"], one["revision"]) for one in raw["releases"])
    return Site(raw["file"], raw["root"], layout, raw["served"], releases, tuple(raw["shared"]), raw["follows"], raw)
