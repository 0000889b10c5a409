"""A cancelled request: the embedded model stops, and there is exactly one response."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from septet_cli.cancellation import send_cancellation
from septet_cli.history import find_responses
from septet_contracts import Response, tenant_topic, topic
from septet_kit.messaging.connection import KafkaConnection
from septet_kit.tenants import Tenants
from septet_native.services import module_of

from ..conftest import Backend, stack_settings, started
from ..support.tail import tail
from .test_gateway import Gateway, listening

pytestmark = [pytest.mark.servers, pytest.mark.slow]

# The model never ends its answer by itself, so a whole one takes a minute.
LONG = {"default": {"max_tokens": 1500, "stop": [], "extra_body": {"ignore_eos": True}}}
OPTIONS = {"retrieval": {"mode": "off"}, "cache": {"use": "bypass"}}
QUESTION = "Tell a long story about a queue."
STOPS_WITHIN_S = 5.0


@pytest.fixture(scope="module")
async def long_answers(
    tenants_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    """A whole Septet with the embedded model, and its gateway."""
    env = {"SEPTET_TENANTS_FILE": str(tenants_file), "SEPTET_GENERATION_MODELS": json.dumps(LONG)}
    async with started(stack_settings(tmp_path_factory.mktemp("cancel")), env) as made:
        assert made.stack is not None
        state = await made.stack.spawn_service("gateway", module_of("gateway"), env)
        await listening(made.addresses.gateway_url)
        assert state.pid is not None
        yield Gateway(made, made.addresses.gateway_url, state.pid)


@pytest.fixture
def request_id() -> str:
    return f"cancel-{uuid4().hex[:12]}"


async def busy_slots(backend: Backend) -> int:
    """Slots of the model server that generate an answer."""
    base = (backend.addresses.llm_url or "").removesuffix("/v1")
    async with httpx.AsyncClient() as http:
        return sum(slot["is_processing"] for slot in (await http.get(f"{base}/slots")).json())


async def until_slots(backend: Backend, busy: int, within_s: float) -> None:
    """Wait until this number of slots is busy."""
    async with asyncio.timeout(within_s):
        while await busy_slots(backend) != busy:  # noqa: ASYNC110 - the server is polled
            await asyncio.sleep(0.05)


async def the_response(
    kafka: KafkaConnection, request_id: str, tenant: str, within_s: float = 20
) -> Response:
    """The only response to a request."""
    name = tenant_topic("responses", tenant) if tenant != "default" else topic("responses").name
    async with asyncio.timeout(within_s):
        while not (found := await find_responses(kafka, request_id, tenant, name)):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    assert len(found) == 1
    return Response.model_validate(found[0])


async def no_second_response(backend: Backend, request_id: str, tenant: str) -> None:
    """An ordinary request passes after the cancelled one; there is still one response."""
    await backend.ask("hello", 60)
    await the_response(backend.addresses.connection(), request_id, tenant)


async def test_a_cancellation_stops_the_model(long_answers: Gateway, request_id: str) -> None:
    backend = long_answers.backend
    kafka = backend.addresses.connection()
    async with tail(kafka, "drafts", "outcomes") as inner:
        asking = asyncio.create_task(backend.ask(QUESTION, 90, request_id=request_id, **OPTIONS))
        await until_slots(backend, 1, 30)
        await asyncio.sleep(1)
        assert await busy_slots(backend) == 1
        assert await send_cancellation(kafka, request_id, "default", 10) == "cancelled"
        await until_slots(backend, 0, STOPS_WITHIN_S)
        response = await asking
        assert (response.status, response.answer, response.scores) == ("cancelled", None, ())
        assert response.error is not None
        assert response.error.code == "cancelled"
        await no_second_response(backend, request_id, "default")
        assert inner.found("drafts", lambda r: request_id.encode() in r.value) == []
        assert inner.found("outcomes", lambda r: request_id.encode() in r.value) == []


async def test_a_tenant_cancels_on_its_own_topic(
    long_answers: Gateway, tenants: Tenants, request_id: str
) -> None:
    """The same id of another tenant goes on; a payload that names another tenant has no effect."""
    backend = long_answers.backend
    kafka = backend.addresses.connection()
    for tenant in ("acme", "globex"):
        body = {"request_id": request_id, "question": QUESTION, **OPTIONS}
        await backend.client.publish(tenant_topic("requests", tenant), f"{tenant}:{request_id}", body)
    await until_slots(backend, 2, 30)
    forged = {"request_id": request_id, "tenant": "globex"}
    await backend.client.publish(tenant_topic("cancellations", "acme"), "k", forged)
    assert await send_cancellation(kafka, request_id, "acme", 10, tenants=tenants) == "cancelled"
    await until_slots(backend, 1, STOPS_WITHIN_S)
    assert (await the_response(kafka, request_id, "acme")).status == "cancelled"
    assert await send_cancellation(kafka, request_id, "globex", 10, tenants=tenants) == "cancelled"
    await until_slots(backend, 0, STOPS_WITHIN_S)


async def test_a_cancellation_before_the_request_prevents_the_model_call(
    long_answers: Gateway, request_id: str
) -> None:
    backend = long_answers.backend
    assert await send_cancellation(backend.addresses.connection(), request_id, "default", 1) is None
    response = await backend.ask(QUESTION, 30, request_id=request_id, **OPTIONS)
    assert response.status == "cancelled"
    await no_second_response(backend, request_id, "default")
    assert await busy_slots(backend) == 0


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_disconnects_stops_the_model(long_answers: Gateway, *, stream: bool) -> None:
    backend, url = long_answers.backend, f"{long_answers.url}/chat/completions"
    headers = {"authorization": f"Bearer {await long_answers.key('acme')}"}
    body: dict[str, Any] = {"model": "septet", "stream": stream, "septet": OPTIONS}
    body["messages"] = [{"role": "user", "content": QUESTION}]
    async with (
        tail(backend.addresses.connection(), "releases") as released,
        httpx.AsyncClient(headers=headers, timeout=90) as http,
    ):
        calling = asyncio.create_task(http.post(url, json=body))
        await until_slots(backend, 1, 30)
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)
        await until_slots(backend, 0, STOPS_WITHIN_S)
        assert await released.first("releases", lambda r: b'"cancelled"' in r.value, 10) is not None
        assert len(released.found("releases", lambda r: True)) == 1


async def test_a_request_is_cancelled_by_its_id(long_answers: Gateway, request_id: str) -> None:
    backend, url = long_answers.backend, long_answers.url
    headers = {"authorization": f"Bearer {await long_answers.key('acme')}"}
    foreign = {"authorization": f"Bearer {await long_answers.key('globex')}"}
    body = {"model": "septet", "septet": OPTIONS, "messages": [{"role": "user", "content": QUESTION}]}
    path = f"{url}/septet/requests/{request_id}"
    async with httpx.AsyncClient(timeout=90) as http:
        named = {**headers, "idempotency-key": request_id}
        calling = asyncio.create_task(http.post(f"{url}/chat/completions", json=body, headers=named))
        await until_slots(backend, 1, 30)
        assert (await http.delete(path, headers=foreign)).status_code == 404
        accepted = await http.delete(path, headers=headers)
        assert (accepted.status_code, accepted.json()["status"]) == (202, "cancelling")
        refused = await calling
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "cancelled")
    await until_slots(backend, 0, STOPS_WITHIN_S)
    response = await the_response(backend.addresses.connection(), request_id, "acme")
    assert response.status == "cancelled"
