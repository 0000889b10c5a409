"""The clients of the commands on a real broker; the tests stand in for the services."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from septet_cli import wire
from septet_cli.cancellation import send_cancellation
from septet_cli.client import REQUESTS, RESPONSES, connect, new_request_id
from septet_cli.dead_letters import DeadLetter, read_dead_letters, redrive
from septet_cli.errors import CliError, NoResponse
from septet_cli.history import find_responses
from septet_cli.ingest.document import Document
from septet_cli.ingest.publish import CHANGED, DEAD, DOCUMENTS, deletion, publish_documents, upsert
from septet_cli.labels import LABELS, FeedbackReport, send_feedback
from septet_cli.tail import tail
from septet_cli.topics import topic_states
from septet_contracts import event_id

_ALL = -1
Reply = Callable[[wire.AIOKafkaProducer, wire.Record, dict[str, Any]], Awaitable[None]]


@asynccontextmanager
async def service(kafka: str, topic: str, reply: Reply) -> AsyncIterator[None]:
    """Calls *reply* with each record of a topic, as a service does."""
    queue: asyncio.Queue[wire.Record] = asyncio.Queue()
    async with wire.open_producer(kafka) as producer, tail(kafka, [topic], queue.put_nowait):

        async def serve() -> None:
            while True:
                record = await queue.get()
                await reply(producer, record, json.loads(record.value or b"{}"))

        task = asyncio.create_task(serve())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def response(request: dict[str, Any], **fields: Any) -> dict[str, Any]:
    tenant = request.get("tenant", "default")
    return {
        "request_id": request["request_id"],
        "tenant": tenant,
        "contract": "septet.response",
        "version": 2,
        "event_id": str(event_id(tenant, request["request_id"], "response")),
        "status": "answered",
        "occurred_at": datetime.now(UTC).isoformat(),
        "answer": "echo: " + request["question"],
        **fields,
    }


async def echo(producer: wire.AIOKafkaProducer, record: wire.Record, request: dict[str, Any]) -> None:
    if request["question"] != "silence":
        await (await wire.send(producer, RESPONSES, (record.key or b"").decode(), response(request)))


async def test_each_request_gets_its_own_response(kafka: str) -> None:
    async with service(kafka, REQUESTS, echo), connect(kafka) as client:
        asked = [
            {"request_id": new_request_id(), "question": f"질문 {i}", "tenant": "default"} for i in range(20)
        ]
        answers = await asyncio.gather(*(client.ask(request, 20) for request in asked))
        assert [a.answer for a in answers] == [f"echo: 질문 {i}" for i in range(20)]
        assert all(client.seen[request["request_id"]] == 1 for request in asked)


async def test_a_response_to_another_tenant_is_ignored(kafka: str) -> None:
    async def wrong(producer: wire.AIOKafkaProducer, record: wire.Record, request: dict[str, Any]) -> None:
        await (await wire.send(producer, RESPONSES, "k", response(request) | {"tenant": "other"}))

    async with service(kafka, REQUESTS, wrong), connect(kafka) as client:
        with pytest.raises(NoResponse) as caught:
            await client.ask({"request_id": new_request_id(), "question": "x"}, 1.5)
        assert "--request-id" in caught.value.fix


async def test_an_earlier_response_is_found_on_the_log(kafka: str) -> None:
    request = {"request_id": new_request_id(), "question": "before"}
    async with service(kafka, REQUESTS, echo), connect(kafka) as client:
        await client.ask(request, 20)
    found = await find_responses(kafka, request["request_id"], "default")
    assert [r["answer"] for r in found] == ["echo: before"]
    assert await find_responses(kafka, request["request_id"], "other") == []
    assert await find_responses(kafka, "no-such-id") == []


@pytest.mark.parametrize("was_purged", [False, True])
async def test_a_search_of_an_empty_topic_ends(kafka: str, was_purged: bool) -> None:
    name = f"empty-{uuid4()}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 2, 1)])
        if was_purged:
            async with wire.open_producer(kafka) as producer:
                for number in range(4):
                    await (await wire.send(producer, name, f"k-{number}", {"request_id": "r-1"}))
            partitions = [TopicPartition(name, number) for number in range(2)]
            starts = await admin.delete_records(dict.fromkeys(partitions, RecordsToDelete(_ALL)))
            assert sum(starts.values()) == 4
    finally:
        await admin.close()
    async with asyncio.timeout(20):
        for tenant in ("default", None):
            assert await find_responses(kafka, "r-1", tenant, name) == []


async def index_document(producer: wire.AIOKafkaProducer, record: wire.Record, event: dict[str, Any]) -> None:
    if event["document_id"] == "bad":
        headers = [("septet-dead-code", b"invalid_field"), ("septet-dead-reason", b"no good")]
        await producer.send_and_wait(DEAD, record.value, key=record.key, headers=headers)
        return
    change = "deleted" if event["action"] == "delete" else "created"
    body = {
        "tenant": event["tenant"],
        "document_id": event["document_id"],
        "change": change,
        "passages": 2,
        "embedded": 1,
        "instructions": 2 if event["document_id"] == "문서-7" else 0,
    }
    await (await wire.send(producer, CHANGED, (record.key or b"").decode(), body))


async def test_ingest_waits_for_the_outcome_of_every_document(kafka: str) -> None:
    events = [upsert(Document(f"문서-{i}", "text")) for i in range(30)] + [
        upsert(Document("bad", "x")),
        deletion("old"),
    ]
    async with service(kafka, DOCUMENTS, index_document):
        report = await publish_documents(kafka, events, "default", stall=20)
    assert report.changes == {"created": 30, "deleted": 1}
    assert sum(report.passages.values()) == 62
    assert report.rejected == {"bad": "invalid_field: no good"}
    assert not report.complete
    assert "rejected: bad" in report.summary()
    assert "warning: 문서-7 contains instructions to the assistant: 2" in report.summary()


async def test_ingest_names_the_documents_that_were_not_indexed(kafka: str) -> None:
    report = await publish_documents(kafka, [upsert(Document("lonely", "x"))], "default", stall=0.5)
    assert report.missing == ["lonely"]
    assert "lonely" in report.summary()


async def test_two_documents_with_one_id_are_rejected(kafka: str) -> None:
    with pytest.raises(CliError, match="the id a"):
        await publish_documents(kafka, [upsert(Document("a", "x")), upsert(Document("a", "y"))], "default")


async def test_feedback_waits_for_its_label(kafka: str) -> None:
    async def label(producer: wire.AIOKafkaProducer, record: wire.Record, event: dict[str, Any]) -> None:
        body = {"feedback_id": event["feedback_id"], "polarity": "negative", "weight": 1.0}
        await (await wire.send(producer, LABELS, "k", body))

    event = {"tenant": "default", "request_id": "r", "feedback_id": "f", "kind": "thumbs", "value": "down"}
    async with service(kafka, "septet.feedback.v1", label):
        assert (await send_feedback(kafka, [event], 10)).labels["f"]["polarity"] == "negative"
    assert await send_feedback(kafka, [event], 0.3) == FeedbackReport()


async def test_a_cancellation_waits_for_the_response(kafka: str) -> None:
    async def release(producer: wire.AIOKafkaProducer, record: wire.Record, event: dict[str, Any]) -> None:
        assert event == {"request_id": "r-cancel", "tenant": "default", "reason": "by mistake"}
        body = response({**event, "question": ""}, status="cancelled", answer=None)
        await (await wire.send(producer, RESPONSES, "k", body))

    async with service(kafka, "septet.cancellations.v1", release):
        status = await send_cancellation(kafka, "r-cancel", "default", 10, reason="by mistake")
    assert status == "cancelled"
    assert await send_cancellation(kafka, "r-unknown", "default", 0.3) is None


async def test_rejected_feedback_is_reported_at_once(kafka: str) -> None:
    async def reject(producer: wire.AIOKafkaProducer, record: wire.Record, event: dict[str, Any]) -> None:
        headers = [("septet-dead-code", b"invalid_field"), ("septet-dead-reason", b"stars: too many")]
        await producer.send_and_wait("septet.feedback.dead.v1", b"\xff", key=b"other", headers=headers)
        await producer.send_and_wait("septet.feedback.dead.v1", record.value, key=record.key, headers=headers)

    event = {"tenant": "default", "request_id": "r", "feedback_id": "g", "kind": "rating", "stars": 9}
    async with service(kafka, "septet.feedback.v1", reject):
        report = await send_feedback(kafka, [event], 10)
    assert report.rejected == {"g": "invalid_field: stars: too many"}


async def test_a_redriven_dead_letter_has_its_original_key_value_and_headers(kafka: str) -> None:
    headers = [
        ("traceparent", b"00-ab-cd-01"),
        ("septet-dead-topic", b"septet.feedback.v1"),
        ("septet-dead-code", b"boom"),
        ("septet-dead-reason", b"it broke"),
    ]
    body = b"\xff not even UTF-8"
    async with wire.open_producer(kafka) as producer:
        await producer.send_and_wait("septet.feedback.dead.v1", body, key=b"k", headers=headers)
        letter = next(x for x in await read_dead_letters(kafka, "feedback") if x.fact("code") == "boom")
        assert (letter.redrives, letter.name) == (0, f"feedback/{letter.record.offset}")
        got: asyncio.Queue[wire.Record] = asyncio.Queue()
        async with tail(kafka, ["septet.feedback.v1"], got.put_nowait):
            await redrive(producer, letter)
            record = await asyncio.wait_for(got.get(), 10)
    assert (record.key, record.value) == (b"k", body)
    assert dict(record.headers) == {"traceparent": b"00-ab-cd-01", "septet-redrives": b"1"}
    assert DeadLetter("feedback", record).redrives == 1


async def test_topics_show_depth_and_lag(kafka: str) -> None:
    (before,) = [s.depth or 0 for s in await topic_states(kafka) if s.name == "septet.evaluations.v1"]
    async with wire.open_producer(kafka) as producer:
        for i in range(5):
            await producer.send_and_wait("septet.evaluations.v1", b"{}", key=str(i).encode())
    group = AIOKafkaConsumer(bootstrap_servers=kafka, group_id="septet-reader", enable_auto_commit=False)
    await group.start()
    try:
        partition = TopicPartition("septet.evaluations.v1", 0)
        group.assign([partition])
        await group.commit({partition: 0})
    finally:
        await group.stop()
    states = {state.name: state for state in await topic_states(kafka)}
    assert states["septet.evaluations.v1"].depth == before + 5
    assert states["septet.evaluations.v1"].partitions == 4
    assert states["septet.evaluations.v1"].lag == {"septet-reader": before + 5}
    assert states["septet.models.v1"].depth == 0
    assert states["septet.models.v1"].lag == {}
