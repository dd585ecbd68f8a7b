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

from .base import Failed
from .fastcgi import fastcgi
from .pools import pins
from .settings import Settings

_PORTS = {"https": 443, "http": 80}
_SITES = ("https://127.0.0.1", "http://127.0.0.1")
"""Where nginx is looked for when nobody says where it listens, one after the other."""
_ANSWER = 30.0
"""Seconds for nginx, and for the status page."""
_WRITTEN = 1.0
"""Seconds in which a worker that has answered has written so."""
_STATUS = "/chom-status"


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
    headers = {"Host": settings.health_host, "X-Chom-Pin": pin, "User-Agent": "chom-host", "Connection": "close"}
    if cookie:
        headers["Cookie"] = cookie
    site, status = _answer(settings, f"{path}{'&' if '?' in path else '?'}{mark}", headers)
    if not _arrived(settings, mark):
        raise Failed(
            f"a test request for {settings.health_host} through nginx at {site} did not reach the canary, and got "
            f"HTTP {status}: nginx's routing was changed, or another site answers there. No user was sent; "
            "`chom-bot host status` says what is missing, and `chom-bot host install` puts it back"
        )
    return status


def _answer(settings: Settings, path: str, headers: Mapping[str, str]) -> tuple[str, int]:
    """(where nginx answered, its status)."""
    sites = (settings.site,) if settings.site else _SITES
    for site in sites:
        try:
            return site, _get(site, settings.health_host.partition(":")[0], path, headers)
        except ConnectionRefusedError:
            continue
        except (OSError, http.client.HTTPException) as fault:
            raise Failed(f"nginx at {site} does not answer: {fault or type(fault).__name__}") from None
    raise Failed(f"nginx does not listen at {' or '.join(sites)}; name its address as site in [hosts.NAME.canary]")


def _get(site: str, name: str, path: str, headers: Mapping[str, str]) -> int:
    """The certificate is not looked at: this is the server itself, and the checks from outside prove it."""
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
            response.read(65536)
            return response.status


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
