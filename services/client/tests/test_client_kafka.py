"""The client on a real Kafka; the tests stand in for the services."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args
from uuid import uuid4

import pytest
from septet_client import Conflict, InvalidInput, NoResponse, Septet, Unreachable
from septet_client.adapters import search
from septet_client.adapters.kafka import KafkaLog
from septet_client.connection import Compression, Connection
from septet_client.documents import CHANGED
from septet_client.ports import Position, Record
from septet_contracts import Request, decode, encode, topic

from tests.support.raw_producer import raw_producer
from tests.support.record_batch import Batch, RawRecord

from .support import changed, respond

REQUESTS, RESPONSES = topic("requests"), topic("responses")
CODECS = get_args(Compression)
Serve = Callable[[KafkaLog, Record], Awaitable[None]]


@asynccontextmanager
async def serving(kafka: str, name: str, serve: Serve, **options: Any) -> AsyncIterator[KafkaLog]:
    """Calls ``serve`` with each record of a topic, as a service does."""
    log = KafkaLog(Connection(kafka), **options)
    await log.start()
    tasks: set[asyncio.Task[None]] = set()

    def receive(record: Record) -> None:
        task = asyncio.ensure_future(serve(log, record))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    await log.follow([name], receive)
    try:
        yield log
    finally:
        await asyncio.gather(*tasks, return_exceptions=True)
        await log.close()


async def echo(log: KafkaLog, record: Record) -> None:
    request = decode(REQUESTS, record.value)
    if request.question != "silence":
        await log.publish(RESPONSES.name, record.key, encode(respond(request)))


def echoing(kafka: str, **options: Any) -> Any:
    """Answers requests by their echo."""
    return serving(kafka, REQUESTS.name, echo, **options)


async def test_each_question_gets_its_own_response(kafka: str) -> None:
    async with echoing(kafka), Septet(kafka) as septet, Septet(kafka) as other:
        asking = [client.ask(f"질문 {n}") for n in range(20) for client in (septet, other)]
        answers = await asyncio.gather(*asking)
    assert [a.answer for a in answers] == [f"echo: 질문 {n}" for n in range(20) for _ in range(2)]


@pytest.mark.parametrize("codec", CODECS)
async def test_every_codec_is_written_and_read(kafka: str, codec: Compression) -> None:
    async with echoing(kafka, compression=codec), Septet(kafka, compression=codec) as septet:
        question = f"{codec} " * 500
        assert (await septet.ask(question)).answer == f"echo: {question}"


async def test_a_repeated_question_gets_the_response_on_the_log(kafka: str) -> None:
    request_id = f"repeat-{uuid4()}"
    async with echoing(kafka), Septet(kafka) as septet:
        first = await septet.ask("once?", request_id=request_id, conversation="c1")
    async with Septet(kafka) as septet:
        assert await septet.ask("once?", request_id=request_id, conversation="c1") == first
        assert await septet.response(request_id) == first
        since = datetime.now(UTC) + timedelta(hours=1)
        assert await septet.response(request_id, since=since) is None
        with pytest.raises(Conflict):
            await septet.ask("twice?", request_id=request_id)


async def test_a_search_reads_backwards_over_windows(kafka: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "WINDOW", 7)
    name, key = "septet.evaluations.v1", b"window"
    log = KafkaLog(Connection(kafka))
    await log.start()
    try:
        positions = [await log.publish(name, key, f"{n}".encode()) for n in range(20)]
        found = [r.value async for r in log.search(name, key, positions[0].time) if r.key == key]
        assert found == [f"{n}".encode() for n in reversed(range(20))]
    finally:
        await log.close()


async def test_records_that_cannot_be_decoded_are_skipped(kafka: str) -> None:
    """A header whose name is not UTF-8 ends a plain consumer's reading."""
    broken = Batch((RawRecord(b"{}", b"k", headers=((b"\xff\xfe", b"x"),)),)).encode()
    async with echoing(kafka), Septet(kafka) as septet, raw_producer(_kit(kafka)) as producer:
        for partition in range(RESPONSES.partitions):
            assert (await producer.send(RESPONSES.name, partition, broken)).accepted
        assert (await septet.ask("after it")).answer == "echo: after it"


