"""At-least-once delivery to a handler.

FastStream's policies alone do not give it. The default ``ACK_FIRST`` loses the record of a handler that fails, and so does
``ACK``. ``NACK_ON_ERROR`` reads it again at once, which repeats a failing handler hundreds of times a second. This
middleware goes with ``NACK_ON_ERROR``: it waits before each repetition, and skips records that break their contract.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from faststream import BaseMiddleware, StreamMessage
from faststream.exceptions import HandlerException, RejectMessage
from pydantic import BaseModel, ValidationError

logger = logging.getLogger("septet_client")


class BrokenContract(Exception):
    """A record does not satisfy the contract of its topic: no repetition helps."""


class Decoder:
    """Decodes a record to the event of its topic."""

    def __init__(self, contract: type[BaseModel]) -> None:
        self._contract = contract

    async def __call__(self, message: StreamMessage[Any]) -> BaseModel:
        """The event.

        Raises:
            BrokenContract: the record does not satisfy the contract.
        """
        try:
            return self._contract.model_validate_json(message.body)
        except ValidationError as error:
            raise BrokenContract(f"{self._contract.__name__}: {error.error_count()} errors") from error


@dataclass
class AtLeastOnce:
    """Middleware: a failing record is repeated after a pause, which doubles up to a limit.

    The record blocks its partition until the handler succeeds, or raises ``faststream.exceptions.RejectMessage`` to skip it.

    Attributes:
        first_pause_s: pause before the first repetition.
        longest_pause_s: limit of the pause. The broker takes a consumer for dead after 5 minutes without a poll.
    """

    first_pause_s: float = 1.0
    longest_pause_s: float = 30.0
    _failures: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)

    def __call__(self, record: Any, /, *, context: Any) -> _Repetition:
        """The middleware of one record."""
        return _Repetition(record, context=context, policy=self)

    def pause(self, record: Any) -> float:
        """Seconds to wait after another failure of a record."""
        place = record.topic, record.partition
        offset, times = self._failures.get(place, (-1, 0))
        times = times + 1 if offset == record.offset else 1
        self._failures[place] = record.offset, times
        # The exponent is bounded, because a float is.
        return min(self.longest_pause_s, self.first_pause_s * 2.0 ** min(times - 1, 60))


class _Repetition(BaseMiddleware):
    def __init__(self, record: Any, /, *, context: Any, policy: AtLeastOnce) -> None:
        super().__init__(record, context=context)
        self._policy = policy

    async def after_processed(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: TracebackType | None = None,
    ) -> bool | None:
        """Wait after a failure. A record that breaks its contract is skipped."""
        if self.msg is None or not isinstance(exc_val, Exception) or isinstance(exc_val, HandlerException):
            return False
        if isinstance(exc_val, BrokenContract):
            logger.error("%s %d: offset %d is skipped: %s", *_place(self.msg), exc_val)
            raise RejectMessage from exc_val
        await asyncio.sleep(self._policy.pause(self.msg))
        return False


def _place(record: Any) -> tuple[str, int, int]:
    return record.topic, record.partition, record.offset
