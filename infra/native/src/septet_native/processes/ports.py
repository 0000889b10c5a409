"""TCP ports on loopback."""

from __future__ import annotations

import socket

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether nothing listens on *port* of the loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A free port chosen by the operating system; another program may take it before the caller does."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port


def choose(wanted: int, taken: set[int] | None = None) -> int:
    """*wanted* when it is free, else another port.

    Args:
        wanted: the preferred port; 0 means any.
        taken: ports reserved for servers that do not listen yet; the chosen port is added.
    """
    reserved = set() if taken is None else taken
    port = wanted
    while port == 0 or port in reserved or not is_free(port):
        port = free_port()
    reserved.add(port)
    return port
