"""Exactly one response per request: under a burst, and through `kill -9` of each service in turn."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from septet_cli.stub.server import StubOptions, serve_stub

from ..conftest import Backend, stack_settings, started
from .conftest import BESIDE, RawClient, raw_client

TOPICS_OF = ("queues", "stacks", "heaps", "tries", "graphs", "rings")


@pytest.fixture(scope="module")
async def stub() -> AsyncIterator[str]:
    """A model endpoint that costs nothing and counts its calls."""
    async with serve_stub(StubOptions(latency_ms=20)) as url:
        yield url


@pytest.fixture(scope="module")
async def stubbed(stub: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Backend]:
    """A whole Septet on the stub, with a few documents about the things that are asked."""
    settings = stack_settings(tmp_path_factory.mktemp("stubbed"), llm_url=stub, llm_model="stub")
    async with started(settings) as made:
        for name in TOPICS_OF:
            await _teach(made, name)
        yield made


async def _teach(made: Backend, name: str) -> None:
    """Ingest a document about ``name`` and wait until it answers questions."""
    document = {
        "action": "upsert",
        "document_id": name,
        "title": name,
        "text": f"The {name} module keeps items in order. Its {name} were added in version 3.{len(name)}.",
    }
    await made.client.publish("septet.documents.v1", f"default:{name}", document)
    for _ in range(40):
        response = await made.ask(_question(name), cache={"use": "bypass"}, generate=False)
        if any(source.document_id == name for source in response.sources):
            return
        await asyncio.sleep(0.25)
    raise AssertionError(f"{name} is not searchable after 10 s")


def _question(name: str) -> str:
    return f"What does the {name} module keep in order?"


async def _calls(stub: str) -> int:
    async with httpx.AsyncClient() as http:
        calls: int = (await http.get(stub.removesuffix("/v1") + "/calls")).json()["calls"]
        return calls


async def _burst(client: RawClient, run: str, count: int, conversations: int, **fields: object) -> list[str]:
    """Publish ``count`` questions at once, spread over conversations; returns the ids in order."""
    ids = [f"{run}-{i:04d}" for i in range(count)]
    deadline = (datetime.now(UTC) + timedelta(minutes=4)).isoformat()

    async def one(number: int, request_id: str) -> None:
        conversation = f"{run}-c{number % conversations}"
        name = TOPICS_OF[number % len(TOPICS_OF)]
        await client.send(
            {
                "request_id": request_id,
                "conversation_id": conversation,
                "deadline": deadline,
                "question": _question(name),
                "cache": {"use": "bypass"},
                **fields,
            },
            key=f"default:{conversation}",
        )

    # Conversations are sent side by side, each one's questions in order, as their clients would.
    async def conversation(start: int) -> None:
        for number in range(start, count, conversations):
            await one(number, ids[number])

    await asyncio.gather(*(conversation(c) for c in range(conversations)))
    return ids


async def _check(client: RawClient, ids: list[str], conversations: int) -> None:
    """Each request has one response, one in version 1 and one release event; conversations keep their order."""
    pairs = [(name, i) for name in BESIDE for i in ids]
    await client.until(lambda: all(client.beside[pair] for pair in pairs), 60)
    assert {pair: client.beside[pair] for pair in pairs if client.beside[pair] != 1} == {}
    counts = {i: len(client.responses[i]) for i in ids}
    assert {i: n for i, n in counts.items() if n != 1} == {}
    place = {request_id: at for at, request_id in enumerate(client.order)}
    for first in range(conversations):
        arrived = [place[i] for i in ids[first::conversations]]
        assert arrived == sorted(arrived)


@pytest.mark.timeout(400)
async def test_500_at_once_are_answered_once_each_and_in_order(stubbed: Backend, stub: str) -> None:
    before = await _calls(stub)
    async with raw_client(stubbed.addresses.connection()) as client:
        ids = await _burst(client, f"burst-{uuid4().hex[:6]}", 500, 50)
        await client.until(lambda: all(client.responses[i] for i in ids), 300)
        await asyncio.sleep(2)
        await _check(client, ids, 50)
    statuses = {client.responses[i][0].status for i in ids}
    assert statuses == {"answered"}, {i: client.responses[i][0].status for i in ids[:12]}
    assert await _calls(stub) - before >= 500


@pytest.mark.timeout(400)
async def test_kill_9_of_each_service_in_turn_loses_and_doubles_nothing(stubbed: Backend, stub: str) -> None:
    before = await _calls(stub)
    async with raw_client(stubbed.addresses.connection()) as client:
        run = f"kill-{uuid4().hex[:6]}"
        sending = asyncio.create_task(_trickle(client, run, 120))
        kills = 0
        assert stubbed.stack is not None
        for process in [p for p in stubbed.stack.status() if p.kind == "service"]:
            await asyncio.sleep(2)
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        ids = await sending
        await client.until(lambda: all(client.responses[i] for i in ids), 120)
        await asyncio.sleep(3)
        await _check(client, ids, len(ids))
    assert {client.responses[i][0].status for i in ids} == {"answered"}
    # One kill may cost the calls that were in flight, never a second answer.
    assert await _calls(stub) - before <= len(ids) * 2 + kills * 16
    services = [p for p in stubbed.stack.status() if p.kind == "service"]
    assert all(p.restarts >= 1 for p in services)


async def _trickle(client: RawClient, run: str, count: int) -> list[str]:
    """Questions one after another, so that every kill finds some in flight."""
    ids: list[str] = []
    for number in range(count):
        ids += await _burst(client, f"{run}-{number:03d}", 1, 1)
        await asyncio.sleep(0.12)
    return ids


@pytest.mark.timeout(300)
async def test_a_hanging_model_is_a_typed_failure_at_the_deadline(
    stubbed: Backend, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with serve_stub(StubOptions(hang=True)) as url:
        settings = stack_settings(tmp_path_factory.mktemp("hanging"), llm_url=url, llm_model="stub")
        async with started(settings) as made, raw_client(made.addresses.connection()) as client:
            await _teach(made, "queues")
            deadline = datetime.now(UTC) + timedelta(seconds=6)
            request_id = f"hang-{uuid4().hex[:8]}"
            await client.send(
                {
                    "request_id": request_id,
                    "question": _question("queues"),
                    "deadline": deadline.isoformat(),
                },
                key=f"default:{request_id}",
            )
            response = await client.response(request_id, timeout=15)
            late = (datetime.now(UTC) - deadline).total_seconds()
    assert response.status in {"failed", "expired"}
    assert response.error is not None
    assert response.error.code in {"deadline_exceeded", "expired", "model_timeout"}
    assert late <= 1.0
    assert len(client.responses[request_id]) == 1
