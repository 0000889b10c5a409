"""The client: asks, and waits for the one response to each request."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self, Unpack

from septet_contracts import FeedbackEvent, Response, peek, tenancy, topic

from septet_client.adapters.kafka import KafkaLog
from septet_client.asking import Asker
from septet_client.calls import Calls
from septet_client.connection import Compression, Connection, as_connection
from septet_client.documents import Documents
from septet_client.errors import (
    Blocked,
    Conflict,
    Expired,
    Failed,
    NotAnswered,
    NotPermitted,
    Unreachable,
)
from septet_client.feedback import FeedbackOptions, feedback_body
from septet_client.history import History, is_conflict, parse
from septet_client.options import AskOptions, encode_body, prepare, validate
from septet_client.ports import Log, Record
from septet_client.streaming import RELEASED_TOKENS, ReleasedText, remainder
from septet_client.waiting import Waiting

logger = logging.getLogger("septet_client")

ANSWERED = frozenset({"answered", "abstained"})
BLOCKED = frozenset({"blocked", "refused"})


class Septet:
    """A client of one tenant. Open it with ``async with``; any number of calls may run on it at the same time.

    It reads the responses topic from the end, with one consumer and without a group, and skips the responses of others.

    Args:
        kafka: connection to Kafka, or the address of a broker without users; by default the environment's
            (:meth:`Connection.from_environment`).
        tenant: tenant of requests, documents and feedback.
        own_topics: whether the tenant has topics of its own.
        margin: how long to wait after a request's deadline for the response that reports it.
        repeat_within: how far back a request id that you choose is looked up before its request is published.
        search_limit: limit of one search for an earlier response.
        max_waiting: requests that wait for their response at the same time; further calls wait for a place.
        compression: codec of published records. All codecs are read.
        log: replaces Kafka, for tests.
    """

    def __init__(
        self,
        kafka: Connection | str | None = None,
        *,
        tenant: str = "default",
        own_topics: bool = False,
        margin: timedelta = timedelta(seconds=5),
        repeat_within: timedelta = timedelta(hours=1),
        search_limit: timedelta = timedelta(seconds=15),
        max_waiting: int = 1000,
        compression: Compression | None = None,
        log: Log | None = None,
    ) -> None:
        self.tenant = tenant
        self._own = frozenset({tenant}) if own_topics else frozenset[str]()
        self._log: Log = KafkaLog(as_connection(kafka), compression=compression) if log is None else log
        self._waiting = Waiting(tenant)
        self._responses = self._address("responses")
        self._history = History(self._log, self._responses, tenant, search_limit.total_seconds())
        self._asker = Asker(
            self._log,
            self._address("requests"),
            self._history,
            self._waiting,
            margin_s=margin.total_seconds(),
            repeat_within=repeat_within,
            max_waiting=max_waiting,
        )
        self._calls = Calls()
        self._follows_text: bool | None = None
        self._following_text = asyncio.Lock()
        self.documents = Documents(self._log, self._calls, tenant, self._address("documents"))

    async def __aenter__(self) -> Self:
        """Connect. The positions on the responses topic are known from here on.

        Raises:
            Unreachable, NotPermitted: Kafka does not answer, a topic does not exist, or the principal may not read it.
        """
        try:
            await self._log.start()
            await self._log.follow([self._responses], self._receive)
        except BaseException:
            await self._log.close()
            raise
        self._follows_text = None
        self.documents.reset()
        self._calls.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End each call in progress with `Closed`, and disconnect."""
        try:
            await self._calls.close()
        finally:
            await self._log.close()

    async def ask(
        self, question: str | None = None, *, raise_blocked: bool = False, **options: Unpack[AskOptions]
    ) -> Response:
        """The response to a question: its status is `answered`, `abstained`, `blocked` or `refused`.

        Args:
            question: the question; ``messages`` may stand in its place.
            raise_blocked: raise :class:`Blocked` instead of returning a `blocked` or `refused` response.
            options: see :class:`AskOptions`.

        Raises:
            InvalidInput: the request breaks its contract; nothing was published.
            Failed, Expired, Conflict: the response has no answer.
            NoResponse: no response arrived until the deadline and ``margin``.
            Unreachable: the request was not acknowledged, and may be on the log nevertheless. Ask again with the same
                ``request_id``.
            Closed: the client is not open, or closes before the response arrives. The request may be on the log.
        """
        prepared = prepare(self.tenant, question, options)
        async with self._calls.running():
            return judged(await self._asker.ask(prepared), raise_blocked=raise_blocked)

    async def stream(
        self, question: str | None = None, *, raise_blocked: bool = True, **options: Unpack[AskOptions]
    ) -> AsyncIterator[str]:
        """Yield the checked text of the answer. Joined, it is the response's ``answer``.

        Args:
            question: as for :meth:`ask`.
            raise_blocked: raise :class:`Blocked` at the end for a `blocked` or `refused` response.
            options: see :class:`AskOptions`.

        Raises:
            StreamWithdrawn: the response does not continue the text that was yielded.
            InvalidInput, Blocked, Failed, Expired, Conflict, NoResponse, Unreachable, Closed: as :meth:`ask`.
        """
        async with self._calls.running():
            follows = await self._follow_text()
        prepared = prepare(self.tenant, question, options, stream=follows)
        text, arrived = ReleasedText(prepared.digest), asyncio.Event()

        def receive(value: bytes) -> None:
            text.add(value)
            arrived.set()

        async def ask() -> Response:
            async with self._calls.running():
                return await self._asker.ask(prepared, receive)

        asking = asyncio.create_task(ask())
        asking.add_done_callback(lambda _: arrived.set())
        try:
            while not asking.done():
                await arrived.wait()
                arrived.clear()
                if part := text.take():
                    yield part
            response = judged(await asking, raise_blocked=raise_blocked)
            if part := remainder(text.taken, response):
                yield part
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    async def response(self, request_id: str, *, since: datetime | None = None) -> Response | None:
        """The response to a request that was asked before; ``None`` if it is not on the log.

        Args:
            request_id: the request.
            since: a time before the request. Without one, all retained responses are searched.

        Raises:
            Unreachable: the log cannot be read, or the search takes longer than ``search_limit``.
        """
        async with self._calls.running():
            return await self._history.response(request_id, since)

    async def feedback(self, response: Response | str, **options: Unpack[FeedbackOptions]) -> FeedbackEvent:
        """Publish feedback on a response (or request id), and return the published event.

        Args:
            response: the response, or its request id.
            options: see :class:`FeedbackOptions`. Exactly one kind is needed.

        Raises:
            InvalidInput: it breaks the contract; nothing was published.
            Unreachable: it was not acknowledged. Send it again with the same ``feedback_id``.
        """
        request_id = response if isinstance(response, str) else response.request_id
        value = encode_body(feedback_body(self.tenant, request_id, options))
        event: FeedbackEvent = validate("feedback", value)
        key = f"{self.tenant}:{request_id}".encode()
        async with self._calls.running():
            await self._log.publish(self._address("feedback"), key, value)
        return event

    async def _follow_text(self) -> bool:
        """Follow the checked text from the first stream on. Without the topic or the permission, the response has all of it."""
        async with self._following_text:
            if self._follows_text is None and RELEASED_TOKENS is not None:
                try:
                    await self._log.follow([self._address(RELEASED_TOKENS)], self._receive)
                    self._follows_text = True
                except (NotPermitted, Unreachable) as error:
                    logger.warning("answers are streamed as a whole: %s", error)
                    self._follows_text = False
        return self._follows_text is True

    def _receive(self, record: Record) -> None:
        if not self._waiting:
            return
        ids = peek(record.value)
        if ids.request_id is None or not self._waiting.is_expected(ids.tenant, ids.request_id):
            return
        if record.topic != self._responses:
            self._waiting.deliver_text(ids.request_id, record.value)
        elif (response := parse(record)) is not None:
            self._waiting.deliver(response)

    def _address(self, name: str) -> str:
        return tenancy.address(topic(name).name, self.tenant, self._own)


def judged(response: Response, *, raise_blocked: bool) -> Response:
    """The response, if its status is one that a caller can show.

    Raises:
        Blocked, Failed, Expired, Conflict: it is not.
    """
    if response.status in ANSWERED or (response.status in BLOCKED and not raise_blocked):
        return response
    raise _error_of(response)


def _error_of(response: Response) -> NotAnswered:
    if response.status in BLOCKED:
        return Blocked(response)
    if response.status == "expired":
        return Expired(response)
    if is_conflict(response):
        return Conflict(response)
    return Failed(response)
