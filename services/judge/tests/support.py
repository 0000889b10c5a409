"""Responses, and a judge's endpoint in memory, for the tests of judge."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from septet_contracts import Response, Source, event_id
from septet_experiments.judges import ChatCall, Reply, Usage
from septet_judge.domain.budget import Reservation, Spend

GROUNDED = '{"claims": [{"claim": "a deque is a queue", "supported": true}]}'
RATED = '{"reason": "answers the question", "score": 4}'


def response(request_id: str = "r-1", **fields: Any) -> Response:
    tenant = fields.pop("tenant", "default")
    base: dict[str, Any] = {
        "status": "answered",
        "question": "What is a deque?",
        "answer": "A double-ended queue [1].",
        "answer_kind": "generated",
        "model": "small",
        "policy": "default",
        "sources": (
            Source(number=1, passage_id="p", document_id="d", passage="A deque is a queue with two ends."),
        ),
    }
    return Response(
        request_id=request_id,
        tenant=tenant,
        event_id=event_id(tenant, request_id, Response.STEP),
        occurred_at=datetime.now(UTC),
        **(base | fields),
    )


class FakeEndpoint:
    """Answers each prompt in its format, or raises ``error``."""

    def __init__(self) -> None:
        self.calls: list[ChatCall] = []
        self.error: Exception | None = None
        self.texts = {"groundedness": GROUNDED, "rubric_reason": RATED}

    async def reply(self, call: ChatCall) -> Reply:
        self.calls.append(call)
        if self.error is not None:
            raise self.error
        usage = Usage(calls=1, prompt_tokens=100, completion_tokens=20, cost_usd=0.001)
        return Reply(text=self.texts[call.prompt.split(".")[0]], usage=usage)


class MemoryBudget:
    """A budget in memory."""

    def __init__(self, limits: Spend) -> None:
        self.limits = limits
        self.spent = Spend()

    async def reserve(self, spend: Spend) -> Reservation | None:
        new = _plus(self.spent, spend)
        if (
            new.calls > self.limits.calls
            or new.tokens > self.limits.tokens
            or new.micro_usd > self.limits.micro_usd
        ):
            return None
        self.spent = new
        return Reservation(date(2026, 1, 1), spend)

    async def settle(self, reservation: Reservation, actual: Spend) -> None:
        held = reservation.spend
        self.spent = _plus(self.spent, Spend(-held.calls, -held.tokens, -held.micro_usd))
        self.spent = _plus(self.spent, actual)


class MemoryLedger:
    """Results by key."""

    def __init__(self) -> None:
        self.results: dict[str, bytes] = {}

    async def run(
        self, key: str, work: Callable[[], Awaitable[bytes]], lease: timedelta, *, tenant: str
    ) -> tuple[bytes, bool]:
        replayed = key in self.results
        if not replayed:
            self.results[key] = await work()
        return self.results[key], replayed


def _plus(one: Spend, other: Spend) -> Spend:
    return Spend(one.calls + other.calls, one.tokens + other.tokens, one.micro_usd + other.micro_usd)
