"""Reads the cache's traffic from the log: lookups, and the releases of their answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from septet_cache.domain.traffic import LoggedRequest, logged_request
from septet_contracts import ContractError, Missed, Outcome, Release, decode, topic
from septet_kit.messaging.connection import Kafka

from septet_cli.window import read_window
from septet_cli.wire import Record

T = TypeVar("T", Missed | Outcome, Release)
LOOKUPS = ("missed", "outcomes")


@dataclass
class Traffic:
    """Requests that reached the cache.

    Attributes:
        since: start of the time that was read; later than asked for if the limit was reached.
        is_cut: whether the limit was reached.
        unreadable: number of records that do not satisfy their contract.
    """

    since: datetime
    requests: list[LoggedRequest] = field(default_factory=list)
    is_cut: bool = False
    unreadable: int = 0


async def read_traffic(kafka: Kafka, since: datetime, limit: int, tenant: str | None = None) -> Traffic:
    """Read lookups and releases since a time, of one tenant or of all.

    The events of the cache have the questions after the input rails, with personal data masked.

    Args:
        kafka: connection to Kafka.
        since: start of the time.
        limit: number of records to read of each topic; the newest ones.
        tenant: only requests of this tenant.

    Raises:
        Unreachable: Kafka does not answer.
    """
    traffic, joined = Traffic(since), JoinedRequests(tenant)
    for name in LOOKUPS:
        await _read(kafka, name, limit, traffic, joined.add_lookup)
    await _read(kafka, "releases", limit, traffic, joined.add_release)
    traffic.requests = [r for r in joined.requests.values() if r.at >= traffic.since]
    return traffic


class JoinedRequests:
    """Lookups joined with their releases, by tenant and request id; the first event of each kind counts.

    It keeps no events: the passages of a hit and of a release take most of their memory.
    """

    def __init__(self, tenant: str | None) -> None:
        self._tenant = tenant
        self.requests: dict[tuple[str, str], LoggedRequest] = {}

    def add_lookup(self, event: Missed | Outcome) -> None:
        """Add a request, unless another stage made the outcome or it is of another tenant."""
        if self._tenant in (None, event.tenant) and (request := logged_request(event, None)) is not None:
            self.requests.setdefault((event.tenant, event.request_id), request)

    def add_release(self, event: Release) -> None:
        """Join a release with its lookup, if the lookup was read."""
        request = self.requests.get((event.tenant, event.request_id))
        if request is not None and request.released_at is None:
            self.requests[event.tenant, event.request_id] = request.with_release(event)


async def _read(kafka: Kafka, name: str, limit: int, traffic: Traffic, keep: Callable[[T], None]) -> None:
    of = topic(name)

    def receive(record: Record) -> None:
        try:
            keep(decode(of, record.value))
        except ContractError:
            traffic.unreadable += 1

    since = await read_window(kafka, of.name, traffic.since, limit, receive)
    if since is not None:
        traffic.since, traffic.is_cut = max(traffic.since, since), True
