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
    """A port that was free a moment ago, chosen by the operating system."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port


def choose(wanted: int, taken: set[int] | None = None) -> int:
    """*wanted* when it is free, else another port; 0 means any.

    Args:
        wanted: the preferred port.
        taken: ports promised to others that do not listen yet; the chosen one is added.
    """
    promised = set() if taken is None else taken
    port = wanted
    while port == 0 or port in promised or not is_free(port):
        port = free_port()
    promised.add(port)
    return port
