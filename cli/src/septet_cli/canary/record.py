"""The record of the canary on its compacted topic: read it, renew it, end it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from septet_contracts import Canary, ContractError, decode, encode, topic
from septet_kit.messaging.connection import Kafka

from septet_cli.wire import open_consumer, open_producer

TOPIC = topic("canaries")
LIFETIME = timedelta(seconds=45)
"""Time until a canary that nobody renews has no effect."""
RENEW_EVERY_S = 10.0


async def read_canary(kafka: Kafka) -> Canary | None:
    """The newest record; None if there is none.

    Raises:
        Unreachable: Kafka does not answer.
    """
    found: Canary | None = None
    async with open_consumer(kafka, [TOPIC.name]) as consumer:
        partitions = list(consumer.assignment())
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    try:
                        found = decode(TOPIC, record.value)
                    except ContractError:
                        continue
    return found


async def write_canary(kafka: Kafka, canary: Canary, share: float, reason: str) -> Canary:
    """Publish the canary with a share and a reason; it is valid for ``LIFETIME``. Returns the record.

    Raises:
        Unreachable: Kafka does not answer.
    """
    now = datetime.now(UTC)
    update = {"share": share, "reason": reason, "occurred_at": now, "expires_at": now + LIFETIME}
    record = canary.model_copy(update=update)
    async with open_producer(kafka) as producer:
        await producer.send_and_wait(TOPIC.name, encode(record), key=record.name.encode())
    return record


def is_active(canary: Canary | None) -> bool:
    """Whether a canary gets requests."""
    return canary is not None and canary.share > 0 and canary.expires_at > datetime.now(UTC)
