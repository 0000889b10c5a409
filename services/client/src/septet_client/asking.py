"""Publishing a request, and waiting for the one response to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from septet_contracts import DEFAULT_DEADLINE, Response
from septet_contracts.identity import is_response_to

from septet_client.errors import Conflict, NoResponse, NotPermitted, Unreachable
from septet_client.history import History, is_conflict
from septet_client.options import Prepared
from septet_client.ports import Log
from septet_client.waiting import Stage, Waiter, Waiting


class Asker:
    """Publishes requests, and returns one response for each.

    Args:
        log: the log.
        topic: the topic of requests.
        history: earlier responses.
        waiting: gets the responses that arrive.
        margin_s: how long to wait after a request's deadline, in seconds.
        repeat_within: how far back an id of the caller is looked up before its request is published.
        max_waiting: requests that wait at the same time.
    """

    def __init__(
        self,
        log: Log,
        topic: str,
        history: History,
        waiting: Waiting,
        *,
        margin_s: float,
        repeat_within: timedelta,
        max_waiting: int,
    ) -> None:
        self._log = log
        self._topic = topic
        self._history = history
        self._waiting = waiting
        self._margin_s = margin_s
        self._repeat_within = repeat_within
        self._max_waiting = max_waiting
        self._places = asyncio.Semaphore(max_waiting)

    async def ask(self, prepared: Prepared, on_text: Callable[[bytes], None] | None = None) -> Response:
        """The response to a request.

        Args:
            prepared: the request.
            on_text: gets the records of checked text that precede the response.

        Raises:
            Conflict: the answer under this id is to another question, or to the same one with other options.
            NoResponse: no response arrived until the deadline and the margin.
            Unreachable, NotPermitted, InvalidInput: as :meth:`septet_client.ports.Log.publish`.
        """
        patience = self._patience(prepared)
        with self._waiting.expect(prepared, on_text) as waiter:
            try:
                async with asyncio.timeout(patience), self._places:
                    return await self._response_to(prepared, waiter)
            except TimeoutError:
                stage = waiter.stage
        return await self._old_response(prepared, patience, stage)

    async def _response_to(self, prepared: Prepared, waiter: Waiter) -> Response:
        """The response on the log, or else the one that follows the publication.

        Another call may have published the same question with the other `stream`. The response to this body is a conflict
        then, and the response to the other one is that of the question.
        """
        if not prepared.repeatable:
            return await self._published(prepared, waiter)
        waiter.stage = "search"
        other = prepared.other()
        found = await self._earlier(prepared, other, datetime.now(UTC) - self._repeat_within)
        response = found.get(prepared.digest) or await self._published(prepared, waiter)
        if is_conflict(response):
            response = found.get(other.digest) or await self._published(other, waiter)
        return _answer(response, prepared)

    async def _published(self, prepared: Prepared, waiter: Waiter) -> Response:
        """The response to a body, which is published unless the answer has arrived already."""
        waiter.wait_for(prepared.digest)
        if not waiter.answered:
            waiter.stage = "published"
            await self._log.publish(self._topic, prepared.key, prepared.value)
        return await waiter.response()

    async def _old_response(self, prepared: Prepared, patience: float, stage: Stage) -> Response:
        """The response that is older than ``repeat_within``: no second one arrives for a repeated request.

        Raises:
            NoResponse: there is none, or it cannot be searched.
        """
        cause: Exception | None = None
        if prepared.repeatable:
            try:
                found = await self._earlier(prepared, prepared.other(), None)
            except (Unreachable, NotPermitted) as error:
                cause = error
            else:
                # With one conflict alone, the other body may still be answered.
                if len(found) == 2:
                    return _answer(found[prepared.digest], prepared)
        reasons = {
            "place": f"all {self._max_waiting} places of `max_waiting` are taken",
            "search": "the search for an earlier response has not ended",
        }
        why = reasons.get(stage) or self._log.failure or (str(cause) if cause else None)
        raise NoResponse(
            prepared.request.request_id, patience, why, published=stage == "published"
        ) from cause

    async def _earlier(
        self, prepared: Prepared, other: Prepared, since: datetime | None
    ) -> dict[str, Response]:
        """The responses on the log to two bodies, by digest. Without an answer, these are the conflicts."""
        conflicts: dict[str, Response] = {}

        def accept(response: Response) -> bool:
            if not is_conflict(response):
                return True
            for digest in (prepared.digest, other.digest):
                if is_response_to(response, digest):
                    conflicts[digest] = response
            return False

        found = await self._history.find(prepared.request.request_id, prepared.key, since, accept)
        return conflicts if found is None else dict.fromkeys((prepared.digest, other.digest), found)

    def _patience(self, prepared: Prepared) -> float:
        """Seconds until the response must have come."""
        now = datetime.now(UTC)
        left = (prepared.request.deadline or now + DEFAULT_DEADLINE) - now
        return max(0.0, left.total_seconds()) + self._margin_s


def _answer(response: Response, prepared: Prepared) -> Response:
    """The response, if it answers this request.

    Raises:
        Conflict: it answers another one under the same id.
    """
    if not is_conflict(response) and not prepared.is_answered_by(response):
        raise Conflict(response)
    return response
