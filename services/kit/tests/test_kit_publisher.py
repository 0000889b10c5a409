"""The publisher: every wait ends when the producer has failed, and every span ends with its send."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidProducerEpoch,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    ProducerFenced,
    UnknownProducerId,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from septet_contracts import DeleteDocument
from septet_kit.errors import Permanent, Transient
from septet_kit.events import Emit
from septet_kit.messaging import producer as producer_module
from septet_kit.messaging.producer import Producer, ProducerFailed, kafka_producer

from .support.clock import ended, now, simulated, turns
from .support.kafka import STAMP_MS, Broker, SimulatedPublisher, record

FATAL = [OutOfOrderSequenceNumber, ProducerFenced, InvalidProducerEpoch, UnknownProducerId]


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[ReadableSpan]]:
    """The spans that have ended."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr("septet_kit.observe.tracing._tracer", provider.get_tracer("test"))
    return lambda: list(exporter.get_finished_spans())


async def _started() -> tuple[Broker, SimulatedPublisher]:
    broker = Broker()
    publisher = SimulatedPublisher(broker)
    await publisher.start()
    return broker, publisher


@pytest.mark.parametrize("error", FATAL)
@simulated
async def test_a_producer_that_the_broker_refuses_has_failed(error: type[KafkaError]) -> None:
    _, publisher = await _started()
    assert publisher.failure is None
    publisher.client.on_answer = lambda topic: error() if topic == "fatal" else None
    waiting = asyncio.ensure_future(publisher.send(record(topic="fatal")))
    publisher.client.answers.clear()
    unanswered = asyncio.ensure_future(publisher.send(record(b"unanswered")))
    await turns()
    publisher.client.space.clear()
    blocked = asyncio.ensure_future(publisher.send(record(b"blocked")))
    await turns()
    publisher.client.answers.set()
    with pytest.raises(ProducerFailed, match="refuses"):
        await waiting
    for each in (unanswered, blocked):
        with pytest.raises(ProducerFailed):
            await each
    with pytest.raises(ProducerFailed):
        await publisher.send(record())
    assert now() == 0.0, "nothing waits for a time-out"
    assert publisher.failure is not None
    assert error.__name__ in publisher.failure


@simulated
async def test_a_failure_ends_waits_that_began_before_it() -> None:
    _, publisher = await _started()
    publisher.client.answers.clear()
    unanswered = asyncio.ensure_future(publisher.send(record(b"unanswered")))
    await turns()
    publisher.client.space.clear()
    blocked = asyncio.ensure_future(publisher.send(record(b"blocked")))
    await asyncio.sleep(3)
    publisher.client.end_sender(KafkaError("Unexpected error during batch delivery"))
    for each in (unanswered, blocked):
        with pytest.raises(ProducerFailed, match="sender task ended"):
            await each
    assert now() == 3.0


@simulated
async def test_a_cancelled_sender_task_is_a_failure_and_a_stop_is_not_logged_as_one() -> None:
    _, publisher = await _started()
    publisher.client._sender.sender_task.cancel()
    await turns()
    assert publisher.failure is not None
    _, other = await _started()
    await other.stop()
    assert other.failure == "the producer is closed"
    with pytest.raises(ProducerFailed):
        await other.send(record())


@simulated
async def test_errors_that_pass_are_no_failure() -> None:
    broker, publisher = await _started()
    publisher.client.on_enqueue = lambda _: KafkaTimeoutError()
    with pytest.raises(Transient):
        await publisher.send(record())
    publisher.client.on_enqueue = lambda _: None
    publisher.client.on_answer = lambda _: MessageSizeTooLargeError()
    with pytest.raises(Permanent):
        await publisher.send(record())
    publisher.client.on_answer = lambda _: None
    await publisher.send(record(b"good"))
    assert publisher.failure is None
    assert broker.values == [b"good"]


