"""Reads logged requests: their responses, and the events that the first affected stage received."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from septet_contracts import ContractError, Request, Response, decode, topic
from septet_contracts.flow import Flow
from septet_kit.events import MAX_DEADLINE
from septet_kit.messaging.connection import Kafka
from septet_kit.tenants import Tenants

from septet_cli.replay.selection import Selection
from septet_cli.window import read_window
from septet_cli.wire import Record

T = TypeVar("T")
Key = tuple[str, str]
"""Tenant and request id."""
READ_LIMIT = 100_000
"""Records of a topic that are read; the newest ones."""


@dataclass(frozen=True)
class LoggedRequest:
    """A request that can be replayed.

    Attributes:
        response: what the client received.
        event: what the first affected stage received.
    """

    response: Response
    event: Flow | Request


@dataclass
class Logged:
    """Requests of the log.

    Attributes:
        since: start of the time that was read; later than asked for if a limit was reached.
        matching: number of responses that satisfy the conditions.
        ended_before: those that ended before the first affected stage, or whose event is no longer on the log.
        requests: the others, the newest first.
        unreadable: records that do not satisfy their contract.
    """

    since: datetime
    matching: int = 0
    ended_before: int = 0
    requests: list[LoggedRequest] = field(default_factory=list)
    unreadable: int = 0


async def read_logged(
    kafka: Kafka, tenants: Tenants, name: str, since: datetime, selection: Selection
) -> Logged:
    """Read requests that satisfy the conditions.

    Args:
        kafka: connection to Kafka.
        tenants: the tenants and their live topics.
        name: short name of the topic of the stage's input.
        since: start of the time, by the response's record.
        selection: conditions.

    Raises:
        Unreachable: Kafka does not answer.
    """
    logged = Logged(since)
    join = Join(selection)
    await _read(kafka, tenants, "responses", since, logged, join.add_response)
    if join.responses:
        # An event precedes its response by the request's deadline at most.
        await _read(kafka, tenants, name, since - MAX_DEADLINE, logged, join.add_event)
    logged.matching = len(join.responses)
    logged.requests = join.requests()
    logged.ended_before = logged.matching - len(logged.requests)
    return logged


class Join:
    """Responses joined with events, by tenant and request id; the first of each counts."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._events: dict[Key, Flow | Request] = {}
        self.responses: dict[Key, Response] = {}

    def add_response(self, response: Response) -> None:
        """Add a response, unless it does not satisfy the conditions or answers another body under the same id."""
        is_conflict = response.error is not None and response.error.code == "conflict"
        if not is_conflict and self._selection.matches(response):
            self.responses.setdefault((response.tenant, response.request_id), response)

    def add_event(self, event: Flow | Request) -> None:
        """Add an event, unless its response was not added. Requests of evaluation runs are no traffic."""
        key = (event.tenant, event.request_id)
        ask = event if isinstance(event, Request) else event.ask
        if key not in self.responses:
            return
        if ask.evaluation is not None:
            del self.responses[key]
        else:
            self._events.setdefault(key, event)

    def requests(self) -> list[LoggedRequest]:
        """The pairs, the newest response first."""
        pairs = [LoggedRequest(self.responses[key], event) for key, event in self._events.items()]
        return sorted(pairs, key=lambda pair: pair.response.occurred_at, reverse=True)


async def _read(
    kafka: Kafka,
    tenants: Tenants,
    name: str,
    since: datetime,
    logged: Logged,
    keep: Callable[[Any], None],
) -> None:
    of = topic(name)

    def receive(record: Record) -> None:
        try:
            event, refused = tenants.identify(decode(of, record.value), record.topic)
        except ContractError:
            logged.unreadable += 1
        else:
            if refused is None:
                keep(event)

    for full in tenants.addresses([name]):
        cut = await read_window(kafka, full, since, READ_LIMIT, receive)
        if cut is not None:
            logged.since = max(logged.since, cut)
