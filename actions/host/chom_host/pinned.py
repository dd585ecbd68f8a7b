"""Whether this server's nginx sends a request with the canary's pin to the canary: the way that users will take."""

from __future__ import annotations

import http.client
import secrets
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import closing
from urllib.parse import urlsplit

from .base import Failed, Json
from .fastcgi import fastcgi
from .pools import pins, runs
from .settings import Settings

_PORTS = {"https": 443, "http": 80}
_SITES = ("https://127.0.0.1", "http://127.0.0.1")
"""Where nginx is looked for when nobody says where it listens, one after the other."""
_ANSWER = 30.0
"""Seconds for nginx, and for the status page."""
_WRITTEN = 1.0
"""Seconds in which a worker that has answered has written so."""
_STATUS = "/chom-status"
_PAGES = ("/", "/index.php")
"""One of them is PHP's on every site; the other may be a file, or redirected."""
_NOT_FOUND, _FAULT = 404, 500
_NO_SCRIPT = b"File not found."
"""What PHP-FPM itself says, with 404, where the pool's release is not there."""


def pinned(settings: Settings, path: str, cookie: str) -> int:
    """The HTTP status of nginx's answer to GET `path` with the canary's pin.

    The query carries a mark that nobody else knows, and that has to be in the status page of the canary's own PHP-FPM:
    another pool may answer alike, and cannot have that there. The pin is said to nobody. Raises Failed with a sentence
    where nginx does not answer, or the canary did not get the request.
    """
    pin = pins(settings).get("canary")
    if not pin:
        raise Failed(f"{settings.pins} has no pin of the canary; run `chom-bot host install`")
    mark = f"chom-probe={secrets.token_hex(16)}"
    headers = {"Cookie": cookie} if cookie else {}
    site, status, _ = _answer(settings, f"{path}{'&' if '?' in path else '?'}{mark}", {**headers, "X-Chom-Pin": pin})
    if not _arrived(settings, mark):
        raise Failed(
            f"a test request for {settings.health_host} through nginx at {site} did not reach the canary, and got "
            f"HTTP {status}: nginx's routing was changed, or another site answers there. No user was sent; "
            "`chom-bot host status` says what is missing, and `chom-bot host install` puts it back"
        )
    return status


def why_not_routed(settings: Settings) -> str:
    """Why nginx would send nobody to the canary, "" where it would, or nobody can tell.

    It can be told while the canary does not run: then a request with its pin comes to no PHP-FPM, and nginx answers
    it with 502. With no routing in nginx it comes to stable, as one with stable's pin does.
    """
    try:
        pin = pins(settings)
        if not {"canary", "stable"} <= pin.keys():
            return f"{settings.pins} has no pins; run `chom-bot host install`"
        misled = [_misled(settings, pin, path) for path in _PAGES]
    except Failed as failed:
        return str(failed)
    if not all(misled) or runs(settings):
        return ""
    return (
        f"nginx at {misled[0]} sends nobody who asks for {settings.health_host} to the canary; `chom-bot host install` "
        "puts its routing in. Where that nginx has several sites, name CHOM's in chom.toml, under [hosts.NAME]: "
        'layout = { health_host = "chom.example" }'
    )


def _misled(settings: Settings, pin: Json, path: str) -> str:
    """Where nginx sends a request with the canary's pin to stable, "" where it does not or nobody can tell.

    Where there is no release yet, a site may look for the file itself, and answer 404 to both.
    """
    (site, canary, page), (_, stable, _) = (
        _answer(settings, path, {"X-Chom-Pin": pin[pool]}) for pool in ("canary", "stable")
    )
    by_php = page.strip() == _NO_SCRIPT
    known = canary != _NOT_FOUND or settings.current_link.exists()
    return site if by_php or (known and canary == stable < _FAULT) else ""


def _answer(settings: Settings, path: str, headers: Mapping[str, str]) -> tuple[str, int, bytes]:
    """(where nginx answered, its status, the page)."""
    asked = {"Host": settings.health_host, "User-Agent": "chom-host", "Connection": "close", **headers}
    sites = (settings.site,) if settings.site else _SITES
    for site in sites:
        try:
            return (site, *_get(site, settings.health_host.partition(":")[0], path, asked))
        except ConnectionRefusedError:
            continue
        except (OSError, http.client.HTTPException) as fault:
            raise Failed(f"nginx at {site} does not answer: {fault or type(fault).__name__}") from None
    raise Failed(f"nginx does not listen at {' or '.join(sites)}; name its address as site in [hosts.NAME.canary]")


def _get(site: str, name: str, path: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
    """(status, the page's beginning).

    The certificate is not looked at: this is the server itself, and the checks from outside prove it.
    """
    where = urlsplit(site)
    address = where.hostname or "", where.port or _PORTS[where.scheme]
    sock = socket.create_connection(address, _ANSWER)
    if where.scheme == "https":
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        sock = context.wrap_socket(sock, server_hostname=name)
    with closing(sock), closing(http.client.HTTPConnection(*address)) as connection:
        connection.sock = sock
        connection.request("GET", path, headers=dict(headers))
        with connection.getresponse() as response:
            return response.status, response.read(65536)


def _arrived(settings: Settings, mark: str) -> bool:
    """Whether a worker of the canary has had that request."""
    asked = {
        "GATEWAY_INTERFACE": "CGI/1.1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REQUEST_METHOD": "GET",
        "REQUEST_URI": _STATUS,
        "SCRIPT_NAME": _STATUS,
        "SCRIPT_FILENAME": _STATUS,
        "QUERY_STRING": "json&full",
    }
    deadline = time.monotonic() + _WRITTEN
    while True:
        status, page = fastcgi(settings.canary_status, asked, _ANSWER)
        if status != 200:
            raise Failed(f"{settings.canary_status} gives no status page (HTTP {status}); run `chom-bot host install`")
        if mark in page:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
