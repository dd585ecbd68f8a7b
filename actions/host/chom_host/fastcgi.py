"""One request to PHP-FPM over FastCGI, past nginx."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Mapping

from .base import Failed

_STATUS = re.compile(rb"(?im)^status:\s*([0-9]{3})")
_RECORD = struct.Struct(">BBHHBB")


def fastcgi(address: str, params: Mapping[str, str], seconds: float = 60.0) -> tuple[int, str]:
    """Ask PHP-FPM once: (HTTP status, the body's first 64 KiB). Raises Failed where it does not answer properly."""
    body = b"".join(_pair(name, value) for name, value in params.items())
    request = _record(1, struct.pack(">HB5x", 1, 0)) + _record(4, body) + _record(4, b"") + _record(5, b"")
    try:
        with connected(address, seconds) as sock:
            sock.sendall(request)
            out, err = _answer(sock)
    except OSError as fault:
        raise Failed(f"PHP-FPM at {address} does not answer: {fault}") from None
    head, _, page = out.replace(b"\r\n", b"\n").partition(b"\n\n")
    found = _STATUS.search(head)
    if not out:
        raise Failed(f"PHP-FPM at {address} answered nothing: {err[:500].decode('utf-8', 'replace')}")
    return (int(found.group(1)) if found else 200), page.decode("utf-8", "replace")


def connected(address: str, seconds: float) -> socket.socket:
    """A connection to a Unix socket's path, or to host:port. Raises OSError."""
    if not address.startswith("/"):
        host, _, port = address.rpartition(":")
        return socket.create_connection((host, int(port)), timeout=seconds)
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.settimeout(seconds)
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock


def _record(kind: int, body: bytes) -> bytes:
    return _RECORD.pack(1, kind, 1, len(body), 0, 0) + body


def _pair(name: str, value: str) -> bytes:
    sizes = b"".join(
        bytes([len(s)]) if len(s) < 128 else struct.pack(">I", len(s) | 0x80000000)
        for s in (name.encode(), value.encode())
    )
    return sizes + name.encode() + value.encode()


def _answer(sock: socket.socket) -> tuple[bytes, bytes]:
    """(what the script said, what PHP complained of), up to the end of the request."""
    out, err = b"", b""
    with sock.makefile("rb") as stream:
        while len(head := stream.read(_RECORD.size)) == _RECORD.size:
            _, kind, _, length, padding, _ = _RECORD.unpack(head)
            body = stream.read(length + padding)[:length]
            if kind == 3:
                return out, err
            if kind == 6 and len(out) < 65536:
                out += body
            if kind == 7 and len(err) < 65536:
                err += body
    raise Failed("PHP-FPM closed the connection before the end of its answer")
