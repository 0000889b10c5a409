"""An OpenAI-compatible embeddings server: ``python -m septet_native.models.embeddings --port 8091``."""

from __future__ import annotations

import argparse
import base64
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from septet_native.errors import StackError
from septet_native.models.batcher import Embedded, Overloaded, TextEncoder
from septet_native.models.build import DEFAULT, MODELS
from septet_native.models.embedding_model import WIDTH
from septet_native.models.encoder import Encoder
from septet_native.models.pool import ModelPool
from septet_native.packages.cache import cache_root
from septet_native.processes.http_server import run_app
from septet_native.processes.parent import follow_parent
from septet_native.processes.ports import LOOPBACK

MAX_TEXTS = 2048
MAX_BODY = 16 * 1024 * 1024


class EmbeddingsRequest(BaseModel):
    """Body of ``POST /v1/embeddings``."""

    model_config = ConfigDict(extra="ignore", strict=True)

    model: str
    input: str | list[str]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = Field(default=None)

    def served_name(self) -> str | None:
        """The model's name here, without its owner: ``intfloat/…``; None if this server does not have it."""
        name = self.model.rpartition("/")[2]
        return name if name in MODELS else None

    def texts(self) -> list[str]:
        """The texts after validation.

        Raises:
            ValueError: there is no text or an empty one, or the dimensions are not supported.
        """
        texts = [self.input] if isinstance(self.input, str) else self.input
        if not texts or len(texts) > MAX_TEXTS:
            raise ValueError(f"input must hold 1 to {MAX_TEXTS} texts, it holds {len(texts)}")
        for index, text in enumerate(texts):
            if not text.strip():
                raise ValueError(f"input[{index}] is empty")
        if self.dimensions not in (None, WIDTH):
            raise ValueError(f"dimensions must be {WIDTH}: the models have no other")
        return texts


def create_app(
    load: Callable[[str], TextEncoder],
    first: str = DEFAULT.name,
    workers: int = 2,
    max_batch: int = 1,
    max_queue: int = 8192,
) -> Starlette:
    """The application that serves ``MODELS``.

    Args:
        load: makes the encoder of a model by its name.
        first: the model that is loaded at the start; others are loaded at their first request.
        workers, max_batch, max_queue: as in ``Batcher``, for each model.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.pool = ModelPool(load, workers, max_batch, max_queue)
        await app.state.pool.get(first)
        yield
        await app.state.pool.stop()

    routes = [
        Route("/v1/embeddings", _embeddings, methods=["POST"]),
        Route("/v1/models", _models),
        Route("/healthz", _health),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def _embeddings(request: Request) -> JSONResponse:
    body = await request.body()
    if len(body) > MAX_BODY:
        return _error(413, f"the body is larger than {MAX_BODY} bytes")
    try:
        wanted = EmbeddingsRequest.model_validate_json(body)
        texts = wanted.texts()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        return _error(400, f"{where}: {first['msg']}")
    except ValueError as error:
        return _error(400, str(error))
    name = wanted.served_name()
    if name is None:
        message = f"no model {wanted.model!r}: this server has {', '.join(MODELS)}"
        return _error(404, message, code="model_not_found")
    try:
        embedded = await (await request.app.state.pool.get(name)).embed(texts)
    except StackError as error:
        return _error(503, f"{error.message} Fix: {error.fix}", kind="server_error")
    except Overloaded as error:
        return _error(429, f"overloaded: {error}", kind="rate_limit_error", headers={"Retry-After": "1"})
    return JSONResponse(_reply(name, embedded, wanted.encoding_format))


def _reply(model: str, embedded: Embedded, encoding: str) -> dict[str, Any]:
    rows = embedded.vectors.astype("<f4")
    values = [
        base64.b64encode(row.tobytes()).decode() if encoding == "base64" else np.asarray(row).tolist()
        for row in rows
    ]
    data = [{"object": "embedding", "index": index, "embedding": value} for index, value in enumerate(values)]
    usage = {"prompt_tokens": embedded.tokens, "total_tokens": embedded.tokens}
    return {"object": "list", "data": data, "model": model, "usage": usage}


async def _models(_request: Request) -> JSONResponse:
    data = [{"id": name, "object": "model", "owned_by": "septet"} for name in MODELS]
    return JSONResponse({"object": "list", "data": data})


async def _health(request: Request) -> JSONResponse:
    return JSONResponse({"status": "ok", "waiting": request.app.state.pool.depth})


def _error(
    status: int,
    message: str,
    kind: str = "invalid_request_error",
    code: str | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return JSONResponse(body, status_code=status, headers=headers)


def main() -> None:
    """Serve embeddings on loopback."""
    parser = argparse.ArgumentParser(
        prog="python -m septet_native.models.embeddings", description=main.__doc__
    )
    parser.add_argument("--port", type=int, default=8091)
    parser.add_argument("--host", default=LOOPBACK, help="address to listen on (default: loopback)")
    parser.add_argument("--model", choices=MODELS, default=DEFAULT.name, help="model to load at the start")
    parser.add_argument(
        "--cache", type=Path, help="directory of the built models (default: the user's cache)"
    )
    parser.add_argument("--workers", type=int, default=2, help="texts encoded at the same time")
    parser.add_argument("--follow-parent", action="store_true", help="end when the parent process ends")
    arguments = parser.parse_args()
    if arguments.follow_parent:
        follow_parent()
    cache = cache_root(arguments.cache)

    def load(name: str) -> Encoder:
        return Encoder.of(MODELS[name], cache)

    app = create_app(load, arguments.model, arguments.workers)
    run_app(app, arguments.port, arguments.host)


if __name__ == "__main__":
    main()
