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
    traffic = Traffic(since)
    lookups: dict[tuple[str, str], Missed | Outcome] = {}
    releases: dict[tuple[str, str], Release] = {}

    def keep_lookup(event: Missed | Outcome) -> None:
        if tenant in (None, event.tenant) and logged_request(event, None) is not None:
            lookups.setdefault((event.tenant, event.request_id), event)

    def keep_release(event: Release) -> None:
        if (event.tenant, event.request_id) in lookups:
            releases.setdefault((event.tenant, event.request_id), _without_texts(event))

    for name in LOOKUPS:
        await _read(kafka, name, limit, traffic, keep_lookup)
    await _read(kafka, "releases", limit, traffic, keep_release)
    found = (logged_request(event, releases.get(key)) for key, event in lookups.items())
    traffic.requests = [r for r in found if r is not None and r.at >= traffic.since]
    return traffic


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


def _without_texts(release: Release) -> Release:
    """Drop the passages, which take most of the memory of a release."""
    sources = tuple(s.model_copy(update={"passage": ""}) for s in release.sources)
    return release.model_copy(update={"sources": sources, "question_vector": None})
