"""Kafka client of Septet: publishes JSON requests and reads one response for each."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from septet_client.ports import Log, Record
from septet_contracts import SHARED, Response, topic
from septet_kit.messaging.connection import Kafka
from septet_kit.tenants import SHARED_ONLY, Tenants

from septet_cli.errors import NoResponse, Unreachable
from septet_cli.log import open_log
from septet_cli.wire import to_json

REQUESTS, RESPONSES = topic("requests").name, topic("responses").name
FEEDBACK = topic("feedback").name

OnToken = Callable[[dict[str, Any]], None]


def new_request_id(prefix: str = "ask") -> str:
    """A new, unique request id."""
    return f"{prefix}-{uuid4().hex[:20]}"


def record_key(request: Mapping[str, Any]) -> str:
    """Record key of a request: one key per conversation keeps its order; without one, per request."""
    return f"{request.get('tenant', 'default')}:{request.get('conversation_id') or request['request_id']}"


class Client:
    """Publishes requests of all tenants, valid or not, and matches responses to them; :func:`connect` makes one.

    Attributes:
        seen: number of responses read for each request id.
    """

    def __init__(self, log: Log, tenants: Tenants = SHARED_ONLY) -> None:
        self.seen: Counter[str] = Counter()
        self._log = log
        self._tenants = tenants
        self._waiting: dict[tuple[str, str], asyncio.Future[Response]] = {}
        self._on_token: dict[tuple[str, str], OnToken] = {}

    async def ask(
        self, request: Mapping[str, Any], timeout: float, on_token: OnToken | None = None
    ) -> Response:
        """Publish a request and wait for its response.

        Args:
            request: the body of a `requests` record; ``request_id`` is required.
            timeout: seconds to wait.
            on_token: called with each record of text that is released before the response.

        Raises:
            NoResponse: no response arrived within *timeout*.
            Unreachable: Kafka does not answer.
        """
        request_id = request["request_id"]
        key = (request.get("tenant", "default"), request_id)
        future = self._waiting[key] = asyncio.get_running_loop().create_future()
        if on_token is not None:
            self._on_token[key] = on_token
        try:
            await self.publish(self._tenants.address("requests", key[0]), record_key(request), request)
            await asyncio.wait([future], timeout=timeout)
            return self._result(future, request_id, timeout)
        finally:
            self._waiting.pop(key, None)
            self._on_token.pop(key, None)

    async def publish(self, topic: str, key: str, value: Mapping[str, Any]) -> None:
        """Publish one JSON object and wait for the broker's acknowledgement."""
        await self._log.publish(topic, key.encode(), to_json(value))

    def _result(self, future: asyncio.Future[Response], request_id: str, timeout: float) -> Response:
        if future.done():
            return future.result()
        if self._log.failure is not None:
            raise Unreachable(f"Reading from Kafka failed: {self._log.failure}", "run `septet doctor`")
        raise NoResponse(
            f"No response to request {request_id} arrived within {timeout:.0f} s.",
            "check the services with `septet topics` (lag) and `septet doctor`; "
            f"to read the response later, repeat the question with `--request-id {request_id}`",
        )

    def receive(self, record: Record) -> None:
        """Match a record to the calls that wait for it."""
        value = json.loads(record.value or b"{}")
        key = (value["tenant"], value["request_id"])
        if value["contract"] == "septet.released-tokens":
            listener = self._on_token.get(key)
            if listener is not None:
                listener(value)
            return
        self.seen[value["request_id"]] += 1
        future = self._waiting.get(key)
        if future is None and value["tenant"] == SHARED:
            # The shared topic rejects a request of a tenant with its own topics. That response names the shared tenant.
            future = next((f for (_, name), f in self._waiting.items() if name == key[1]), None)
        if future is not None and not future.done():
            future.set_result(Response.model_validate(value))


@asynccontextmanager
async def connect(
    kafka: Kafka, *, stream: bool = False, tenants: Tenants = SHARED_ONLY, tenant: str | None = None
) -> AsyncIterator[Client]:
    """Connect a client.

    Args:
        kafka: connection to Kafka.
        stream: also read text that is released before its response.
        tenants: the tenants and their topics.
        tenant: read only this tenant's topics; by default those of all tenants.

    Raises:
        Unreachable: Kafka does not answer, or Septet's topics do not exist.
    """
    async with open_log(kafka) as log:
        client = Client(log, tenants)
        names = ("responses", "released-tokens") if stream else ("responses",)
        topics = [tenants.address(n, tenant) for n in names] if tenant else list(tenants.addresses(names))
        await log.follow(topics, client.receive)
        yield client
