"""Schemathesis against the OpenAPI document, on the HTTP server with PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from septet_contracts import ErrorInfo, Request, Response, decode, encode, topic
from septet_gateway.adapters.kafka import _topic_of
from septet_gateway.adapters.postgres import PostgresKeys, PostgresRequests
from septet_gateway.api.openapi.document import document
from septet_gateway.api.routes import Parts, create_app
from septet_gateway.application.asking import Asker
from septet_gateway.application.authentication import Authenticator
from septet_gateway.application.cancelling import Canceller
from septet_kit.observe.health import Server
from septet_kit.store.pool import StorePool

from tests.support.database import Database

from .support import SECRET, MemoryEmbeddings, MemoryLog, World, respond

pytestmark = [pytest.mark.servers, pytest.mark.slow]

EXAMPLES = 40
SCHEMA = schemathesis.openapi.from_dict(document())
OPERATIONS = {result.ok().label: result.ok() for result in SCHEMA.get_all_operations()}
RUNS = [
    (label, mode)
    for label, operation in OPERATIONS.items()
    for mode in GenerationMode
    # A call that takes nothing cannot be wrong.
    if mode is GenerationMode.POSITIVE or operation.definition.raw["security"]
]
NOT_CHECKED = [
    # A released failure has a status of 502 or 504. The test itself refuses 500.
    not_a_server_error,
    # Unknown fields, parameters and headers are ignored.
    negative_data_rejection,
    # Some rules connect two places, such as the id in a header and in the body.
    positive_data_acceptance,
]
_OUTCOMES: tuple[dict[str, Any], ...] = (
    {},
    {"status": "abstained", "answer": "I do not know."},
    {"status": "blocked", "answer": "This cannot be answered.", "answer_kind": "none"},
    {"answer": None, "answer_json": {"a": [1, None, "한"]}},
    {"status": "failed", "answer": None, "error": ErrorInfo(code="model_unavailable", message="down")},
    {"status": "failed", "answer": None, "error": ErrorInfo(code="unknown_policy", message="no such policy")},
    {"status": "expired", "answer": None},
)


class WrittenLog(MemoryLog):
    """A log in memory that writes and reads the bytes of each event, as the log on Kafka does."""

    async def publish(self, event: Any) -> None:
        await super().publish(decode(topic(_topic_of(event)), encode(event)))

    async def publish_document(self, event: Any) -> datetime:
        return await super().publish_document(decode(topic("documents"), encode(event)))


def outcome(request: Request) -> Response:
    """A response whose kind depends on the request."""
    return respond(request, **_OUTCOMES[len(request.query) % len(_OUTCOMES)])


@dataclass(frozen=True)
class Gateway:
    """A gateway that listens, and a key with all scopes."""

    url: str
    key: str

    @property
    def headers(self) -> dict[str, str]:
        """The header with the key."""
        return {"Authorization": f"Bearer {self.key}"}


def parts(pool: StorePool) -> Parts:
    """A gateway with its tables on PostgreSQL, and with a log in memory."""
    world = World()
    world.log = WrittenLog(world.waiting, answer=outcome)
    made = world.parts()
    authenticator = Authenticator(PostgresKeys(pool), SECRET, timedelta(seconds=1))
    requests = PostgresRequests(pool)
    asker = Asker(world.log, requests, world.waiting, world.pressure, timedelta(seconds=5))
    canceller = Canceller(world.log, requests, world.waiting, timedelta(0))
    return replace(made, authenticator=authenticator, asker=asker, canceller=canceller)


@pytest.fixture(scope="module")
def gateway(database: Database) -> Iterator[Gateway]:
    """The gateway, in a thread: Schemathesis calls it from the tests' thread."""
    ready: Future[tuple[Gateway, Server]] = Future()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(database, ready)))
    thread.start()
    made, server = ready.result(timeout=60)
    yield made
    server.should_exit = True
    thread.join(timeout=60)


async def _serve(database: Database, ready: Future[tuple[Gateway, Server]]) -> None:
    try:
        async with contextlib.AsyncExitStack() as stack:
            pool = await stack.enter_async_context(database.pool())
            key = await PostgresKeys(pool).create("acme", "fuzzing", ("admin",), SECRET)
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            config = uvicorn.Config(create_app(parts(pool)), log_level="error", lifespan="off")
            server = Server(config)
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            ready.set_result((Gateway(url, key), server))
            await server.serve(sockets=[listener])
    except BaseException as error:
        if not ready.done():
            ready.set_exception(error)
        raise


def name(case: Case) -> None:
    """Give a case the name of a model that exists: random names only lead to status 404."""
    if isinstance(case.body, dict) and isinstance(case.body.get("model"), str):
        is_embedding = case.path == "/v1/embeddings"
        case.body["model"] = MemoryEmbeddings.model if is_embedding else "septet"


@pytest.mark.parametrize(("label", "mode"), RUNS, ids=[f"{label} {mode.value}" for label, mode in RUNS])
def test_answers_conform_to_the_document(label: str, mode: GenerationMode, gateway: Gateway) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=OPERATIONS[label].as_strategy(generation_mode=mode))
    def examine(case: Case) -> None:
        if mode is GenerationMode.POSITIVE:
            name(case)
        response = case.call_and_validate(
            base_url=gateway.url, headers=gateway.headers, excluded_checks=NOT_CHECKED
        )
        assert response.status_code != 500, response.text
        if OPERATIONS[label].definition.raw["security"]:
            refused = case.call(base_url=gateway.url, headers={"Authorization": "Bearer none"})
            assert refused.status_code == 401

    examine()
