"""The service that the how-to page describes, as a process on a real broker."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import yaml
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord
from septet_contracts import Evaluation, Response, encode, event_id, topic
from septet_kit import KitSettings
from septet_native.processes.ports import free_port
from septet_native.stack.addresses import Addresses

from ..support.workspace import ADD_A_SERVICE, NAME, Workspace, follow
from .conftest import ReadLog

Publish = Callable[..., Awaitable[None]]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return follow(tmp_path_factory.mktemp("workspace"), ADD_A_SERVICE)


def _response(answer: str) -> Response:
    request_id = f"template-{uuid4().hex[:8]}"
    return Response(
        request_id=request_id,
        event_id=event_id("default", request_id, Response.STEP),
        occurred_at=datetime.now(UTC),
        status="answered",
        answer=answer,
    )


def _variables(addresses: Addresses) -> dict[str, str]:
    kafka = addresses.connection("admin")
    return {
        "SEPTET_KAFKA_BOOTSTRAP": kafka.bootstrap,
        "SEPTET_KAFKA_PROTOCOL": kafka.protocol,
        "SEPTET_KAFKA_USERNAME": kafka.username,
        "SEPTET_KAFKA_PASSWORD": kafka.password,
        "SEPTET_KAFKA_CA_FILE": str(kafka.ca_file or ""),
    }


@asynccontextmanager
async def _running(workspace: Workspace, variables: dict[str, str]) -> AsyncIterator[None]:
    """The service, once it is ready."""
    port = free_port()
    environment = workspace.environment(**variables, SEPTET_HEALTH_PORT=str(port))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"septet_{NAME}", env=environment, cwd=workspace.root
    )
    try:
        async with asyncio.timeout(60), httpx.AsyncClient() as client:
            while not await _is_ready(client, port):
                assert process.returncode is None, "the service has ended"
                await asyncio.sleep(0.2)
        yield
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 20) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _is_ready(client: httpx.AsyncClient, port: int) -> bool:
    try:
        return (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200
    except httpx.HTTPError:
        return False


async def _dead_letter(settings: KitSettings, key: bytes) -> ConsumerRecord:
    """The service's dead letter with a key. This process's table of topics does not hold its topic."""
    consumer = AIOKafkaConsumer(
        f"septet.{NAME}.dead.v1", **settings.kafka().options(), auto_offset_reset="earliest"
    )
    async with consumer, asyncio.timeout(20):
        async for record in consumer:
            if record.key == key:
                return record
    raise AssertionError("the topic ended")


def test_its_own_tests_pass(workspace: Workspace) -> None:
    assert "3 passed" in workspace.run("-m", "pytest", "-q", f"services/{NAME}/tests")


def test_its_types_are_strict(workspace: Workspace, tmp_path: Path) -> None:
    assert "no issues" in workspace.run("-m", "mypy", "--cache-dir", str(tmp_path), "-p", f"septet_{NAME}")


def test_the_reference_describes_it(workspace: Workspace) -> None:
    document = yaml.safe_load(workspace.run("-m", "septet_contracts", "asyncapi"))
    assert document["channels"][f"{NAME}.dead"]["address"] == f"septet.{NAME}.dead.v1"
    assert f"{NAME}.receive.responses" in document["operations"]


async def test_it_handles_responses_and_poison(
    workspace: Workspace, addresses: Addresses, settings: KitSettings, publish: Publish, read_log: ReadLog
) -> None:
    variables, since = _variables(addresses), datetime.now(UTC)
    await asyncio.to_thread(workspace.run, "-m", "septet_cli", "kafka", "apply", "--topics-only", **variables)
    event = _response("one two three")
    poison = f"poison-{uuid4().hex[:8]}".encode()
    async with _running(workspace, variables):
        await publish("responses", b"{not json", poison)
        await publish("responses", encode(event), f"default:{event.request_id}".encode())
        (scored,) = await read_log(
            "evaluations", since=since, where=lambda r: event.request_id.encode() in r.value
        )
        dead = await _dead_letter(settings, poison)
    evaluation = Evaluation.model_validate_json(scored.value)
    assert (evaluation.evaluator, evaluation.scores[0].value) == (NAME, 1.0)
    assert evaluation.causation_id == event.event_id
    assert dict(dead.headers)["septet-dead-topic"] == topic("responses").name.encode()
