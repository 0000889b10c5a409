"""Backpressure of the gateway: guardrails does not run, requests pile up, and it starts again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from septet_cli.client import new_request_id
from septet_cli.keys import open_keys
from septet_contracts import Request
from septet_kit.events import Emit
from septet_kit.messaging.admin import ensure_topics
from septet_kit.messaging.publisher import Publisher
from septet_native.services import module_of
from septet_native.stack.stack import Stack

from ..conftest import stack_settings

pytestmark = [pytest.mark.servers, pytest.mark.slow]

MAX_BACKLOG = 20
KEY_LIMIT = 60_000
PATIENCE_S = 60
CHECK = {"question": "What does it cost?"}


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    """Servers and a gateway; no other service yet."""
    settings = stack_settings(tmp_path, llm=False, opensearch=False, jaeger=False)
    async with Stack(settings) as running:
        addresses = await running.start()
        await ensure_topics(addresses.connection("admin"))
        limits = {
            "SEPTET_GATEWAY_MAX_BACKLOG": str(MAX_BACKLOG),
            "SEPTET_GATEWAY_BACKLOG_EVERY": "PT0.2S",
            "SEPTET_GATEWAY_KEY_REQUESTS_PER_MINUTE": str(KEY_LIMIT),
            "SEPTET_GATEWAY_KEY_CONCURRENT_REQUESTS": "50",
        }
        await running.spawn_service("gateway", module_of("gateway"), limits)
        yield running


async def pile_up(stack: Stack, count: int) -> None:
    """Publish requests as a client of Kafka does."""
    assert stack.addresses is not None
    publisher = Publisher(stack.addresses.connection("admin"), "test")
    await publisher.start()
    try:
        for _ in range(count):
            request = Request(request_id=new_request_id("pile"), question="What is a deque?")
            await publisher.publish(Emit("requests", request))
    finally:
        await publisher.stop()


async def test_questions_are_refused_while_the_first_stage_is_behind(stack: Stack) -> None:
    assert stack.addresses is not None
    url = stack.addresses.gateway_url
    async with open_keys(stack.addresses) as store:
        key = await store.table.create("default", "test", ("ask", "documents"), store.secret)
    headers = {"authorization": f"Bearer {key}"}
    async with (
        httpx.AsyncClient(headers=headers, timeout=PATIENCE_S) as client,
        asyncio.timeout(2 * PATIENCE_S),
    ):
        await pile_up(stack, MAX_BACKLOG + 1)
        # An accepted question waits, because no service answers.
        while (refused := await ask(client, url, 2)) is None or refused.status_code != 429:  # noqa: ASYNC110 - polls the API
            await asyncio.sleep(0.2)
        assert refused.json()["error"]["code"] == "overloaded"
        assert refused.headers["retry-after"] == "10"
        document = await client.put(f"{url}/septet/documents/d", json={"text": "t"})
        assert document.status_code == 202
        assert document.headers["x-ratelimit-limit-requests"] == str(KEY_LIMIT)
        await stack.start_services(["guardrails", "eval"])
        while (answered := await ask(client, url, PATIENCE_S)) is None or answered.status_code == 429:  # noqa: ASYNC110 - polls the API
            await asyncio.sleep(0.2)
    assert answered.status_code == 200
    assert {v["stage"] for v in answered.json()["verdicts"]} == {"input"}


async def ask(client: httpx.AsyncClient, url: str, timeout_s: float) -> httpx.Response | None:
    """The gateway's answer to a check of a question; ``None`` if it takes too long."""
    try:
        return await client.post(f"{url}/septet/checks", json=CHECK, timeout=timeout_s)
    except httpx.TimeoutException:
        return None
