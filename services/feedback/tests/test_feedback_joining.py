"""The join of feedback and answers on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import TypeAdapter
from septet_contracts import (
    CacheInfo,
    EvaluationSample,
    FeedbackEvent,
    Label,
    Release,
    Source,
    Verdict,
    decode,
    encode,
    event_id,
    topic,
)
from septet_feedback.app import SPEC
from septet_feedback.handlers import FeedbackHandler, ReleasesHandler
from septet_feedback.housekeeping import Purger
from septet_feedback.settings import FeedbackSettings
from septet_feedback.telemetry import ignored
from septet_kit import Emit
from septet_kit.store.outbox_event import OutboxEmit
from septet_kit.store.pool import StorePool
from septet_kit.store.tenancy import ALL_TENANTS
from septet_kit.testing import context

TRACE, RESPONSE_SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{RESPONSE_SPAN}-01"
OTHER = "00-11111111111111111111111111111111-2222222222222222-01"


def thumbs(value: str = "down", **fields: Any) -> FeedbackEvent:
    base = {"kind": "thumbs", "value": value, "request_id": "r-1", "feedback_id": "f-1"}
    parsed: FeedbackEvent = TypeAdapter(FeedbackEvent).validate_python(base | fields)
    return parsed


def release(request_id: str = "r-1", tenant: str = "default") -> Release:
    return Release(
        request_id=request_id,
        tenant=tenant,
        event_id=event_id(tenant, request_id, "release"),
        response_event_id=event_id(tenant, request_id, "response"),
        occurred_at=datetime.now(UTC),
        status="answered",
        question="q",
        answer="a",
        sources=(Source(number=1, passage_id="p", document_id="d", passage="x"),),
    )


def at(name: str, traceparent: str | None = None) -> Any:
    headers = {"traceparent": traceparent.encode()} if traceparent else {}
    return context(name, headers=headers)


def labels(emits: Any) -> list[Label]:
    emits = list(emits)
    assert all(isinstance(e, Emit) and e.topic == "labels" for e in emits)
    return [e.event for e in emits]


class Handlers(NamedTuple):
    """Both handlers of feedback on one pool."""

    release: ReleasesHandler
    feedback: FeedbackHandler


@pytest.fixture
def handlers(pool: StorePool) -> Handlers:
    return Handlers(ReleasesHandler(pool), FeedbackHandler(pool))


async def test_feedback_after_its_response(handlers: Handlers) -> None:
    assert labels(await handlers.release(release(), at("releases"))) == []
    (made,) = labels(await handlers.feedback(thumbs(), at("feedback")))
    assert (made.polarity, made.question, made.document_ids) == ("negative", "q", ("d",))


async def test_feedback_before_its_response(handlers: Handlers) -> None:
    assert labels(await handlers.feedback(thumbs(), at("feedback"))) == []
    assert labels(await handlers.feedback(thumbs("up", feedback_id="f-2"), at("feedback"))) == []
    made = labels(await handlers.release(release(), at("releases")))
    assert [(m.feedback_id, m.polarity) for m in made] == [("f-1", "negative"), ("f-2", "positive")]


@pytest.mark.parametrize("early", [True, False])
async def test_a_copy_changes_nothing(handlers: Handlers, pool: StorePool, early: bool) -> None:
    steps = [
        ("feedback", thumbs()),
        ("feedback", thumbs()),
        ("release", release()),
        ("release", release()),
    ]
    if not early:
        steps.reverse()
    emitted = []
    for name, event in steps:
        emitted += labels(await getattr(handlers, name)(event, at("feedback")))
    emitted += labels(await handlers.feedback(thumbs("up"), at("feedback")))
    assert [m.feedback_id for m in emitted] == ["f-1"]
    assert await pool.fetchval("SELECT count(*) FROM outbox", tenant=ALL_TENANTS) == 1
    assert await pool.fetchval("SELECT count(*) FROM pending", tenant=ALL_TENANTS) == 0


@pytest.mark.parametrize("early", [True, False])
async def test_another_tenants_feedback_never_joins(handlers: Handlers, early: bool) -> None:
    stranger = thumbs(tenant="acme")
    if early:
        assert labels(await handlers.feedback(stranger, at("feedback"))) == []
    assert labels(await handlers.release(release(), at("releases"))) == []
    if not early:
        assert labels(await handlers.feedback(stranger, at("feedback"))) == []
    (made,) = labels(await handlers.release(release(tenant="acme"), at("releases")))
    assert made.tenant == "acme"


@pytest.mark.parametrize("early", [True, False])
async def test_feedback_on_an_evaluation_run_gets_no_label(
    handlers: Handlers, pool: StorePool, early: bool
) -> None:
    before = ignored._value.get()
    evaluated = release().model_copy(update={"evaluation": EvaluationSample(run="r", case="c")})
    steps = [("feedback", thumbs()), ("release", evaluated)]
    for name, event in steps if early else reversed(steps):
        assert labels(await getattr(handlers, name)(event, at("feedback"))) == []
    assert ignored._value.get() == before + 1
    assert await pool.fetchval("SELECT count(*) FROM pending", tenant=ALL_TENANTS) == 0


async def test_concurrent_handlers_join_every_pair_exactly_once(handlers: Handlers, pool: StorePool) -> None:
    count = 60
    work = [handlers.release(release(f"r-{n}"), at("releases")) for n in range(count)]
    work += [handlers.feedback(thumbs(request_id=f"r-{n}"), at("feedback")) for n in range(count)]
    random.Random(7).shuffle(work)
    made = [m for emits in await asyncio.gather(*work) for m in labels(emits)]
    assert sorted(m.request_id for m in made) == sorted(f"r-{n}" for n in range(count))
    assert await pool.fetchval("SELECT count(*) FROM pending", tenant=ALL_TENANTS) == 0


async def test_the_label_is_in_the_trace_of_the_response(
    handlers: Handlers, pool: StorePool, spans: InMemorySpanExporter
) -> None:
    await handlers.release(release(), at("releases", PARENT))
    with trace.get_tracer("test").start_as_current_span("process feedback") as process:
        (emit,) = await handlers.feedback(thumbs(), at("feedback", OTHER))
    (span,) = [s for s in spans.get_finished_spans() if s.name == "feedback thumbs"]
    assert span.context is not None
    assert span.parent is not None
    assert f"{span.context.trace_id:032x}" == TRACE
    assert f"{span.parent.span_id:016x}" == RESPONSE_SPAN
    assert [link.context.span_id for link in span.links] == [process.get_span_context().span_id]
    assert isinstance(emit, OutboxEmit)
    sent_under = trace.get_current_span(emit.claim.trace_context).get_span_context()
    assert sent_under.span_id == span.context.span_id
    headers = json.loads(await pool.fetchval("SELECT headers FROM outbox", tenant=ALL_TENANTS))
    assert headers["traceparent"].split("-")[1:3] == [TRACE, f"{span.context.span_id:016x}"]


async def test_early_feedback_is_in_the_trace_of_the_response(
    handlers: Handlers, spans: InMemorySpanExporter
) -> None:
    with trace.get_tracer("test").start_as_current_span("process feedback") as process:
        await handlers.feedback(thumbs(), at("feedback"))
    await handlers.release(release(), at("releases", PARENT))
    (span,) = [s for s in spans.get_finished_spans() if s.name == "feedback thumbs"]
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == TRACE
    assert [link.context.span_id for link in span.links] == [process.get_span_context().span_id]


async def test_a_score_becomes_an_evaluation_event(handlers: Handlers, spans: InMemorySpanExporter) -> None:
    await handlers.release(release(), at("releases", PARENT))
    await handlers.feedback(thumbs("up"), at("feedback"))
    (span,) = [s for s in spans.get_finished_spans() if s.name == "feedback thumbs"]
    (event,) = span.events
    assert event.name == "gen_ai.evaluation.result"
    assert dict(event.attributes or {}) == {
        "gen_ai.evaluation.name": "user.thumbs",
        "gen_ai.evaluation.score.value": 1.0,
        "gen_ai.evaluation.score.label": "up",
    }


async def test_feedback_on_a_response_without_trace_context_is_labelled(
    handlers: Handlers, spans: InMemorySpanExporter
) -> None:
    await handlers.release(release(), at("releases"))
    with trace.get_tracer("test").start_as_current_span("process feedback") as process:
        await handlers.feedback(thumbs(), at("feedback"))
    (span,) = [s for s in spans.get_finished_spans() if s.name == "feedback thumbs"]
    assert span.parent is not None
    assert span.parent.span_id == process.get_span_context().span_id
    assert not span.links


async def test_the_purge_drops_feedback_whose_answer_never_arrived(
    handlers: Handlers, pool: StorePool
) -> None:
    await handlers.feedback(thumbs(), at("feedback"))
    await Purger(pool, FeedbackSettings()).purge()
    assert await pool.fetchval("SELECT count(*) FROM pending", tenant=ALL_TENANTS) == 1
    await Purger(pool, FeedbackSettings(wait_for=timedelta(0))).purge()
    assert await pool.fetchval("SELECT count(*) FROM pending", tenant=ALL_TENANTS) == 0
    assert labels(await handlers.release(release(), at("releases"))) == []


async def test_the_purge_deletes_old_answers_only(handlers: Handlers, pool: StorePool) -> None:
    await handlers.release(release(), at("releases"))
    await Purger(pool, FeedbackSettings()).purge()
    assert await pool.fetchval("SELECT count(*) FROM shown", tenant=ALL_TENANTS) == 1
    await Purger(pool, FeedbackSettings(remember_for=timedelta(0))).purge()
    assert await pool.fetchval("SELECT count(*) FROM shown", tenant=ALL_TENANTS) == 0


def test_spec() -> None:
    assert (SPEC.name, SPEC.consumes, SPEC.produces) == ("feedback", ("releases", "feedback"), ("labels",))


async def test_feedback_on_an_unknown_status_is_joined(handlers: Handlers) -> None:
    """An unknown status or decision does not affect the join."""
    verdicts = (Verdict(rail="new", stage="output", decision="quarantine"),)
    cache = CacheInfo(status="hit_federated", entry_id="e-1")
    given = release().model_copy(update={"status": "deferred", "verdicts": verdicts, "cache": cache})
    event = decode(topic("releases"), encode(given))
    assert labels(await handlers.release(event, at("releases"))) == []
    (made,) = labels(await handlers.feedback(thumbs(), at("feedback")))
    assert (made.answer, made.cache_entry_id) == ("a", "e-1")


async def test_a_response_is_joined_once_for_several_events(handlers: Handlers, pool: StorePool) -> None:
    """Release events share the inbox key with version 1 of the response, which feedback read before."""
    await handlers.release(release(), at("releases"))
    again = release().model_copy(update={"event_id": event_id("default", "r-1", "again"), "answer": "b"})
    await handlers.release(again, at("releases"))
    assert await pool.fetchval("SELECT count(*) FROM inbox", tenant=ALL_TENANTS) == 1
    (made,) = labels(await handlers.feedback(thumbs(), at("feedback")))
    assert made.answer == "a"
