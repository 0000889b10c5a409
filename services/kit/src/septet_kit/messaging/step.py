"""Handles one record of a stage: run the handler, publish its events, or report the failure."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from opentelemetry.trace import Span
from septet_contracts import Envelope, Partial
from structlog.contextvars import bound_contextvars

from septet_kit.context import Context
from septet_kit.errors import DeadlineExceeded, Permanent, SeptetError, TooLate, Transient
from septet_kit.events import Emit, failed
from septet_kit.messaging.dead_letter import dead_record
from septet_kit.messaging.delivery import Delivery
from septet_kit.messaging.job import QUARANTINED, Job
from septet_kit.messaging.publisher import Publisher
from septet_kit.messaging.retry import with_retry
from septet_kit.observe import metrics, semconv
from septet_kit.observe.logs import get_logger
from septet_kit.observe.tracing import mark_failed, parent_of, process_span
from septet_kit.observe.traffic import traffic_of
from septet_kit.record import Record, headers_of
from septet_kit.spec import REQUEST_SCOPED, ServiceSpec
from septet_kit.tenants import Tenants

log = get_logger()


class StepRunner:
    """Runs jobs to a durable end: when :meth:`run` returns, the record's offset may be committed."""

    def __init__(
        self, spec: ServiceSpec, publisher: Publisher, tenants: Tenants, note_outage: Callable[[str], None]
    ) -> None:
        self._spec = spec
        self._delivery = Delivery(publisher)
        self._tenants = tenants
        self._note_outage = note_outage
        self._produces = frozenset(spec.produces)

    async def run(self, job: Job) -> None:
        """Handle one job. Only cancellation ends it early; nothing is published twice on purpose.

        Raises:
            ProducerFailed: nothing can be published any more.
        """
        refused = self._refusal(job) if job.stage.on_malformed == "ignore" else None
        # The other service handles a record that ended this process without ending itself, so it does not answer.
        if refused is not None and refused.code != QUARANTINED:
            metrics.ignored.labels(job.stage.topic, refused.code).inc()
            return
        ctx = _context(job)
        record, event = job.record, job.event
        request_id = getattr(event, "request_id", None)
        tenant = getattr(event, "tenant", None)
        derive = request_id if job.stage.topic in ("requests", "cancellations") else None
        parent = parent_of(ctx.headers, tenant, derive)
        metrics.queue_seconds.labels(job.stage.topic).observe(ctx.queue_ms / 1000)
        with (
            bound_contextvars(tenant=tenant, request_id=request_id, topic=job.stage.topic),
            process_span(record, parent, self._spec.name, ctx.queue_ms) as span,
            traffic_of(event) as sample,
        ):
            if request_id is not None:
                span.set_attribute(semconv.SEPTET_REQUEST_ID, request_id)
                span.set_attribute(semconv.SEPTET_TENANT, tenant)
            if sample is not None:
                span.set_attribute(semconv.SEPTET_EVALUATION_RUN, sample.run)
            records, result = await self._outcome(job, ctx, span)
            try:
                await self._delivery.deliver(records)
            except Permanent as error:
                mark_failed(span, error.code, error.message)
                records, result = self._failure(job, ctx, error, dead=True, tries=1), "failed"
                await self._delivery.deliver(records)
        metrics.handled.labels(job.stage.topic, result).inc()
        metrics.step_seconds.labels(job.stage.topic).observe(time.monotonic() - ctx.started)

    def _refusal(self, job: Job) -> Permanent | None:
        """Why the record is refused before any handler sees it, or ``None``."""
        try:
            self._admit(job)
        except Permanent as error:
            return error
        return None

    def _admit(self, job: Job) -> None:
        if (e := job.error) is not None:
            raise Permanent(e.code, str(e), field=e.field, fix=e.fix)
        if not isinstance(job.event, Envelope):
            self._tenants.require(getattr(job.event, "tenant", "default"))

    async def _outcome(self, job: Job, ctx: Context, span: Span) -> tuple[list[Record], str]:
        """The records to publish for a job, and its result."""
        tries = 1
        try:
            self._admit(job)
            emits, tries = await with_retry(
                lambda: job.stage.handle(job.event, ctx), ctx, job.stage.attempts, self._note_outage
            )
            return self._records(emits), "ok"
        except TooLate as error:
            mark_failed(span, error.code, error.message)
            return [], "late"
        except DeadlineExceeded as error:
            mark_failed(span, error.code, error.message)
            return self._failure(job, ctx, error, dead=False, tries=tries), "deadline"
        except SeptetError as error:
            tries = (job.stage.attempts or 1) if isinstance(error, Transient) else 1
            mark_failed(span, error.code, error.message)
            log.warning("dead letter", code=error.code, reason=error.message)
            return self._failure(job, ctx, error, dead=True, tries=tries), "failed"
        except Exception as error:
            log.exception("handler failed")
            bug = Permanent("internal_error", f"{type(error).__name__} in {self._spec.name}")
            mark_failed(span, bug.code, bug.message)
            return self._failure(job, ctx, bug, dead=True, tries=tries), "failed"

    def _records(self, emits: Sequence[Emit]) -> list[Record]:
        for emit in emits:
            if emit.topic not in self._produces:
                raise Permanent(
                    "undeclared_topic", f"{self._spec.name} does not declare that it produces {emit.topic!r}"
                )
        return [e.to_record(self._tenants) for e in emits]

    def _failure(self, job: Job, ctx: Context, error: SeptetError, *, dead: bool, tries: int) -> list[Record]:
        """The failed outcome first: it must not wait for the dead letter, or fail with it."""
        records = []
        if job.stage.topic in REQUEST_SCOPED:
            outcome = failed(job.event, ctx, error, self._spec.name)
            if outcome is not None:
                records.append(Emit("outcomes", outcome).to_record(self._tenants))
        if dead:
            metrics.dead_letters.labels(job.stage.topic, error.code).inc()
            topic = self._tenants.dead_letters(self._spec.name)
            records.append(dead_record(topic, job.record, error, self._spec.name, tries))
        return records


def _context(job: Job) -> Context:
    record, now = job.record, time.time()
    # Topics stamp records with the broker's time; on other topics a client may set any number.
    timestamp = datetime.fromtimestamp(min(max(record.timestamp / 1000, 0.0), now), UTC)
    started = time.monotonic()
    event = job.event
    deadline = None if isinstance(event, Partial) else getattr(event, "deadline", None)
    limited = job.stage.attempts is not None
    return Context(
        topic=job.stage.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        timestamp=timestamp,
        value=record.value or b"",
        headers=headers_of(record.headers),
        deadline=deadline if limited and job.stage.topic != "requests" else None,
        queue_ms=max(0.0, (now - timestamp.timestamp()) * 1000),
        started=started,
        expires=started + job.stage.budget.total_seconds() if limited else None,
    )
