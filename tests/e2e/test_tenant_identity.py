"""Whose a record is, by the topic that it came on: refused in its sender's name, never in the one it claims."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from septet_cli.client import connect
from septet_cli.dead_letters import read_dead_letters
from septet_cli.tail import tail
from septet_contracts import SHARED, Response
from septet_kit.messaging.connection import KafkaConnection
from septet_kit.observe.tracing import derived_context
from septet_kit.tenants import Tenants

from ..conftest import Backend

WAIT_S = 60
OPTIONS = {"question": "What is kept in the cellar?", "generate": False, "cache": {"use": "bypass"}}


class Everything:
    """Reads every responses topic and every dead-letter topic, and writes any topic."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self.records: list[Any] = []
        self._arrived = asyncio.Event()

    def receive(self, record: Any) -> None:
        """Keep a record."""
        self.records.append(record)
        self._arrived.set()

    async def send(self, topic: str, body: dict[str, Any] | bytes, key: str = "k") -> None:
        """Publish a body, whatever it is."""
        value = body if isinstance(body, bytes) else json.dumps(body).encode()
        await self._producer.send_and_wait(topic, value, key=key.encode())

    async def response(self, topic: str, request_id: str) -> Response:
        """The only response to this id on a topic; there is none on any other."""
        async with asyncio.timeout(WAIT_S):
            while not (found := self.responses(topic, request_id)):
                self._arrived.clear()
                await self._arrived.wait()
        assert len(found) == 1
        return found[0]

    def responses(self, topic: str, request_id: str) -> list[Response]:
        """The responses to this id on a topic so far."""
        made = [Response.model_validate_json(r.value) for r in self.records if r.topic == topic]
        return [r for r in made if r.request_id == request_id]

    async def dead_letter(self, topic: str, marker: str) -> dict[str, bytes]:
        """The headers of the dead letter whose body holds *marker*."""
        async with asyncio.timeout(WAIT_S):
            while True:
                for record in self.records:
                    if record.topic == topic and marker.encode() in (record.value or b""):
                        return dict(record.headers)
                self._arrived.clear()
                await self._arrived.wait()


@asynccontextmanager
async def everything(kafka: KafkaConnection, tenants: Tenants) -> AsyncIterator[Everything]:
    """All topics, from now on."""
    producer = AIOKafkaProducer(**kafka.options(), acks="all")
    await producer.start()
    seen = Everything(producer)
    topics = list(tenants.addresses(("responses",)))
    topics += [f"septet.{s}.dead.v1" for s in ("guardrails", "retrieval", "feedback")]
    try:
        async with tail(kafka, topics, seen.receive):
            yield seen
    finally:
        await producer.stop()


@pytest.fixture
async def log(shop: Backend, tenants: Tenants) -> AsyncIterator[Everything]:
    """Every end of the system at once."""
    async with everything(shop.addresses.connection(), tenants) as seen:
        yield seen


@pytest.fixture
def name() -> str:
    """An id that nobody has used."""
    return f"who-{uuid4().hex[:10]}"


async def test_one_request_id_of_three_tenants_is_three_requests(log: Everything, name: str) -> None:
    await log.send("septet.requests.v1.acme", {"request_id": name, **OPTIONS})
    await log.send(
        "septet.requests.v1.globex", {"request_id": name, "tenant": "globex", **OPTIONS, "question": "Why?"}
    )
    await log.send(
        "septet.requests.v1", {"request_id": name, **OPTIONS, "question": "지하실에 무엇이 있습니까?"}
    )
    found = [await log.response(f"septet.responses.v2{end}", name) for end in (".acme", ".globex", "")]
    assert [r.tenant for r in found] == ["acme", "globex", "default"]
    assert [r.error for r in found] == [None, None, None]
    assert [r.question for r in found] == [OPTIONS["question"], "Why?", "지하실에 무엇이 있습니까?"]
    assert len({r.event_id for r in found}) == len({r.trace_id for r in found}) == 3


