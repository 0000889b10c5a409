"""An OpenAI-compatible embeddings server: ``python -m septet_native.models.embeddings --port 8091``."""

from __future__ import annotations

import argparse
import base64
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from septet_native.models.batcher import Batcher, Embedded, Overloaded, TextEncoder
from septet_native.models.encoder import WIDTH, Encoder
from septet_native.models.minilm import ensure_model, tokenizer_file
from septet_native.packages.cache import cache_root
from septet_native.processes.http_server import run_app
from septet_native.processes.parent import follow_parent
from septet_native.processes.ports import LOOPBACK

MODEL = "all-MiniLM-L6-v2"
NAMES = {MODEL, f"sentence-transformers/{MODEL}"}
MAX_TEXTS = 2048
MAX_BODY = 16 * 1024 * 1024


class EmbeddingsRequest(BaseModel):
    """Body of ``POST /v1/embeddings``."""

    model_config = ConfigDict(extra="ignore", strict=True)

    model: str
    input: str | list[str]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = Field(default=None)

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
            raise ValueError(f"dimensions must be {WIDTH}: {MODEL} has no other")
        return texts


def create_app(
    encoder: TextEncoder, workers: int = 2, max_batch: int = 1, max_queue: int = 8192
) -> Starlette:
    """The application that serves *encoder*; the other arguments are those of ``Batcher``."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        batcher = Batcher(encoder, workers, max_batch, max_queue)
        batcher.start()
        app.state.batcher = batcher
        yield
        await batcher.stop()

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
    if wanted.model not in NAMES:
        return _error(404, f"no model {wanted.model!r}: this server has {MODEL}", code="model_not_found")
    try:
        embedded = await request.app.state.batcher.embed(texts)
    except Overloaded as error:
        return _error(429, f"overloaded: {error}", kind="rate_limit_error", headers={"Retry-After": "1"})
    return JSONResponse(_reply(embedded, wanted.encoding_format))


def _reply(embedded: Embedded, encoding: str) -> dict[str, Any]:
    rows = embedded.vectors.astype("<f4")
    values = [
        base64.b64encode(row.tobytes()).decode() if encoding == "base64" else np.asarray(row).tolist()
        for row in rows
    ]
    data = [{"object": "embedding", "index": index, "embedding": value} for index, value in enumerate(values)]
    usage = {"prompt_tokens": embedded.tokens, "total_tokens": embedded.tokens}
    return {"object": "list", "data": data, "model": MODEL, "usage": usage}


async def _models(_request: Request) -> JSONResponse:
    return JSONResponse({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "septet"}]})


async def _health(request: Request) -> JSONResponse:
    return JSONResponse({"status": "ok", "waiting": request.app.state.batcher.depth})


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
    """Serve MiniLM embeddings on loopback."""
    parser = argparse.ArgumentParser(
        prog="python -m septet_native.models.embeddings", description=main.__doc__
    )
    parser.add_argument("--port", type=int, default=8091)
    parser.add_argument("--host", default=LOOPBACK, help="address to listen on (default: loopback)")
    parser.add_argument("--cache", type=Path, help="directory of the built model (default: the user's cache)")
    parser.add_argument("--workers", type=int, default=2, help="texts encoded at the same time")
    parser.add_argument("--follow-parent", action="store_true", help="end when the parent process ends")
    arguments = parser.parse_args()
    if arguments.follow_parent:
        follow_parent()
    model = ensure_model(cache_root(arguments.cache))
    app = create_app(Encoder(model, tokenizer_file()), workers=arguments.workers)
    run_app(app, arguments.port, arguments.host)


if __name__ == "__main__":
    main()
