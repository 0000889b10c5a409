"""The handlers of eval on a registry, and the records that they are given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Self

from septet_contracts import Cancellation, Outcome, Request, Response, encode, event_id, request_digest
from septet_eval.adapters.postgres import PostgresRequestRegistry
from septet_eval.application.evaluator import Evaluator
from septet_eval.domain.admission import Floors
from septet_eval.domain.case import Vector
from septet_eval.domain.caster import VERSIONS
from septet_eval.domain.scorers import SCORERS
from septet_eval.handlers import CancellationsHandler, OutcomesHandler, RequestsHandler
from septet_kit import Emit
from septet_kit.record import Record
from septet_kit.store.pool import StorePool
from septet_kit.store.tenancy import ALL_TENANTS
from septet_kit.tenants import SHARED_ONLY
from septet_kit.testing import context, flow

TOPICS = ("responses", "responses.v1", "releases")
QUARTER = timedelta(milliseconds=250)


class NoVectors:
    """An embeddings endpoint that is down."""

    async def embed(self, text: str, model: str, within: float) -> Vector | None:
        return None


class Log:
    """A broker that keeps the records that were sent."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    async def publish(self, *emits: Emit) -> None:
        self.records += [emit.to_record(SHARED_ONLY) for emit in emits]


class Handlers(NamedTuple):
    """The handlers of eval on one registry."""

    requests: RequestsHandler
    outcomes: OutcomesHandler
    cancellations: CancellationsHandler

    @classmethod
    def on(cls, pool: StorePool, versions: Sequence[int] = VERSIONS) -> Self:
        registry = PostgresRequestRegistry(pool, versions)
        evaluator = Evaluator(tuple(SCORERS.values()), NoVectors(), 0.15)
        outcomes = OutcomesHandler(registry, evaluator, Floors({"groundedness": 0.5}))
        return cls(RequestsHandler(registry), outcomes, CancellationsHandler(registry))


def request(request_id: str, question: str = "What is a deque?", **fields: Any) -> Request:
    return Request(request_id=request_id, question=question, **fields)


def outcome_of(asked: Request, item: str = "", **fields: Any) -> Outcome:
    name = event_id(asked.tenant, asked.request_id, Outcome.STEP, item)
    fields = {"deadline": asked.deadline, "conversation_id": asked.conversation_id, **fields}
    given = {k: v for k, v in fields.items() if v is not None}
    return flow(
        Outcome,
        request_id=asked.request_id,
        event_id=name,
        request_digest=request_digest(encode(asked)),
        **given,
    )


async def register(handlers: Handlers, asked: Request) -> list[Response]:
    return responses(await handlers.requests(asked, context("requests", value=encode(asked))))


async def release(handlers: Handlers, outcome: Outcome) -> list[Response]:
    return responses(await handlers.outcomes(outcome, context("outcomes", outcome, deadline=None)))


async def cancel(handlers: Handlers, request_id: str, tenant: str = "default") -> list[Response]:
    event = Cancellation(request_id=request_id, tenant=tenant)
    return responses(await handlers.cancellations(event, context("cancellations", deadline=None)))


def responses(emits: Any) -> list[Response]:
    """The responses in the newest version, of which each has one in version 1."""
    assert all(isinstance(e, Emit) and e.topic in TOPICS for e in emits)
    made = [e.event for e in emits if e.topic == "responses"]
    assert len([e for e in emits if e.topic == "responses.v1"]) == len(made)
    return made


async def overdue(handlers: Handlers, pool: StorePool, count: int = 1) -> list[Request]:
    asked = [request(f"late-{i}", deadline=datetime.now(UTC) - timedelta(seconds=5)) for i in range(count)]
    for a in asked:
        await register(handlers, a)
    await pool.execute(
        "UPDATE requests SET expires_at = clock_timestamp() - interval '1 ms'", tenant=ALL_TENANTS
    )
    return asked
