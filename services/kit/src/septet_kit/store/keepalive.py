"""TCP keepalives: both ends notice within seconds that the other one's machine is gone.

Without them a server keeps the session of a lost machine, with its advisory locks, for as long as the operating
system does: hours.
"""

from __future__ import annotations

import asyncio
import socket

import asyncpg

_IDLE_S = 5
_INTERVAL_S = 2
_PROBES = 3
_UNACKNOWLEDGED_MS = 10_000

# The session's settings at the server; it gives up after 5 + 3 * 2 s. A Unix socket ignores them.
SERVER_KEEPALIVE = {
    "tcp_keepalives_idle": str(_IDLE_S),
    "tcp_keepalives_interval": str(_INTERVAL_S),
    "tcp_keepalives_count": str(_PROBES),
    "tcp_user_timeout": str(_UNACKNOWLEDGED_MS),
}
# Option names by platform: Linux has all of them.
_CLIENT_KEEPALIVE = {
    "TCP_KEEPIDLE": _IDLE_S,
    "TCP_KEEPINTVL": _INTERVAL_S,
    "TCP_KEEPCNT": _PROBES,
    "TCP_USER_TIMEOUT": _UNACKNOWLEDGED_MS,
}


def keep_alive(connection: asyncpg.Connection) -> None:
    """Set the same limits on the client's socket."""
    transport: asyncio.Transport = connection._transport  # type: ignore[attr-defined]  # not public
    sock = transport.get_extra_info("socket")
    if sock.family == getattr(socket, "AF_UNIX", None):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _CLIENT_KEEPALIVE.items():
        if (option := getattr(socket, name, None)) is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
