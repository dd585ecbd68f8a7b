"""Packets of data without what asyncssh spends on each: a third of the bot's processor time for an upload.

It does what asyncssh's own channel and connection do, with fields that are theirs. So it does it for the one version
that it was written after, and leaves every packet that wants more than the plain case to asyncssh.
"""

from __future__ import annotations

import os
import time
from typing import Any, cast

import asyncssh
from asyncssh.constants import MSG_CHANNEL_DATA, MSG_IGNORE
from asyncssh.packet import SSHPacketLogger

WRITTEN_AFTER = "2.24.1"
"""The version of asyncssh whose SSHChannel.write and SSHConnection.send_packet these lines follow."""
LEAST_PADDING = 4
"""Bytes (RFC 4253, 6)."""


def leave_out_ignored(connection: asyncssh.SSHClientConnection) -> None:
    """asyncssh sends an empty message before each, which hides the next IV of a cipher in CBC mode (RFC 4251, 9.3.1).

    None of connect.CIPHERS is one, and half of all packets are these: each would be encrypted, sent, and thrown away
    there.
    """
    send = connection.send_packet

    def lean(pkttype: int, *args: bytes, handler: SSHPacketLogger | None = None) -> None:
        if pkttype != MSG_IGNORE:
            send(pkttype, *args, handler=handler)

    vars(connection).update(send_packet=lean)


def write(channel: asyncssh.SSHClientChannel[bytes], data: memoryview) -> None:
    """As channel.write: at once, or kept by asyncssh until there is room. Raises OSError where the channel is closed.

    asyncssh copies each byte nine times on its way to the kernel; here it is four.
    """
    ours, connection = cast(Any, channel), cast(Any, channel.get_connection())
    if not _plain(ours, connection, len(data)):
        ours.write(data)  # of which it makes a copy of its own
        return
    ours._send_window -= len(data)
    _send(connection, ours._send_chan, data)


def _plain(channel: Any, connection: Any, size: int) -> bool:
    """Whether that much goes out now, as one packet, with nothing else to be done for it."""
    return (
        asyncssh.__version__ == WRITTEN_AFTER
        and channel._send_state == "open"
        and not channel._send_buf
        and size <= min(channel._send_window, channel._send_pktsize)
        and connection._transport is not None
        and connection._kex_complete
        and connection._send_encryption is not None
        and connection._compressor is None
        and connection._rekey_bytes_sent < connection._rekey_bytes
        and (not connection._rekey_seconds or time.monotonic() < connection._rekey_time)
    )


def _send(connection: Any, channel: int, data: memoryview) -> None:
    """A packet as RFC 4253, 6 has it, with the message of RFC 4254, 5.2 in it."""
    size = 10 + len(data)
    padding = -(connection._send_enchdrlen + size - 1) % connection._send_blocksize
    if padding < LEAST_PADDING:
        padding += connection._send_blocksize
    head = b"%c%c%b%b" % (padding, MSG_CHANNEL_DATA, channel.to_bytes(4, "big"), len(data).to_bytes(4, "big"))
    packet = b"".join((head, data, os.urandom(padding)))
    number, length = connection._send_seq, len(packet).to_bytes(4, "big")
    connection._transport.write(b"".join(connection._send_encryption.encrypt_packet(number, length, packet)))
    connection._send_seq = (number + 1) & 0xFFFFFFFF
    connection._rekey_bytes_sent += len(packet)
