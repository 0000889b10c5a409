"""Claims: which process may send an outbox row."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

from opentelemetry.context import Context

from septet_kit.record import ClaimLost

# A process hands a row to its producer within the claim less the margin. A process that was paused in between
# therefore leaves the row to a sweeper instead of sending it a second time.
CLAIM = timedelta(seconds=10)
CLAIM_MARGIN = timedelta(seconds=3)

_BOOT = uuid.uuid4().hex[:12]
_POLL_S = 0.2


def holder(instance: str) -> str:
    """``instance/boot``. At most one process of an instance runs, so a claim of the same instance with another boot
    id belongs to a process that has ended."""
    return f"{instance}/{_BOOT}"


def earlier_lives(instance: str) -> str:
    """SQL LIKE pattern of all processes of ``instance``, the current one included."""
    escaped = instance.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"{escaped}/%"


class ClaimedRows:
    """The rows that this process holds, and those that the broker has acknowledged and that are not marked yet."""

    def __init__(self) -> None:
        self.held: dict[UUID, RowClaim] = {}
        self.sent: list[UUID] = []


class RowClaim:
    """This process's claim on one row; see :class:`septet_kit.record.Claim`.

    It is valid until a time of the event loop's clock. A renewal extends it, and a row that another process has
    taken ends it.

    Attributes:
        event_id: the row's.
        trace_context: the context in which the event was made.
        acknowledged: whether the broker has the record from this process.
    """

    def __init__(
        self,
        rows: ClaimedRows,
        event_id: UUID,
        trace_context: Context,
        valid_until: float,
        is_settled: Callable[[UUID], Awaitable[bool]],
    ) -> None:
        self._rows = rows
        self._is_settled = is_settled
        self._valid_until = valid_until
        self._scope: asyncio.Timeout | None = None
        self._queued = False
        self.event_id = event_id
        self.trace_context = trace_context
        self.acknowledged = False

    def acquire(self) -> bool:
        """Start renewing the claim. ``False``: it has lapsed, or another send of this process holds it."""
        if asyncio.get_running_loop().time() > self._valid_until:
            return False
        return self._rows.held.setdefault(self.event_id, self) is self

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Run a block while the claim is valid.

        Raises:
            ClaimLost: the claim lapsed, or was lost, before the block ended.
        """
        try:
            async with asyncio.timeout_at(self._valid_until) as self._scope:
                yield
        except TimeoutError:
            if self._scope is not None and self._scope.expired():
                raise ClaimLost from None
            raise
        finally:
            self._scope = None

    def queued(self, sent: asyncio.Future[object]) -> None:
        """Keep the claim until the producer is done with the record."""
        self._queued = True
        if sent.done():
            self._done(sent)
        else:
            sent.add_done_callback(self._done)

    def release(self) -> None:
        """Stop renewing the claim, unless the producer has the record."""
        if not self._queued and self._rows.held.get(self.event_id) is self:
            del self._rows.held[self.event_id]

    def extend(self, until: float) -> None:
        """The claim was renewed, and is valid ``until`` a time of the event loop's clock."""
        self._valid_until = until
        if self._scope is not None and not self._scope.expired():
            self._scope.reschedule(until)

    def lose(self) -> None:
        """Another process has taken the row: the record must not be handed to the producer any more."""
        self.extend(float("-inf"))

    async def settled(self) -> None:
        """Wait until the row's event is on the log, no matter which process has sent it."""
        while not self.acknowledged and not await self._is_settled(self.event_id):  # noqa: ASYNC110 - rows change elsewhere
            await asyncio.sleep(_POLL_S)

    def _done(self, sent: asyncio.Future[object]) -> None:
        self._queued = False
        self.release()
        if not sent.cancelled() and sent.exception() is None:
            self.acknowledged = True
            self._rows.sent.append(self.event_id)
