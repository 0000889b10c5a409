"""``septet cache`` on a real Kafka; the tests stand in for the services."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from septet_cache.application.advice import advise
from septet_cache.domain.findings import Rules
from septet_cli import wire
from septet_cli.caching.questions import Run, WarmRequest, read_lines
from septet_cli.caching.traffic import read_traffic
from septet_cli.caching.warm import Pace, WarmReport, warm
from septet_cli.client import REQUESTS
from septet_cli.tail import tail
from septet_contracts import Ask, CacheInfo, Missed, Outcome, Release, encode, topic
from septet_kit.tenants import SHARED_ONLY
from septet_kit.testing import flow

MISSED, OUTCOMES, RELEASES = (topic(name).name for name in ("missed", "outcomes", "releases"))


def release(request_id: str, question: str, tenant: str, **fields: Any) -> Release:
    base: dict[str, Any] = {
        "request_id": request_id,
        "tenant": tenant,
        "event_id": uuid4(),
        "response_event_id": uuid4(),
        "occurred_at": datetime.now(UTC),
        "status": "answered",
        "question": question,
        "answer_kind": "generated",
    }
    return Release.model_validate({**base, **fields})


class Eval:
    """Releases a response to each request, unless its question is ``silence``; records what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.arrived = asyncio.Event()
        self.open = self.most_open = 0

    @asynccontextmanager
    async def serving(self, kafka: str) -> AsyncIterator[None]:
        tasks: set[asyncio.Task[None]] = set()
        async with wire.open_producer(kafka) as producer:

            def receive(record: wire.Record) -> None:
                tasks.add(asyncio.create_task(self._release(producer, json.loads(record.value or b"{}"))))

            async with tail(kafka, [REQUESTS], receive):
                yield
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _release(self, producer: Any, request: dict[str, Any]) -> None:
        question = request["question"]
        self.asked.append(question)
        self.arrived.set()
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        await asyncio.sleep(0.05)
        self.open -= 1
        status = {"stored": "hit_exact"}.get(question, "miss")
        outcome = "failed" if question == "fails twice" and self.asked.count(question) < 3 else "answered"
        if question != "silence":
            event = release(
                request["request_id"],
                question,
                request["tenant"],
                status=outcome,
                cache=CacheInfo(status=status),
                admission_reason="groundedness 0.41 is below 0.60",
            )
            await producer.send_and_wait(RELEASES, encode(event))


def asked(*questions: str, tenant: str = "default") -> list[WarmRequest]:
    run = Run.of(datetime.now(UTC), uuid4().hex, False, tenant=tenant)
    found = list(read_lines("faq", [q.encode() for q in questions], run))
    return [item for item in found if isinstance(item, WarmRequest)]


async def warmed(kafka: str, requests: list[WarmRequest], patience: float = 20) -> WarmReport:
    report = WarmReport()
    since = datetime.now(UTC) - timedelta(minutes=5)
    await warm(kafka, requests, since, Pace(2, patience), SHARED_ONLY, report, lambda: None)
    return report


async def test_each_question_is_published_once_and_its_result_is_counted(kafka: str) -> None:
    service, requests = Eval(), asked("stored", "refused", "a", "b", "c")
    async with service.serving(kafka):
        first = await warmed(kafka, requests)
        again = await warmed(kafka, requests)
    assert sorted(service.asked) == ["a", "b", "c", "refused", "stored"]
    assert service.most_open == 2
    for report, repeated in ((first, 0), (again, 5)):
        assert (report.served, report.admitted, report.repeated) == (1, 0, repeated)
        assert {r.reason for r in report.refused} == {"groundedness 0.41 is below 0.60"}


async def test_a_failed_request_is_published_again_by_the_next_run(kafka: str) -> None:
    service, requests = Eval(), asked("fails twice")
    async with service.serving(kafka):
        reports = [await warmed(kafka, requests) for _ in range(4)]
    assert service.asked == ["fails twice"] * 3
    found = [(r.refused[0].status, r.refused[0].request_id, r.repeated) for r in reports]
    name = requests[0].request_id
    assert found == [
        ("failed", name, 0),
        ("failed", f"{name}.1", 0),
        ("answered", f"{name}.2", 0),
        ("answered", f"{name}.2", 1),
    ]


