"""The ports of the gateway in memory."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from septet_contracts import (
    Cancellation,
    DeleteDocument,
    DocumentChanged,
    Request,
    Response,
    encode,
    event_id,
    request_digest,
)
from septet_gateway.api.routes import Parts, create_app
from septet_gateway.application.asking import Asker
from septet_gateway.application.authentication import Authenticator
from septet_gateway.application.backpressure import Backpressure
from septet_gateway.application.cancelling import Canceller
from septet_gateway.application.indexing import Changes, Indexer
from septet_gateway.application.quotas import Quotas
from septet_gateway.application.waiting import Waiting
from septet_gateway.domain.identity import is_response_to
from septet_gateway.domain.keys import ApiKey, digest_of, new_key
from septet_gateway.domain.quotas import Limits, Usage
from septet_gateway.ports import Embedded, Published, UsageReport
from septet_gateway.settings import GatewaySettings
from starlette.applications import Starlette

from tests.support.responses import respond

SECRET = b"s" * 32
Answer = Callable[[Request], "Response | None"]
KEYS: dict[str, str] = {}
STORED: dict[str, ApiKey] = {}


def _add(label: str, tenant: str = "acme", scopes: tuple[str, ...] = ("ask",), **fields: Any) -> None:
    key_id, KEYS[label] = new_key()
    digest = digest_of(KEYS[label], SECRET)
    STORED[label] = ApiKey(key_id, tenant, label, digest, scopes, datetime.now(UTC), **fields)


_add("ask")
_add("feedback", scopes=("feedback",))
_add("documents", scopes=("documents",))
_add("operate", scopes=("operate",))
_add("admin", scopes=("admin",))
_add("globex", tenant="globex")
_add("one_stream", streams=1)
_add("expired", expires_at=datetime.now(UTC) - timedelta(seconds=1))
_add("revoked", revoked_at=datetime.now(UTC))


def changed(event: Any, at: datetime, **fields: Any) -> DocumentChanged:
    """The change that a document event leads to."""
    digest = hashlib.sha256(event.document_id.encode()).hexdigest()[:32]
    deleted = isinstance(event, DeleteDocument)
    made: dict[str, Any] = {
        "request_id": digest,
        "tenant": event.tenant,
        "document_id": event.document_id,
        "event_id": event_id(event.tenant, digest, DocumentChanged.STEP, "1"),
        "occurred_at": at,
        "change": "deleted" if deleted else "created",
        "content_hash": None if deleted else "h",
        "passages": 0 if deleted else 2,
        "embedded": 0 if deleted else 2,
    }
    return DocumentChanged(**(made | fields))


@dataclass
class MemoryLog:
    """A log whose requests are answered at once by ``answer``; ``None`` leaves a request without a response."""

    waiting: Waiting
    answer: Answer = respond
    delay: float = 0.0
    index: Callable[[Any, datetime], DocumentChanged | None] = lambda event, at: changed(event, at)
    changes: Changes = field(default_factory=lambda: Changes(100))
    published: list[Any] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)

    async def publish(self, event: Any) -> None:
        self.published.append(event)
        if isinstance(event, Request):
            asyncio.get_running_loop().call_later(self.delay, self._respond, event)

    async def publish_document(self, event: Any) -> datetime:
        self.published.append(event)
        at = datetime.now(UTC)
        if (change := self.index(event, at)) is not None:
            # As on the log, the change may arrive before the acknowledgement.
            self.changes.deliver(change)
        await asyncio.sleep(0)
        return at

    def _respond(self, request: Request) -> None:
        response = self.answer(request)
        if response is not None:
            self.responses.append(response)
            self.waiting.deliver(response)

    async def find(self, tenant: str, request_id: str, since: datetime, digest: str) -> Response | None:
        for r in self.responses:
            if (r.tenant, r.request_id) == (tenant, request_id) and is_response_to(r, digest):
                return r
        return None


@dataclass
class MemoryKeys:
    """Keys by id; counts look-ups."""

    keys: dict[str, ApiKey]
    lookups: int = 0

    async def find(self, key_id: str) -> ApiKey | None:
        self.lookups += 1
        return self.keys.get(key_id)


@dataclass
class MemoryRequests:
    """Published requests by tenant and id."""

    rows: dict[tuple[str, str], Published] = field(default_factory=dict)

    async def record(self, tenant: str, request_id: str, digest: str) -> Published | None:
        if (tenant, request_id) in self.rows:
            return self.rows[tenant, request_id]
        self.rows[tenant, request_id] = Published(digest, datetime.now(UTC))
        return None

    async def find(self, tenant: str, request_id: str) -> Published | None:
        return self.rows.get((tenant, request_id))

    async def purge(self, after: timedelta) -> int:
        return 0


@dataclass
class UsageRow:
    """What one key has used."""

    at: datetime
    requests: float = 0.0
    tokens: float = 0.0
    running: dict[int, tuple[int, datetime]] = field(default_factory=dict)


class MemoryUsage:
    """The table of usage for one instance; instances share ``rows`` and ``charged``. ``error`` is raised if it is set."""

    def __init__(
        self,
        limits: Limits,
        lease: timedelta,
        rows: dict[tuple[str, str], UsageRow],
        charged: set[tuple[str, str]] | None = None,
    ) -> None:
        self._limits = limits
        self._lease = lease
        self.rows = rows
        self.charged = set() if charged is None else charged
        self.reports: list[UsageReport] = []
        self.error: Exception | None = None

    async def update(self, report: UsageReport, at: datetime | None = None) -> Usage:
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        self.reports.append(report)
        at = at or datetime.now(UTC)
        row = self.rows.setdefault((report.tenant, report.key_id), UsageRow(at))
        minutes = max(0.0, (at - row.at).total_seconds() / 60)
        row.at = max(at, row.at)
        limits = report.limits or self._limits
        row.requests = _fallen(row.requests, minutes, limits.requests)
        row.tokens = _fallen(row.tokens, minutes, limits.tokens) + report.tokens
        row.running = {k: v for k, v in row.running.items() if k != id(self) and v[1] > row.at}
        free = [report.wanted]
        if limits.requests is not None:
            free.append(math.floor(limits.requests - row.requests + 1e-6))
        if limits.tokens is not None and row.tokens + 1 > limits.tokens + 1e-6:
            free.append(0)
        if limits.concurrent is not None:
            others = sum(count for count, _ in row.running.values())
            free.append(limits.concurrent - report.running - others)
        granted = max(0, min(free))
        row.requests += granted
        if report.running + granted:
            row.running[id(self)] = report.running + granted, row.at + self._lease
        return Usage(granted, row.requests, row.tokens)

    async def claim(self, tenant: str, request_ids: Sequence[str]) -> Set[str]:
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        new = {each for each in request_ids if (tenant, each) not in self.charged}
        self.charged |= {(tenant, each) for each in new}
        return new

    async def purge(self, after: timedelta) -> int:
        return 0


def _fallen(used: float, minutes: float, limit: int | None) -> float:
    return 0.0 if limit is None else max(0.0, used - minutes * limit)


class MemoryEmbeddings:
    """An embeddings endpoint that records what it is sent."""

    model = "all-MiniLM-L6-v2"

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []

    async def create(self, body: dict[str, Any], shown_as: str) -> Embedded:
        self.bodies.append(body)
        data = [{"object": "embedding", "index": 0, "embedding": [0.5, -0.25]}]
        usage = {"prompt_tokens": 3, "total_tokens": 3}
        answer = {"object": "list", "data": data, "model": shown_as, "usage": usage}
        return Embedded(json.dumps(answer).encode(), usage["total_tokens"])


class World:
    """One gateway's parts; :meth:`app` may be called again, as after a restart."""

    def __init__(self) -> None:
        self.waiting = Waiting(100)
        self.log = MemoryLog(self.waiting)
        self.keys = MemoryKeys({k.key_id: k for k in STORED.values()})
        self.requests = MemoryRequests()
        self.embeddings = MemoryEmbeddings()
        self.usage: dict[tuple[str, str], UsageRow] = {}
        self.charged: set[tuple[str, str]] = set()
        self.pressure = Backpressure(1000)

    def app(self, **settings: Any) -> Starlette:
        """The application; ``settings`` replace the defaults."""
        return create_app(self.parts(**settings))

    def parts(self, **settings: Any) -> Parts:
        """The parts of an application."""
        chosen = GatewaySettings(**{"models": {"septet": "default", "gpt-4o-mini": "fast"}, **settings})
        self.waiting = self.log.waiting = Waiting(chosen.max_waiting, chosen.max_waiting_per_tenant)
        self.log.changes = Changes(chosen.max_waiting, chosen.max_waiting_per_tenant)
        self.pressure = Backpressure(chosen.max_backlog)
        usage = MemoryUsage(chosen.limits, chosen.key_lease, self.usage, self.charged)
        self.canceller = Canceller(self.log, self.requests, self.waiting, chosen.cancel_grace)
        return Parts(
            chosen,
            Authenticator(self.keys, SECRET, chosen.key_cache),
            Quotas(usage, chosen.limits, chosen.key_lease),
            Asker(self.log, self.requests, self.waiting, self.pressure, chosen.response_margin),
            Indexer(self.log, self.log.changes),
            self.log,
            self.embeddings,
            self.canceller,
        )

    @contextmanager
    def full(self) -> Iterator[None]:
        """A request that waits and takes the only place."""
        loop = asyncio.new_event_loop()

        async def wait() -> None:
            self._held = self.waiting.expect("acme", "another", "")
            self._held.__enter__()

        loop.run_until_complete(wait())
        yield
        self._held.__exit__(None, None, None)
        loop.close()

    @property
    def cancelled(self) -> list[Cancellation]:
        """The cancellations on the log."""
        return [e for e in self.log.published if isinstance(e, Cancellation)]

    @property
    def asked(self) -> list[Request]:
        """The requests on the log."""
        return [e for e in self.log.published if isinstance(e, Request)]


def digest(request: Request) -> str:
    """Digest of a request's body, as eval computes it."""
    return request_digest(encode(request))
