"""One run: fresh servers, services that can be harmed, a model that can misbehave, and a client that watches."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import statistics
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaProducer
from septet_cli.stub.server import Stub, StubOptions, serve_stub
from septet_kit.messaging.admin import ensure_topics
from septet_native.addresses import Addresses
from septet_native.stack import Stack

from ..conftest import stack_settings
from .checker import Run, Violations, check
from .fleet import SERVICES, Fleet
from .traffic import Traffic, Watch, responses, watching

# Requests that want no retrieval and no cache: all hops, contracts, ledgers and commits are there, and load is
# limited by them, not by an embedding model.
BUS: Mapping[str, Any] = {"retrieval": {"mode": "off"}, "cache": {"use": "bypass"}, "policy": "bare"}
FULL: Mapping[str, Any] = {"cache": {"use": "bypass"}}
POLICIES = Path(__file__).parent / "policies"


@dataclass(frozen=True)
class Scale:
    """How much of a scenario to run: 1 is the whole of it."""

    time: float = 1.0
    count: float = 1.0

    def seconds(self, whole: float, least: float = 2.0) -> float:
        return max(least, whole * self.time)

    def times(self, whole: int, least: int = 1) -> int:
        return max(least, round(whole * self.count))


@dataclass
class Lab:
    """What a scenario works with."""

    stack: Stack
    addresses: Addresses
    fleet: Fleet
    stub: Stub
    rng: random.Random
    scale: Scale
    work: Path
    watch: Watch
    producer: AIOKafkaProducer
    environment: dict[str, dict[str, str]]
    _run: str = field(default_factory=lambda: uuid4().hex[:6])

    @property
    def kafka(self) -> dict[str, Any]:
        """Options of a Kafka client."""
        return self.addresses.connection("admin").options()

    def traffic(
        self, fields: Mapping[str, Any] = BUS, conversations: int = 20, deadline_s: float = 120.0
    ) -> Traffic:
        """A client of this run."""
        self._run = f"{self._run[:6]}{self.rng.randrange(16**4):04x}"
        return Traffic(self.producer, f"chaos-{self._run}", self.rng, conversations, fields, deadline_s)

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
        self, *traffic: Traffic, ordered: bool = True, wait_s: float = 120, settle_s: float = 3
    ) -> Verdict:
        """Wait for the responses, let duplicates a moment to show, then read the log from its first offset."""
        for each in traffic:
            await self.watch.all_of(each, wait_s)
        await asyncio.sleep(settle_s)
        ids = {s.request_id for t in traffic for s in t.sent}
        seen = [s for s in await responses(self.kafka) if s.request_id in ids]
        run = Run([s for t in traffic for s in t.sent], seen, await self._released(ids), ordered)
        return Verdict(check(run), len(run.sent), run.statuses)

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

    @property
    def answered(self) -> float:
        """Share of requests with a status other than failed and expired."""
        bad = self.statuses["failed"] + self.statuses["expired"]
        return 1 - bad / max(1, sum(self.statuses.values()))


@asynccontextmanager
async def lab(
    work: Path, seed: int, scale: Scale, *,
    faults: Mapping[str, tuple[str, ...]] | None = None, stub: StubOptions | None = None,
    env: Mapping[str, Mapping[str, str]] | None = None, services: bool = True,
) -> AsyncIterator[Lab]:  # fmt: skip
    """Servers, services, model and client, all stopped on the way out."""
    async with AsyncExitStack() as stack:
        model = Stub(stub or StubOptions())
        url = await stack.enter_async_context(serve_stub(model.options, model))
        settings = stack_settings(work / "data", llm_url=url, llm_model="stub")
        servers = await stack.enter_async_context(Stack(settings))
        addresses = await servers.start()
        await ensure_topics(addresses.connection("admin"))
        environment = {s: _environment(addresses, s, (env or {}).get(s, {})) for s in SERVICES}
        fleet = Fleet(work / "services", environment)
        stack.push_async_callback(fleet.stop)
        if services:
            await fleet.start(faults)
        kafka = addresses.connection("admin").options()
        producer = AIOKafkaProducer(**kafka, acks="all", enable_idempotence=True)
        await producer.start()
        stack.push_async_callback(producer.stop)
        watch = await stack.enter_async_context(watching(kafka))
        rng = random.Random(seed)
        yield Lab(servers, addresses, fleet, model, rng, scale, work, watch, producer, environment)


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