async def test_a_question_without_a_response_is_counted(kafka: str) -> None:
    async with Eval().serving(kafka):
        report = await warmed(kafka, asked("silence", "a"), patience=1)
    assert [r.question for r in report.unanswered] == ["silence"]
    assert report.done == 2


async def test_an_interrupted_run_publishes_no_more_and_can_be_continued(kafka: str) -> None:
    service, requests = Eval(), asked("stored", "silence", "silence too", "b")
    requests[2] = asked("silence")[0]
    report = WarmReport()
    since = datetime.now(UTC) - timedelta(minutes=5)
    async with service.serving(kafka):
        run = asyncio.create_task(
            warm(kafka, requests, since, Pace(2, 60), SHARED_ONLY, report, lambda: None)
        )
        async with asyncio.timeout(20):
            while service.asked.count("silence") < 2:
                service.arrived.clear()
                await service.arrived.wait()
        run.cancel()
        with suppress(asyncio.CancelledError):
            await run
        assert (report.done, report.served, "b" in service.asked) == (1, 1, False)
        rest = await warmed(kafka, requests, patience=1)
    assert (rest.served, rest.repeated, rest.done) == (1, 1, 4)
    assert service.asked.count("stored") == 1


@pytest.fixture
async def tenant(kafka: str) -> str:
    """A tenant with two questions of three requests: a miss that is admitted, a hit, and an abstained answer."""
    name = f"t-{uuid4().hex[:8]}"
    now = datetime.now(UTC)
    common: dict[str, Any] = {"tenant": name, "accepted_at": now}
    miss = flow(Missed, request_id="r-1", ask=Ask(question="What is a deque?"), **common)
    hit = flow(
        Outcome,
        request_id="r-2",
        ask=Ask(question="what is a deque"),
        origin="cache",
        answer_kind="cached",
        cache=CacheInfo(status="hit_exact"),
        **common,
    )
    other = flow(Missed, request_id="r-3", ask=Ask(question="What is a heap?"), **common)
    late = flow(Outcome, request_id="r-3", origin="retrieval", cache=CacheInfo(status="miss"), **common)
    events = [
        (MISSED, encode(miss)),
        (OUTCOMES, encode(hit)),
        (MISSED, encode(other)),
        (OUTCOMES, encode(late)),
        (
            RELEASES,
            encode(release("r-3", "What is a heap?", name, admission_reason="the status is abstained")),
        ),
        (MISSED, b"no event"),
    ]
    async with wire.open_producer(kafka) as producer:
        for topic_name, value in events:
            await producer.send_and_wait(topic_name, value, key=name.encode())
    return name


async def test_lookups_are_joined_to_their_releases(kafka: str, tenant: str) -> None:
    traffic = await read_traffic(kafka, datetime.now(UTC) - timedelta(minutes=5), 5000, tenant)
    found = {r.request_id: (r.ask.query, r.cache.status, r.refused) for r in traffic.requests}
    assert found == {
        "r-1": ("What is a deque?", "miss", None),
        "r-2": ("what is a deque", "hit_exact", None),
        "r-3": ("What is a heap?", "miss", "the status is abstained"),
    }
    assert (traffic.is_cut, traffic.unreadable >= 1) == (False, True)
    advice = advise(traffic.requests, Rules())
    assert (advice.requests, advice.served, advice.repeats) == (3, {"hit_exact": 1}, {"exact": 1})


async def test_older_records_and_those_over_the_limit_are_left_out(kafka: str, tenant: str) -> None:
    later = await read_traffic(kafka, datetime.now(UTC) + timedelta(minutes=5), 5000, tenant)
    assert later.requests == []
    since = datetime.now(UTC) - timedelta(minutes=5)
    cut = await read_traffic(kafka, since, 1, tenant)
    assert cut.is_cut
    assert cut.since > since
    assert "r-1" not in {r.request_id for r in cut.requests}