async def test_a_late_response_is_read_later(kafka: str) -> None:
    async with Septet(kafka, margin=timedelta(seconds=0.2)) as septet:
        with pytest.raises(NoResponse) as caught:
            await septet.ask("silence", deadline=timedelta())
        request_id = caught.value.request_id
        assert await septet.response(request_id) is None
        late = respond(Request(request_id=request_id, question="silence"))
        await septet._log.publish(RESPONSES.name, b"default:late", encode(late))
        assert await septet.response(request_id) == late


async def test_documents_are_waited_for(kafka: str) -> None:
    async def index(log: KafkaLog, record: Record) -> None:
        event = decode(topic("documents"), record.value)
        await log.publish(CHANGED, record.key, encode(changed(event, published[event.document_id].time)))

    published: dict[str, Position] = {}
    async with Septet(kafka) as septet, serving(kafka, topic("documents").name, _after(published, index)):
        documents = [await septet.documents.upsert(f"문서-{n}", "text") for n in range(5)]
        documents.append(await septet.documents.delete("old"))
        published.update((d.document_id, d.position) for d in documents)
        changes = await septet.documents.wait(*documents, within=timedelta(seconds=20))
    assert [c.change for c in changes] == ["created"] * 5 + ["deleted"]


def _after(published: dict[str, Position], serve: Serve) -> Serve:
    """Serves a document once the test knows its position."""

    async def wait(log: KafkaLog, record: Record) -> None:
        document_id = record.key.partition(b":")[2].decode()
        while document_id not in published:  # noqa: ASYNC110 - nothing tells when the test knows
            await asyncio.sleep(0.01)
        await serve(log, record)

    return wait


async def test_too_large_a_request_is_refused(kafka: str) -> None:
    async with Septet(kafka) as septet:
        with pytest.raises(InvalidInput):
            await septet.ask("x" * 40_000)
        log = KafkaLog(Connection(kafka))
        await log.start()
        try:
            with pytest.raises(InvalidInput):
                await log.publish(REQUESTS.name, b"k", b"x" * 3 * 1024 * 1024)
        finally:
            await log.close()


async def test_a_missing_broker_or_topic_is_reported(kafka: str) -> None:
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9"):
        await Septet("127.0.0.1:9").__aenter__()
    with pytest.raises(Unreachable, match=r"septet\.responses\.v2\.nobody"):
        await Septet(kafka, tenant="nobody", own_topics=True).__aenter__()


@pytest.mark.slow
async def test_the_client_survives_its_broker_and_closes_without_one(tmp_path: Path) -> None:
    from septet_kit.messaging.admin import ensure_topics
    from septet_native.packages.cache import cache_root
    from septet_native.processes.ports import free_port
    from septet_native.servers.kafka import Kafka
    from septet_native.servers.server import Places

    from tests.support.servers import served

    server = Kafka(Places(tmp_path, cache_root(None)), free_port(), free_port())
    kafka = f"127.0.0.1:{server.port}"
    async with AsyncExitStack() as clients:
        async with served(server, server.places):
            await ensure_topics(kafka)
            septet = await clients.enter_async_context(Septet(kafka))
            await clients.enter_async_context(echoing(kafka))
            assert (await septet.ask("before")).answer == "echo: before"
        async with served(server, server.places):
            assert (await septet.ask("after", deadline=timedelta(seconds=60))).answer == "echo: after"
        began = time.monotonic()
        await clients.aclose()
        assert time.monotonic() - began < 15


def _kit(kafka: str) -> Any:
    from septet_kit.messaging.connection import KafkaConnection

    return KafkaConnection(kafka)
