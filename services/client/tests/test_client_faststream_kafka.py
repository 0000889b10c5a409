"""The FastStream router on a real Kafka: delivery, publishing and traces. The in-memory broker hides their faults."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from faststream.kafka import KafkaBroker
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from septet_client import Connection, Response, Septet
from septet_client.adapters.kafka import KafkaLog
from septet_client.faststream import AtLeastOnce, SeptetRouter, broker, tracing
from septet_client.ports import Record
from septet_contracts import Evaluation, Request, Score, decode, encode, event_id, topic

from .support import respond

RESPONSES, EVALUATIONS, FEEDBACK = (topic(n).name for n in ("responses", "evaluations", "feedback"))


def new_router(**options: Any) -> SeptetRouter:
    """A router with a group of its own, which begins at the end of the topics."""
    delivery = AtLeastOnce(first_pause_s=0.05, longest_pause_s=0.1)
    return SeptetRouter(f"test-{uuid4().hex[:8]}", start="latest", delivery=delivery, **options)


@asynccontextmanager
async def consuming(made: KafkaBroker) -> AsyncIterator[None]:
    """A started broker whose subscribers have their positions."""
    async with made:
        await made.start()
        async with asyncio.timeout(30):
            for subscriber in made.subscribers:
                while not subscriber.consumer.assignment():  # noqa: ASYNC110 - no event to await
                    await asyncio.sleep(0.05)
                for partition in subscriber.consumer.assignment():
                    await subscriber.consumer.position(partition)
        yield


@asynccontextmanager
async def publishing(kafka: str) -> AsyncIterator[KafkaLog]:
    """A log."""
    log = KafkaLog(Connection(kafka))
    await log.start()
    try:
        yield log
    finally:
        await log.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_failing_handler_gets_its_record_again_in_order(kafka: str) -> None:
    run, septet = uuid4().hex[:8], new_router()
    calls: list[str] = []

    @septet.on_response
    async def show(response: Response) -> None:
        if not response.request_id.startswith(run):
            return
        calls.append(response.answer or "")
        if response.answer == "two" and calls.count("two") < 3:
            raise ValueError("not yet")

    async with consuming(broker(kafka, septet, logger=None)), publishing(kafka) as log:
        for number, answer in enumerate(("one", "two", "broken", "three")):
            request = Request(request_id=f"{run}-{number}", question="x")
            value = b'{"request_id": "x"}' if answer == "broken" else encode(respond(request, answer=answer))
            await log.publish(RESPONSES, b"one-partition", value)
        await until(lambda: "three" in calls)
    assert calls == ["one", "two", "two", "two", "three"]


async def test_a_handled_record_is_not_read_again_after_a_restart(kafka: str) -> None:
    run, group, seen = uuid4().hex[:8], f"test-{uuid4().hex[:8]}", list[str]()

    def application(start: Any) -> KafkaBroker:
        septet = SeptetRouter(group, start=start)

        @septet.on_response
        async def show(response: Response) -> None:
            seen.append(response.request_id)

        return broker(kafka, septet, logger=None)

    async with publishing(kafka) as log:
        for number, start in enumerate(("latest", "earliest")):
            async with consuming(application(start)):
                request = Request(request_id=f"{run}-{number}", question="x")
                await log.publish(RESPONSES, b"k", encode(respond(request)))
                await until(lambda: f"{run}-{number}" in seen)  # noqa: B023
    assert seen == [f"{run}-0", f"{run}-1"]


async def test_evaluations_and_publishers(kafka: str) -> None:
    run, septet = uuid4().hex[:8], new_router()
    evaluations: list[Evaluation] = []

    @septet.on_evaluation
    async def note(evaluation: Evaluation) -> None:
        if evaluation.request_id.startswith(run):
            evaluations.append(evaluation)

    published: list[Record] = []
    names = [topic(n).name for n in ("requests", "feedback", "documents")]
    async with consuming(broker(kafka, septet, logger=None)), publishing(kafka) as log:
        await log.follow(names, published.append)
        request = await septet.ask("Which one?", request_id=f"{run}-ask", cache="bypass")
        await septet.feedback(f"{run}-ask", thumbs="up")
        await septet.upsert(f"{run}-doc", "text", title="Title")
        await septet.delete(f"{run}-doc")
        made = Evaluation(
            request_id=f"{run}-e",
            event_id=event_id("default", f"{run}-e", Evaluation.STEP),
            occurred_at=respond(request).occurred_at,
            evaluator="judge",
            scores=(Score(name="helpful", value=0.5),),
        )
        await log.publish(EVALUATIONS, b"k", encode(made))
        await until(lambda: bool(evaluations))
        await until(lambda: len([r for r in published if run.encode() in r.value]) == 4)
    assert evaluations == [made]
    mine = [r for r in published if run.encode() in r.value]
    events = [decode(topic(r.topic), r.value) for r in mine if r.topic != names[2]]
    assert request in events
    keys = {r.key for r in mine}
    assert keys == {f"default:{run}-ask".encode(), f"default:{run}-doc".encode()}
    assert all(r.headers["content-type"] == b"application/json" for r in mine)


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """The spans of the middleware."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", provider.get_tracer("test"))
    return exporter


async def test_each_hop_is_the_child_of_the_hop_before(kafka: str, spans: InMemorySpanExporter) -> None:
    """Also for a returned value, which FastStream publishes after the handler."""
    run, septet, returned_to = uuid4().hex[:8], new_router(), "septet.labels.v1"

    @septet.publisher(returned_to)
    async def show(response: Response) -> bytes:
        if response.request_id.startswith(run):
            await septet.feedback(response, thumbs="up")
        return b'{"run": "%s"}' % run.encode()

    septet.on_response(show)
    published: list[Record] = []
    trace_id, span_id = uuid4().hex, uuid4().hex[:16]
    async with consuming(broker(kafka, septet, logger=None)), publishing(kafka) as log:
        await log.follow([FEEDBACK, returned_to], published.append)
        value = encode(respond(Request(request_id=f"{run}-t", question="x")))
        producer = await log._working_producer()
        headers = [("traceparent", f"00-{trace_id}-{span_id}-01".encode())]
        await producer.send_and_wait(RESPONSES, value, key=b"k", headers=headers)
        await until(lambda: len([r for r in published if run.encode() in r.value]) == 2)
    found = {s.name: s for s in spans.get_finished_spans() if s.context.trace_id == int(trace_id, 16)}
    process = found[f"process {RESPONSES}"]
    assert process.parent is not None
    assert process.parent.span_id == int(span_id, 16)
    for record in (r for r in published if run.encode() in r.value):
        send = found[f"send {record.topic}"]
        assert send.parent is not None
        assert send.parent.span_id == process.context.span_id
        carried = record.headers["traceparent"].decode()
        assert carried == f"00-{trace_id}-{send.context.span_id:016x}-01"


async def test_a_client_and_an_application_share_a_log(kafka: str) -> None:
    septet, answered = new_router(), list[str]()

    @septet.on_response
    async def show(response: Response) -> None:
        answered.append(response.request_id)

    async def answer(log: KafkaLog, record: Record) -> None:
        request = decode(topic("requests"), record.value)
        await log.publish(RESPONSES, record.key, encode(respond(request)))

    async with (
        consuming(broker(kafka, septet, logger=None)),
        publishing(kafka) as log,
        Septet(kafka) as client,
    ):
        tasks = set[Any]()
        await log.follow([topic("requests").name], lambda r: tasks.add(asyncio.ensure_future(answer(log, r))))
        response = await client.ask("x")
        await until(lambda: response.request_id in answered)
