"""Delivery of a step's records: it ends when all of them are on the log."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from septet_kit.errors import Permanent
from septet_kit.messaging.publisher import Publisher
from septet_kit.observe.logs import get_logger
from septet_kit.record import Record

log = get_logger()

_RETRY_S = 1.0


class Delivery:
    """Publishes a step's records until the broker has them: a record is done when its effects are on the log."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def deliver(self, records: Sequence[Record]) -> None:
        """Publish records in order, without a limit of time.

        A send that timed out may have been written. It is repeated under the same event id. A record of an outbox
        is not repeated once the producer has had it, because the outbox looks on the log before it sends again. Its
        settlement is awaited, too: the key's next record must not overtake it.

        Raises:
            Permanent: a record is larger than its topic takes.
            ProducerFailed: the producer cannot send any more.
        """
        with self._publisher.waiting():
            await self._publish(records)
        for record in records:
            if record.claim is not None:
                await record.claim.settled()

    async def _publish(self, records: Sequence[Record]) -> None:
        while left := await self._publisher.attempt(records):
            for each in left:
                if isinstance(each.error, Permanent):
                    raise each.error
            log.warning("publish failed, trying again", error=left[0].error.message)
            records = [each.record for each in left if each.record.claim is None or not each.queued]
            if not records:
                return
            await asyncio.sleep(_RETRY_S)
