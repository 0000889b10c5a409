"""Health over HTTP: ``/healthz`` (alive), ``/readyz`` (can work), ``/metrics`` (Prometheus)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from septet_kit.spec import Task


class Server(uvicorn.Server):
    """A server that installs no signal handlers; the service does."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def health_server(
    port: int, alive: Callable[[], str | None], ready: Sequence[Task], host: str = "127.0.0.1"
) -> uvicorn.Server:
    """Build the server; ``alive`` returns the reason why the process is not healthy, or ``None``."""

    async def healthz(_: Request) -> Response:
        reason = alive()
        return JSONResponse({"status": reason or "ok"}, status_code=503 if reason else 200)

    async def readyz(_: Request) -> Response:
        for check in ready:
            try:
                await check()
            except Exception as error:
                return JSONResponse({"status": f"{type(error).__name__}: {error}"}, status_code=503)
        return await healthz(_)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    routes = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
    config = uvicorn.Config(Starlette(routes=routes), host=host, port=port, log_level="error", lifespan="off")
    return Server(config)
