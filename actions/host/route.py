"""Puts the canary into the nginx of a living site over an administrator's login, and takes it out again."""

from __future__ import annotations

from actions.host.chom_host.settings import Settings
from actions.host.install import AdminLogin, CannotInstall
from actions.host.pools import PASS, SITE
from actions.host.remote import ask


async def is_routed(login: AdminLogin, places: Settings) -> bool:
    """Whether the site sends each client to its pool; changes nothing.

    Raises CannotInstall, also where nginx does not accept its own configuration: in nginx's words.
    """
    return bool((await ask(login, "locate", root=_root(places), include=SITE, pass_=PASS))["routed"])


async def route(login: AdminLogin, places: Settings) -> str:
    """The site sends each client to its pool, tested by nginx and reloaded; what was done, "" for nothing.

    Raises CannotInstall with what to write by hand where the site is not one that can be changed by itself.
    """
    socket = f"unix:{places.fpm_socket}" if places.fpm_socket.startswith("/") else places.fpm_socket
    told = {"root": _root(places), "socket": socket, "include": SITE, "pass_": PASS}
    try:
        return str((await ask(login, "route", **told))["done"])
    except CannotInstall as cannot:
        raise CannotInstall(
            f"{cannot}. All else is installed. To send clients to the canary, write in the site's server block "
            f"“include {SITE};” in the place of its root, and “fastcgi_pass {PASS};” in the place of its own; "
            "then nginx -t, and reload it."
        ) from None


async def unroute(login: AdminLogin) -> str:
    """Every client has the stable pool, and nginx knows no other; what was done, "" for nothing."""
    return str((await ask(login, "unroute", include=SITE))["done"])


def _root(places: Settings) -> str:
    return f"{places.www}/{places.link}/public"
