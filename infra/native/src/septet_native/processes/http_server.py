"""Runs the HTTP applications of this package on uvicorn."""

from __future__ import annotations

import uvicorn
from starlette.applications import Starlette

from septet_native.processes.ports import LOOPBACK

# Seconds that requests in progress may take after a termination signal.
GRACE = 3


def run_app(app: Starlette, port: int, host: str = LOOPBACK) -> None:
    """Serve *app* until a signal ends the process."""
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=GRACE,
    )
