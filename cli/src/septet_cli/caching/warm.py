"""Publishes requests in advance and waits until the cache may store their answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from septet_cache.domain.admission import refusal
from septet_contracts import ContractError, Release, decode, topic
from septet_kit.messaging.connection import Kafka
from septet_kit.tenants import Tenants

from septet_cli import wire
from septet_cli.caching.questions import WarmRequest
from septet_cli.client import record_key
from septet_cli.errors import Unreachable
from septet_cli.history import find_responses
from septet_cli.window import records_until, seek_to_time

RELEASES = topic("releases")
EXPLAINED = 10
RETRIED = ("failed", "expired", "cancelled")
"""Statuses of requests that the next run publishes again, under a new id."""
MAX_ATTEMPTS = 10


@dataclass(frozen=True)
class NotAdmitted:
    """A request whose answer is not stored, and the reason."""

    where: str
    question: str
    request_id: str
    tenant: str
    status: str
    reason: str


@dataclass
class WarmReport:
    """Result of a run.

    Attributes:
        served: number of questions whose answers were stored before.
        admitted: number of answers that the cache may store.
        repeated: number of these two that an earlier run of the same label had published.
        refused: requests whose answers are not admitted.
        unanswered: requests without a response in time.
    """

    served: int = 0
    admitted: int = 0
    repeated: int = 0
    refused: list[NotAdmitted] = field(default_factory=list)
    unanswered: list[NotAdmitted] = field(default_factory=list)

    @property
    def done(self) -> int:
        """Number of requests with a result."""
        return self.served + self.admitted + len(self.refused) + len(self.unanswered)

    def add(self, request: WarmRequest, release: Release, *, repeated: bool) -> None:
        """Count the result of a request."""
        self.repeated += repeated
        if release.cache is not None and release.cache.status.startswith("hit"):
            self.served += 1
        elif reason := refusal(release):
            self.refused.append(_not_admitted(request, reason, release.status))
        else:
            self.admitted += 1

    def give_up(self, request: WarmRequest, seconds: float) -> None:
        """Count a request without a response."""
        self.unanswered.append(_not_admitted(request, f"no response within {seconds:.0f} s", ""))


def _not_admitted(request: WarmRequest, reason: str, status: str) -> NotAdmitted:
    tenant = request.body.get("tenant", "default")
    return NotAdmitted(request.where, request.question, request.request_id, tenant, status, reason)


@dataclass(frozen=True)
class Pace:
    """How many requests are open at a time, and how many seconds to wait for each."""

    concurrency: int
    patience: float


async def warm(
    kafka: Kafka,
    requests: Sequence[WarmRequest],
    since: datetime,
    pace: Pace,
    tenants: Tenants,
    report: WarmReport,
    advance: Callable[[], None],
) -> None:
    """Publish the requests that were not answered since a time, and fill *report*.

    Raises:
        Unreachable: Kafka does not answer.
    """
    wanted = {r.request_id for r in requests}
    async with wire.open_producer(kafka) as producer, _releases(kafka, since, wanted) as releases:
        opened = asyncio.Semaphore(pace.concurrency)

        async def one(request: WarmRequest) -> None:
            async with opened:
                attempt, earlier = releases.earlier(request)
                if earlier is None:
                    await _publish(producer, tenants, attempt)
                release = earlier or await releases.wait(attempt.request_id, pace.patience)
                if release is None:
                    report.give_up(attempt, pace.patience)
                else:
                    report.add(attempt, release, repeated=earlier is not None)
                advance()

        tasks = [asyncio.create_task(one(request)) for request in requests]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def explain_failures(kafka: Kafka, report: WarmReport, tenants: Tenants) -> None:
    """Add the errors of failed requests, which only the responses have, for the first ``EXPLAINED`` of them."""
    failed = [f for f in report.refused if f.status == "failed"][:EXPLAINED]
    for item in failed:
        topic_name = tenants.address("responses", item.tenant)
        for response in await find_responses(kafka, item.request_id, topic=topic_name):
            error = response.get("error") or {}
            reason = f"{error.get('message', item.reason)}" + (
                f"; {fix}" if (fix := error.get("fix")) else ""
            )
            report.refused[report.refused.index(item)] = replace(item, reason=reason)


async def _publish(producer: AIOKafkaProducer, tenants: Tenants, request: WarmRequest) -> None:
    name = tenants.address("requests", request.body.get("tenant", "default"))
    await (await wire.send(producer, name, record_key(request.body), request.body))


class _Releases:
    """The releases of the wanted requests, from the log and as they arrive."""

    def __init__(self, wanted: set[str]) -> None:
        self._wanted = wanted
        self._futures: dict[str, asyncio.Future[Release]] = {}
        self._reader: asyncio.Task[None] | None = None

    def earlier(self, request: WarmRequest) -> tuple[WarmRequest, Release | None]:
        """The attempt of a request that stands, with its release, or the next one to publish."""
        for number in range(MAX_ATTEMPTS):
            attempt = request.attempt(number)
            future = self._future(attempt.request_id)
            if not future.done():
                return attempt, None
            if future.result().status not in RETRIED:
                break
        return attempt, future.result()

    async def wait(self, request_id: str, patience: float) -> Release | None:
        """The release of a request; None if it does not arrive in time."""
        future, reader = self._future(request_id), self._reader
        assert reader is not None
        waiting: list[asyncio.Future[Any]] = [future, reader]
        await asyncio.wait(waiting, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        if not future.done() and reader.done():
            raise Unreachable(f"Reading from Kafka failed: {reader.exception()}", "run `septet doctor`")
        return future.result() if future.done() else None

    def receive(self, record: wire.Record) -> None:
        if b'"warm-' not in (record.value or b""):
            return
        try:
            release: Release = decode(RELEASES, record.value)
        except ContractError:
            return
        if release.request_id.partition(".")[0] not in self._wanted:
            return
        future = self._future(release.request_id)
        if not future.done():
            future.set_result(release)

    def _future(self, request_id: str) -> asyncio.Future[Release]:
        return self._futures.setdefault(request_id, asyncio.get_running_loop().create_future())

    async def follow(self, consumer: AIOKafkaConsumer) -> None:
        async for record in consumer:
            self.receive(record)


@asynccontextmanager
async def _releases(kafka: Kafka, since: datetime, wanted: set[str]) -> AsyncIterator[_Releases]:
    """Read the releases since a time before entry, and follow the topic until exit."""
    async with wire.open_consumer(kafka, [RELEASES.name]) as consumer:
        releases = _Releases(wanted)
        ends = await seek_to_time(consumer, since)
        async for record in records_until(consumer, ends):
            releases.receive(record)
        releases._reader = asyncio.create_task(releases.follow(consumer))
        try:
            yield releases
        finally:
            releases._reader.cancel()
            await asyncio.gather(releases._reader, return_exceptions=True)
