"""Ports of the gateway."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from septet_contracts import Cancellation, DeleteDocument, FeedbackEvent, Request, Response, UpsertDocument

from septet_gateway.domain.keys import ApiKey
from septet_gateway.domain.quotas import Limits, Usage


class Log(Protocol):
    """The log: publishes events of clients, and finds earlier responses."""

    async def publish(self, event: Request | Cancellation | FeedbackEvent) -> None:
        """Publish to the topic of the event's tenant, and wait for the acknowledgement.

        Raises:
            Transient, Permanent: it was not acknowledged.
        """
        ...

    async def publish_document(self, event: UpsertDocument | DeleteDocument) -> datetime:
        """Publish a document event; returns the time of its record on the log.

        Raises:
            Transient, Permanent: it was not acknowledged.
        """
        ...

    async def find(self, tenant: str, request_id: str, since: datetime, digest: str) -> Response | None:
        """The response to a request that was published at ``since``; ``None`` if it is not on the log.

        Raises:
            Transient: the log cannot be read.
        """
        ...


class KeyTable(Protocol):
    """Stored API keys."""

    async def find(self, key_id: str) -> ApiKey | None:
        """The key with this id.

        Raises:
            Transient: the table cannot be read.
        """
        ...


@dataclass(frozen=True)
class Published:
    """A request that was published before."""

    digest: str
    published_at: datetime


class RequestTable(Protocol):
    """Requests by id, for repeated ones."""

    async def record(self, tenant: str, request_id: str, digest: str) -> Published | None:
        """Store a request. If its id exists, return what is stored.

        Raises:
            Transient: the table cannot be written.
        """
        ...

    async def find(self, tenant: str, request_id: str) -> Published | None:
        """The request with this id."""
        ...

    async def purge(self, after: timedelta) -> int:
        """Delete requests that are older; returns their number."""
        ...


@dataclass(frozen=True)
class UsageReport:
    """What one instance reports of a key's calls.

    Attributes:
        wanted: calls that want to begin.
        running: calls in progress, without the wanted ones.
        tokens: used since the last report.
        limits: of this key, if it has others than the table.
    """

    tenant: str
    key_id: str
    wanted: int
    running: int
    tokens: int
    limits: Limits | None = None


class UsageTable(Protocol):
    """What the keys have used, for all instances."""

    async def update(self, report: UsageReport) -> Usage:
        """Write a report, and grant as many of the wanted calls as the key's limits allow.

        Raises:
            Transient: the table cannot be written.
        """
        ...

    async def claim(self, tenant: str, request_ids: Sequence[str]) -> Set[str]:
        """Mark requests as charged; returns those that were not before.

        Raises:
            Transient: the table cannot be written.
        """
        ...

    async def purge(self, after: timedelta) -> int:
        """Delete keys without calls for this time, and marks that are older; returns the number of keys."""
        ...


class Backlog(Protocol):
    """Records that the first stage of requests has not finished."""

    async def read(self) -> int:
        """Their number.

        Raises:
            Transient: it is unknown.
        """
        ...


@dataclass(frozen=True)
class Embedded:
    """Answer of the embeddings endpoint: its JSON, and the tokens that it reports."""

    body: bytes
    tokens: int


class Embeddings(Protocol):
    """The embeddings endpoint."""

    @property
    def model(self) -> str:
        """The model's name."""
        ...

    async def create(self, body: dict[str, Any], shown_as: str) -> Embedded:
        """Embed texts; returns the endpoint's answer, with the model's name ``shown_as``.

        Raises:
            ApiError: the endpoint refuses the body, or does not answer.
        """
        ...
