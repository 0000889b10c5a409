"""A client and all services: requests as raw bytes, and every record of the responses topic."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from septet_cli.stub.server import Stub, StubOptions, serve_stub
from septet_contracts import TOPICS, Response, topic
from septet_kit.messaging.connection import Kafka, KafkaConnection
from septet_kit.tenants import Tenants

from ..conftest import Backend, stack_settings, started
from ..support.tail import following

TENANTS_FILE = "tenants: [default, {name: acme, topics: own}, {name: globex, topics: own}]\n"
REQUESTS, RESPONSES = topic("requests").name, topic("responses").name
BESIDE = (topic("responses.v1").name, topic("releases").name)
"""What is written with each response: its previous version, and what services need to know of it."""
POLICIES = Path(__file__).parents[1] / "chaos" / "policies"
"""Adds the policy `bare`, without any rail."""
DEAD = [t.name for t in TOPICS.values() if t.raw]


class RawClient:
    """Knows bytes and topics, and nothing of what the product's own client does."""

    def __init__(self, kafka: Kafka, producer: AIOKafkaProducer) -> None:
        self.kafka = KafkaConnection.of(kafka)
        self.responses: dict[str, list[Response]] = defaultdict(list)
        self.order: list[str] = []
        self.beside: Counter[tuple[str, str]] = Counter()
        self.dead: list[tuple[bytes | None, dict[str, bytes]]] = []
        self._producer = producer
        self._arrived = asyncio.Event()

    async def send(self, value: bytes | dict[str, Any], key: str = "", name: str = REQUESTS) -> None:
        """Publish a body and wait until the broker has it."""
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        await self._producer.send_and_wait(name, body, key=key.encode() or None)

    async def response(self, request_id: str, timeout: float = 30) -> Response:
        """The first response with this id."""
        await self.until(lambda: bool(self.responses[request_id]), timeout)
        return self.responses[request_id][0]

    async def dead_letter(self, value: bytes, timeout: float = 20) -> dict[str, bytes]:
        """The headers of the dead-letter record with this body."""
        await self.until(lambda: any(v == value for v, _ in self.dead), timeout)
        return next(h for v, h in self.dead if v == value)

    async def until(self, condition: Any, timeout: float) -> None:
        """Wait until ``condition()`` holds, looking after every record."""
        async with asyncio.timeout(timeout):
            while not condition():
                self._arrived.clear()
                await self._arrived.wait()

    def receive(self, record: Any) -> None:
        """Note a record of the responses topic, of those beside it, or of a dead-letter topic."""
        if record.topic == RESPONSES:
            response = Response.model_validate_json(record.value)
            self.responses[response.request_id].append(response)
            self.order.append(response.request_id)
        elif record.topic in BESIDE:
            self.beside[record.topic, json.loads(record.value)["request_id"]] += 1
        else:
            self.dead.append((record.value, dict(record.headers)))
        self._arrived.set()


@asynccontextmanager
async def raw_client(kafka: Kafka) -> AsyncIterator[RawClient]:
    """A client that reads from now on."""
    async with AsyncExitStack() as stack:
        producer = AIOKafkaProducer(
            **KafkaConnection.of(kafka).options(), acks="all", max_request_size=3 * 1024 * 1024
        )
        await producer.start()
        stack.push_async_callback(producer.stop)
        consumer = AIOKafkaConsumer(
            RESPONSES, *BESIDE, *DEAD, **KafkaConnection.of(kafka).options(), auto_offset_reset="latest"
        )
        await consumer.start()
        stack.push_async_callback(consumer.stop)
        await consumer.seek_to_end()
        for tp in consumer.assignment():
            await consumer.position(tp)
        client = RawClient(kafka, producer)

        await stack.enter_async_context(following(consumer, client.receive))
        yield client


@pytest.fixture(scope="session")
def tenants_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tenants with own topics, and one that uses the shared ones."""
    path = tmp_path_factory.mktemp("tenants") / "tenants.yaml"
    path.write_text(TENANTS_FILE, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tenants(tenants_file: Path) -> Tenants:
    """The tenants file, as the services read it."""
    return Tenants.load(tenants_file)


@pytest.fixture(scope="session")
def shop_model() -> Stub:
    """The stub model of the shop. A test that changes its options restores them."""
    return Stub(StubOptions())


@pytest.fixture(scope="session")
async def shop(
    tenants_file: Path, shop_model: Stub, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Backend]:
    """A whole Septet for these tenants, on the stub model, which quotes what it is given."""
    async with serve_stub(shop_model.options, shop_model) as url:
        settings = stack_settings(tmp_path_factory.mktemp("shop"), llm_url=url, llm_model="stub")
        env = {"SEPTET_TENANTS_FILE": str(tenants_file), "SEPTET_GUARDRAILS_POLICIES_DIR": str(POLICIES)}
        async with started(settings, env) as made:
            yield made
