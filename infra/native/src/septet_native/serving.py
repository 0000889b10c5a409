"""How the HTTP servers of this package listen."""

from __future__ import annotations

import uvicorn
from starlette.applications import Starlette

from septet_native.ports import LOOPBACK

# Requests in progress may finish for so long after a signal to end, in seconds.
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