@pytest.mark.parametrize(
    ("topic", "end", "sender", "code"),
    [
        ("septet.requests.v1.acme", ".acme", "acme", "tenant_mismatch"),
        ("septet.requests.v1", "", SHARED, "wrong_topic"),
    ],
)
async def test_another_tenants_name_is_refused_where_the_sender_sits(
    log: Everything, name: str, topic: str, end: str, sender: str, code: str
) -> None:
    await log.send(topic, {"request_id": name, "tenant": "globex", **OPTIONS})
    refused = await log.response(f"septet.responses.v2{end}", name)
    assert (refused.status, refused.tenant) == ("failed", sender)
    assert refused.error is not None
    assert (refused.error.code, refused.error.field) == (code, "tenant")
    assert refused.trace_id == format(derived_context(sender, name).trace_id, "032x")
    assert (await log.dead_letter("septet.guardrails.dead.v1", name))["septet-dead-code"] == code.encode()
    # The id is still free for the tenant that was named, and this is the only word that it ever gets of it.
    await log.send("septet.requests.v1.globex", {"request_id": name, **OPTIONS})
    assert (await log.response("septet.responses.v2.globex", name)).error is None
    assert len(log.responses("septet.responses.v2.acme", name)) == (end == ".acme")


@pytest.mark.parametrize(
    ("topic", "end", "sender"),
    [("septet.requests.v1.acme", ".acme", "acme"), ("septet.requests.v1", "", SHARED)],
)
async def test_a_body_that_cannot_be_read_is_its_senders(
    log: Everything, name: str, topic: str, end: str, sender: str
) -> None:
    await log.send(topic, b'{"request_id": "%s", "tenant": "globex", "question": ' % name.encode())
    refused = await log.response(f"septet.responses.v2{end}", name)
    assert refused.tenant == sender
    assert refused.error is not None
    assert refused.error.code == "malformed_json"
    assert log.responses("septet.responses.v2.globex", name) == []


@pytest.mark.parametrize(
    ("kind", "dead", "fields"),
    [
        ("documents", "retrieval", {"action": "upsert", "text": "Nothing."}),
        ("feedback", "feedback", {"kind": "copied", "feedback_id": "f"}),
    ],
)
@pytest.mark.parametrize(("end", "code"), [(".acme", b"tenant_mismatch"), ("", b"wrong_topic")])
async def test_documents_and_feedback_in_anothers_name_are_dead_letters(
    log: Everything, name: str, kind: str, dead: str, fields: dict[str, str], end: str, code: bytes
) -> None:
    body = {"document_id": name, "request_id": name, "tenant": "globex", **fields}
    await log.send(f"septet.{kind}.v1{end}", body)
    headers = await log.dead_letter(f"septet.{dead}.dead.v1", name)
    assert headers["septet-dead-code"] == code
    assert headers["septet-dead-topic"] == f"septet.{kind}.v1{end}".encode()


async def test_the_client_of_the_command_line_finds_the_tenants_topics(
    shop: Backend, tenants: Tenants, name: str
) -> None:
    kafka = shop.addresses.connection()
    request = {"request_id": name, "tenant": "acme", **OPTIONS}
    async with connect(kafka, tenants=tenants, tenant="acme") as client:
        assert (await client.ask(request, WAIT_S)).tenant == "acme"
    async with connect(kafka) as ignorant:
        refused = await ignorant.ask(request | {"request_id": f"{name}-2"}, WAIT_S)
    assert refused.error is not None
    assert refused.error.code == "wrong_topic"


async def test_dead_letters_are_read_whatever_topic_they_came_from(
    shop: Backend, log: Everything, name: str
) -> None:
    await log.send(
        "septet.feedback.v1.acme",
        {"request_id": name, "tenant": "globex", "feedback_id": "f", "kind": "copied"},
    )
    await log.dead_letter("septet.feedback.dead.v1", name)
    letters = await read_dead_letters(shop.addresses.connection(), "feedback")
    assert "septet.feedback.v1.acme" in {letter.fact("topic") for letter in letters}
