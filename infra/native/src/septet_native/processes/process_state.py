"""State of one process of the stack, as the state file and ``septet stack status`` show it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ProcessState:
    """One process of the stack.

    Attributes:
        name: of the server or service.
        kind: ``server`` or ``service``.
        pid: None while it does not run.
        state: ``starting``, ``ready``, ``restarting``, ``stopped`` or ``failed``.
        port: main TCP port (for a service, its health port), or None.
        log: path of the log file.
        rss_mb: resident memory in MB (not in the state file).
        restarts: number of unexpected exits.
    """

    name: str
    kind: str
    pid: int | None
    state: str
    port: int | None
    log: str
    rss_mb: float = 0.0
    restarts: int = 0
