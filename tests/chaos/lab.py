"""One run: fresh servers, services that can be harmed, a model that can misbehave, and a client that watches."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import statistics
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from septet_cli.stub.server import Stub, StubOptions, serve_stub
from septet_contracts import HTTP_SERVICES
from septet_kit.messaging.admin import ensure_topics
from septet_native.stack.addresses import Addresses
from septet_native.stack.stack import Stack
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from ..conftest import stack_settings
from .brokers import NODES, ClusterStack
from .checker import Run, Seen, Violations, check
from .doors import Doors, open_doors
from .fleet import SERVICES, Fleet
from .traffic import (
    LABELS,
    RELEASES,
    RESPONSES,
    RESPONSES_V1,
    Traffic,
    Watch,
    event_ids,
    read_whole,
    to_seen,
    watching,
)

# Requests that want no retrieval and no cache: all hops, contracts, ledgers and commits are there, and load is
# limited by them, not by an embedding model.
BUS: Mapping[str, Any] = {"retrieval": {"mode": "off"}, "cache": {"use": "bypass"}, "policy": "bare"}
FULL: Mapping[str, Any] = {"cache": {"use": "bypass"}}
POLICIES = Path(__file__).parent / "policies"

_TABLES = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
WHERE schemaname = ANY($1) AND tablename <> 'alembic_version' ORDER BY 1
"""
_DIGEST = "SELECT count(*), md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '')) FROM {} t"


@dataclass(frozen=True)
class Scale:
    """How much of a scenario to run: 1 is the whole of it."""

    time: float = 1.0
    count: float = 1.0

    @property
    def brief(self) -> bool:
        """Whether it is the small part, for which a machine has half a minute."""
        return self.time <= 0.1

    def seconds(self, whole: float, least: float = 2.0) -> float:
        return max(least, whole * self.time)

    def times(self, whole: int, least: int = 1) -> int:
        return max(least, round(whole * self.count))


class WatchedStub(Stub):
    """A model that knows how many calls wait for it."""

    def __init__(self, options: StubOptions) -> None:
        super().__init__(options)
        self.waiting = 0

    async def complete(self, request: Request) -> Response:
        self.waiting += 1
        try:
            return await super().complete(request)
        except ClientDisconnect:
            # Whoever asked was killed before it had sent the whole question.
            return Response(status_code=499)
        finally:
            self.waiting -= 1


