"""Responses that are on the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime

from pydantic import ValidationError
from septet_contracts import Response, peek

from septet_client.errors import Unreachable
from septet_client.ports import Log, Record

logger = logging.getLogger("septet_client")


class History:
    """Searches a tenant's responses, the newest ones first.

    Args:
        log: the log.
        topic: the topic of responses.
        tenant: the tenant.
        limit_s: limit of one search, in seconds.
    """

    def __init__(self, log: Log, topic: str, tenant: str, limit_s: float) -> None:
        self._log = log
        self._topic = topic
        self._tenant = tenant
        self._limit_s = limit_s

    async def response(self, request_id: str, since: datetime | None) -> Response | None:
        """The response to a request. A `conflict` is one only if there is no other: it is for another body.

        Raises:
            Unreachable: as :meth:`find`.
        """
        conflicts: list[Response] = []

        def accept(response: Response) -> bool:
            if is_conflict(response):
                conflicts.append(response)
            return not is_conflict(response)

        found = await self.find(request_id, f"{self._tenant}:{request_id}".encode(), since, accept)
        return found or next(iter(conflicts), None)

    async def find(
        self, request_id: str, key: bytes, since: datetime | None, accept: Callable[[Response], bool]
    ) -> Response | None:
        """The newest response with a request id that ``accept`` accepts.

        Args:
            request_id: the id.
            key: key of the request's record.
            since: a time before the response; all retained responses are searched without one.
            accept: is called with each response of the id, the newest of each partition first.

        Raises:
            Unreachable: the log cannot be read, or the search takes longer than the limit.
            NotPermitted: the principal may not read the topic.
        """
        try:
            async with (
                asyncio.timeout(self._limit_s),
                aclosing(self._log.search(self._topic, key, since)) as records,
            ):
                async for record in records:
                    ids = peek(record.value)
                    if ids.request_id != request_id or ids.tenant != self._tenant:
                        continue
                    response = parse(record)
                    if response is not None and accept(response):
                        return response
        except TimeoutError:
            raise Unreachable(
                f"the search of {self._topic} takes longer than {self._limit_s:.0f} s"
            ) from None
        return None


def parse(record: Record) -> Response | None:
    """The response of a record; ``None`` if it does not satisfy its contract."""
    try:
        return Response.model_validate_json(record.value)
    except ValidationError as error:
        logger.warning("a response does not satisfy its contract: %d errors", error.error_count())
        return None


def is_conflict(response: Response) -> bool:
    """Whether a response reports that the request id was used before, with another body."""
    return response.error is not None and response.error.code == "conflict"
