"""One batch of a sweep: rows whose claim has lapsed, which may or may not have been sent."""

from __future__ import annotations

from collections.abc import Sequence

from septet_kit.errors import Permanent
from septet_kit.observe import metrics
from septet_kit.observe.logs import get_logger
from septet_kit.record import Record
from septet_kit.store.ports import Log

log = get_logger()


async def send_in_order(to: Log, records: Sequence[Record]) -> None:
    """Send records in order. One that no topic takes is reported, and does not hold up the others.

    Raises:
        Transient: the broker has not acknowledged a record.
    """
    while records:
        left = await to.attempt(records)
        refused = next((each for each in left if isinstance(each.error, Permanent)), None)
        if refused is None:
            for each in left:
                raise each.error
            return
        metrics.swept.labels("refused").inc()
        log.error("outbox row refused", topic=refused.record.topic, reason=refused.error.message)
        records = [each.record for each in left if each is not refused and not each.queued]


def report(*, found: int, sent: int, left: int) -> None:
    """Count and log what came of a batch; ``left`` rows wait for their next sweep."""
    metrics.swept.labels("found").inc(found)
    metrics.swept.labels("sent").inc(sent)
    log.info("outbox swept", found=found, sent=sent, left=left)