@dataclass
class Lab:
    """What a scenario works with.

    Attributes:
        doors: the proxies between each service and its servers, where the run asked for them.
    """

    stack: Stack
    addresses: Addresses
    fleet: Fleet
    stub: WatchedStub
    rng: random.Random
    scale: Scale
    work: Path
    watch: Watch
    producer: AIOKafkaProducer
    environment: dict[str, dict[str, str]]
    doors: Doors | None = None
    _run: str = field(default_factory=lambda: uuid4().hex[:6])

    @property
    def kafka(self) -> dict[str, Any]:
        """Options of a Kafka client."""
        return self.addresses.connection("admin").options()

    def traffic(
        self,
        fields: Mapping[str, Any] = BUS,
        conversations: int = 20,
        deadline_s: float = 120.0,
        first: int = 0,
    ) -> Traffic:
        """A client of this run."""
        self._run = f"{self._run[:6]}{self.rng.randrange(16**4):04x}"
        return Traffic(
            self.producer, f"chaos-{self._run}", self.rng, conversations, fields, deadline_s, first=first
        )

    def behave(self, **options: Any) -> None:
        """Change how the model behaves from now on; see :class:`StubOptions`."""
        self.stub.options = replace(self.stub.options, **options)

    def server_pid(self, name: str) -> int:
        """The pid of a server of the stack.

        Raises:
            ProcessLookupError: it does not run.
        """
        pid = next(p.pid for p in self.stack.status() if p.name == name)
        if pid is None:
            raise ProcessLookupError(name)
        return pid

    def signal_server(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a server of the stack.

        Raises:
            ProcessLookupError: it does not run.
        """
        os.kill(self.server_pid(name), number)

    async def verdict(
        self,
        *traffic: Traffic,
        ordered: bool = True,
        deadlines_apart: bool = False,
        wait_s: float = 120,
        settle_s: float = 3,
    ) -> Verdict:
        """Wait for the responses, let duplicates a moment to show, then read the log from its first offset."""
        for each in traffic:
            await self.watch.all_of(each.sent, wait_s)
        await asyncio.sleep(settle_s)
        ids = {s.request_id for t in traffic for s in t.sent}
        records = await self.records(RESPONSES, ids)
        beside = [r for name in (RESPONSES_V1, RELEASES, LABELS) for r in await self.records(name, ids)]
        events = event_ids([*records, *beside])
        sent = [s for t in traffic for s in t.sent]
        seen = [to_seen(r) for r in records]
        run = Run(sent, seen, await self._released(ids), ordered, deadlines_apart, events=events)
        return Verdict(check(run), len(sent), run.statuses, tuple(seen))

    async def records(self, name: str, request_ids: Collection[str]) -> list[Any]:
        """The records of a topic that are about these requests."""
        found = await self.whole(name)
        return [r for r in found if json.loads(r.value).get("request_id") in request_ids]

    async def whole(self, name: str) -> list[Any]:
        """Every record of a topic."""
        return await read_whole(self.kafka, name)

    async def lag(self) -> int:
        """Records that services have not committed yet, over all their groups."""
        admin = AIOKafkaAdminClient(**self.kafka)
        consumer = AIOKafkaConsumer(enable_auto_commit=False, **self.kafka)
        await admin.start()
        await consumer.start()
        try:
            committed = [await admin.list_consumer_group_offsets(f"septet.{s}") for s in SERVICES]
            ends = await consumer.end_offsets({tp for group in committed for tp in group})
            return sum(max(0, ends[tp] - at.offset) for group in committed for tp, at in group.items())
        finally:
            await consumer.stop()
            await admin.close()

    async def drained(self, timeout_s: float = 120) -> float:
        """Seconds until every service has committed all that is on the log.

        Raises:
            TimeoutError: they have not.
        """
        loop = asyncio.get_running_loop()
        begin = loop.time()
        async with asyncio.timeout(timeout_s):
            while await self.lag():  # noqa: ASYNC110 - a question to the broker
                await asyncio.sleep(0.5)
        return loop.time() - begin

    async def tables(self) -> dict[str, tuple[int, str]]:
        """Row count and digest of every table of every service."""
        connection = await asyncpg.connect(self.addresses.postgres_dsn)
        try:
            found = {}
            for (name,) in await connection.fetch(_TABLES, list(SERVICES)):
                ((count, digest),) = await connection.fetch(_DIGEST.format(name))
                found[name] = (count, digest)
            return found
        finally:
            await connection.close()

    async def _released(self, ids: set[str]) -> dict[str, str]:
        connection = await asyncpg.connect(self.addresses.postgres_dsn)
        try:
            rows = await connection.fetch(
                "SELECT request_id, status FROM eval.requests WHERE state = 'released' AND request_id = ANY($1)",
                list(ids),
            )
        finally:
            await connection.close()
        return {r["request_id"]: r["status"] for r in rows}


@dataclass(frozen=True)
class Verdict:
    """What the checker says, and how the requests ended."""

    violations: Violations
    sent: int
    statuses: Counter[str]
    seen: tuple[Seen, ...] = ()

    @property
    def codes(self) -> Counter[str]:
        """How often each error code was given."""
        return Counter(s.code for s in self.seen if s.code)

    @property
    def answered(self) -> float:
        """Share of requests with a status other than failed and expired."""
        bad = self.statuses["failed"] + self.statuses["expired"]
        return 1 - bad / max(1, sum(self.statuses.values()))


@asynccontextmanager
async def lab(
    work: Path,
    seed: int,
    scale: Scale,
    *,
    faults: Mapping[str, tuple[str, ...]] | None = None,
    stub: StubOptions | None = None,
    env: Mapping[str, Mapping[str, str]] | None = None,
    services: bool = True,
    servers: Mapping[str, object] | None = None,
    doors: bool = False,
    cluster: bool = False,
) -> AsyncIterator[Lab]:
    """Servers, services, model and client, all stopped on the way out.

    Args:
        faults: arguments of the saboteur, by service.
        stub: how the model behaves at first.
        env: further variables by service.
        services: start them, or leave it to the scenario.
        servers: further settings of the stack.
        doors: put a proxy between each service and each of its servers.
        cluster: three brokers in place of one.
    """
    rng = random.Random(seed)
    async with AsyncExitStack() as stack:
        model = WatchedStub(stub or StubOptions())
        url = await stack.enter_async_context(serve_stub(model.options, model))
        opened = await stack.enter_async_context(open_doors(rng)) if doors else None
        settings = stack_settings(work / "data", llm_url=url, llm_model="stub", **(servers or {}))
        of_servers = opened.stack(settings) if opened else (ClusterStack if cluster else Stack)(settings)
        running = await stack.enter_async_context(of_servers)
        addresses = await running.start()
        await ensure_topics(addresses.connection("admin"), replication=NODES if cluster else 1)
        environment = {
            s: _environment(addresses, s, (env or {}).get(s, {})) for s in (*SERVICES, *HTTP_SERVICES)
        }
        if opened is not None:
            opened.lead_to(addresses, environment)
        fleet = Fleet(work / "services", environment)
        stack.push_async_callback(fleet.stop)
        if services:
            await fleet.start(faults)
        kafka = addresses.connection("admin").options()
        producer = AIOKafkaProducer(**kafka, acks="all", enable_idempotence=True)
        await producer.start()
        stack.push_async_callback(producer.stop)
        watch = await stack.enter_async_context(watching(kafka))
        yield Lab(running, addresses, fleet, model, rng, scale, work, watch, producer, environment, opened)


def _environment(addresses: Addresses, service: str, extra: Mapping[str, str]) -> dict[str, str]:
    common = {
        "SEPTET_GUARDRAILS_POLICIES_DIR": str(POLICIES),
        "OMP_WAIT_POLICY": "passive",
        "PYTHONUNBUFFERED": "1",
    }
    return {**addresses.environment(service), **common, **extra}


def percentiles(values: Sequence[float]) -> tuple[float, float]:
    """Median and 99th percentile; 0 of nothing."""
    if len(values) < 2:
        return (values[0], values[0]) if values else (0.0, 0.0)
    return statistics.median(values), statistics.quantiles(values, n=100)[98]