async def test_a_bug_in_the_client_s_sender_ends_every_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real client, up to its connection: an unexpected answer ends its sender task (aio-libs/aiokafka#1017)."""
    client = kafka_producer("127.0.0.1:9", "test")

    async def nothing(*_: object, **__: object) -> None:
        """Connect to no one."""

    async def broken(*_: object, **__: object) -> object:
        raise RuntimeError("an answer that the client does not understand")

    async def pid() -> None:
        client._txn_manager.set_pid_and_epoch(1, 0)

    monkeypatch.setattr(client.client, "bootstrap", nothing)
    monkeypatch.setattr(client.client, "_wait_on_metadata", nothing)
    monkeypatch.setattr(client.client, "send", broken)
    monkeypatch.setattr(client._sender, "_maybe_wait_for_pid", nothing)
    monkeypatch.setattr(client, "_partition", lambda *_: 0)
    monkeypatch.setattr(client.client.cluster, "leader_for_partition", lambda _: 0)
    await pid()
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    try:
        made = Producer(client)
        await made.start()
        sent = await made.enqueue(record(), [])
        with pytest.raises(ProducerFailed, match="RuntimeError"):
            await made.acknowledged(sent, 20)
        assert made.blocked_s == 0.0
        await made.stop()
    finally:
        asyncio.get_running_loop().set_exception_handler(None)


async def test_batches_are_large_enough_for_a_burst_of_events() -> None:
    client = kafka_producer("127.0.0.1:9", "test")
    assert isinstance(client, AIOKafkaProducer)
    assert client._message_accumulator._batch_size == 256 * 1024
    assert client._message_accumulator._linger_time == producer_module._LINGER_MS / 1000
    await client.stop()


@simulated
async def test_blocked_for_is_the_age_of_the_oldest_send() -> None:
    _, publisher = await _started()
    assert publisher.blocked_s == 0.0
    publisher.client.answers.clear()
    first = asyncio.ensure_future(publisher.attempt([record(b"1")]))
    await asyncio.sleep(5)
    second = asyncio.ensure_future(publisher.send(record(b"2")))
    await asyncio.sleep(5)
    assert publisher.blocked_s == 10.0
    [left] = await first
    assert left.queued
    assert now() == 30.0
    assert publisher.blocked_s == 30.0, "the producer goes on with what nobody waits for"
    publisher.client.answers.set()
    await second
    await turns()
    assert publisher.blocked_s == 0.0
    publisher.client.space.clear()
    blocked = asyncio.ensure_future(publisher.send(record(b"3")))
    await asyncio.sleep(4)
    assert publisher.blocked_s == 4.0
    await ended(blocked)
    assert publisher.blocked_s == 0.0


@simulated
async def test_the_acknowledgements_of_a_batch_have_one_limit() -> None:
    _, publisher = await _started()
    publisher.client.answers.clear()
    left = await publisher.attempt([record(b"1"), record(b"2"), record(b"3")])
    assert [each.record.value for each in left] == [b"1", b"2", b"3"]
    assert now() == 30.0


@simulated
async def test_nothing_is_enqueued_after_a_record_that_was_not() -> None:
    broker, publisher = await _started()
    publisher.client.on_enqueue = lambda topic: KafkaTimeoutError() if topic == "full" else None
    left = await publisher.attempt([record(b"1"), record(b"2", topic="full"), record(b"3")])
    assert broker.values == [b"1"]
    assert [(each.record.value, each.queued) for each in left] == [(b"2", False), (b"3", False)]


async def test_a_timed_event_has_the_time_of_its_record(spans: Callable[[], list[ReadableSpan]]) -> None:
    broker, publisher = await _started()
    emit = Emit("documents", DeleteDocument(action="delete", document_id="d"), b"default:d")
    assert await publisher.publish_timed(emit) == datetime.fromtimestamp(STAMP_MS / 1000, UTC)
    assert broker.values == [emit.value]
    publisher.client.on_answer = lambda _: MessageSizeTooLargeError()
    with pytest.raises(Permanent):
        await publisher.publish_timed(emit)
    assert _codes(spans()) == [StatusCode.UNSET, StatusCode.ERROR]


def _codes(finished: list[ReadableSpan]) -> list[StatusCode]:
    return [span.status.status_code for span in finished]


def test_a_span_ends_with_its_send(spans: Callable[[], list[ReadableSpan]]) -> None:
    @simulated
    async def sends() -> None:
        _, publisher = await _started()
        await publisher.send(record(b"1"), record(b"2"))

    sends()
    assert _codes(spans()) == [StatusCode.UNSET, StatusCode.UNSET]


def test_a_span_ends_with_an_error_where_its_send_does(spans: Callable[[], list[ReadableSpan]]) -> None:
    @simulated
    async def fails() -> None:
        _, publisher = await _started()
        publisher.client.on_enqueue = lambda topic: KafkaTimeoutError() if topic == "full" else None
        publisher.client.on_answer = lambda topic: MessageSizeTooLargeError() if topic == "large" else None
        await publisher.attempt([record(b"1"), record(b"2", topic="full")])
        assert len(spans()) == 2
        await publisher.attempt([record(b"3", topic="large"), record(b"4")])
        assert len(spans()) == 4
        publisher.client.answers.clear()
        await publisher.attempt([record(b"5"), record(b"6")])
        assert len(spans()) == 6
        cancelled = asyncio.ensure_future(publisher.send(record(b"7"), record(b"8")))
        await turns()
        await ended(cancelled)
        assert len(spans()) == 8
        dying = asyncio.ensure_future(publisher.send(record(b"9"), record(b"10")))
        await turns()
        publisher.client.end_sender(KafkaError())
        with pytest.raises(ProducerFailed):
            await dying

    fails()
    error, unset = StatusCode.ERROR, StatusCode.UNSET
    # The span of record 2 ends first: its error is known before record 1 is acknowledged.
    assert _codes(spans()) == [error, unset, error, unset, error, error, error, error, error, error]


@simulated
async def test_a_lossy_send_that_fails_is_counted() -> None:
    from septet_contracts import Request
    from septet_kit import Emit
    from septet_kit.observe import metrics

    _, publisher = await _started()
    before = metrics.lost_sends._value.get()
    publisher.client.end_sender(KafkaError())
    await turns()
    publisher.send_soon(Emit("requests", Request(request_id="r", question="q")))
    await turns()
    assert metrics.lost_sends._value.get() == before + 1
