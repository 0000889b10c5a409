"""Serves a peer over HTTP: ``python -m benchmarks.peers.serve PEER --port PORT``; ``--index`` fills its table instead.

One uvicorn process with uvloop and httptools. It prints ``ready`` once it answers, and runs until SIGTERM. It reads
addresses from the same ``SEPTET_*`` variables as Septet's services and exports spans to the same collector.
"""

from __future__ import annotations

import argparse
import importlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any, Protocol

import uvicorn
import uvloop
from opentelemetry import trace
from septet_kit.observe import tracing
from septet_kit.settings import KitSettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from benchmarks.peers.work import Reply

# Module and class names, so that only the framework of the running peer is imported.
PEERS = {
    "haystack": ("benchmarks.peers.haystack_pipeline", "HaystackPeer"),
    "llamaindex": ("benchmarks.peers.llamaindex_workflow", "LlamaIndexPeer"),
}


class Peer(Protocol):
    """A pipeline that answers questions."""

    async def start(self) -> None: ...

    async def answer(self, question: str) -> Reply: ...

    async def close(self) -> None: ...


def app(peer: Peer) -> Starlette:
    """ASGI application with ``POST /ask`` (``{"question": …}``); the request span is the root of its trace."""
    tracer = trace.get_tracer("peer")

    async def ask(request: Request) -> JSONResponse:
        question = (await request.json())["question"]
        with tracer.start_as_current_span("POST /ask", kind=trace.SpanKind.SERVER):
            return JSONResponse(asdict(await peer.answer(question)))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await peer.start()
        print("ready", flush=True)
        yield
        await peer.close()

    return Starlette(routes=[Route("/ask", ask, methods=["POST"])], lifespan=lifespan)


async def serve(name: str, port: int) -> None:
    """Run a peer until SIGTERM."""
    settings = KitSettings()
    tracing.configure(f"peer-{name}", f"peer-{port}", settings.otlp_endpoint)
    module, kind = PEERS[name]
    peer: Peer = getattr(importlib.import_module(module), kind)(settings)
    # It may listen before it is ready: clients learn the port only after `ready`.
    with socket.create_server(("127.0.0.1", port)) as listener:
        options: dict[str, Any] = {
            "http": "httptools",
            "ws": "none",
            "access_log": False,
            "log_level": "warning",
        }
        await uvicorn.Server(uvicorn.Config(app(peer), **options)).serve([listener])
    tracing.shutdown()


async def fill(name: str) -> None:
    """Fill the table of a peer and print the number of passages."""
    passages = await importlib.import_module(PEERS[name][0]).index(KitSettings())
    print(f"ready {passages}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--index", action="store_true")
    given = parser.parse_args()
    uvloop.run(fill(given.peer) if given.index else serve(given.peer, given.port))
