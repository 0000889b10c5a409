"""Dead letters: the record untouched, and headers that say where, who, why and how often."""

from __future__ import annotations

from datetime import UTC, datetime

from aiokafka.structs import ConsumerRecord
from septet_contracts import dead_letter_topic

from septet_kit.errors import SeptetError
from septet_kit.messaging.publisher import Record, headers_of

PREFIX = "septet-dead-"


def dead_record(record: ConsumerRecord, error: SeptetError, service: str, attempts: int) -> Record:
    """The dead-letter record of ``record``: same key, value and headers, plus ``septet-dead-*`` headers.

    Added: topic, partition, offset, timestamp (of the record, ms), service, code, reason, field, fix,
    attempts (tries in this life), redrives (earlier lives), at (ISO 8601).
    """
    redrives = headers_of(record.headers).get("septet-redrives", b"0")
    facts = {
        "topic": record.topic, "partition": record.partition, "offset": record.offset,
        "timestamp": record.timestamp, "service": service, "code": error.code, "reason": error.message[:2000],
        "field": error.field, "fix": error.fix, "attempts": attempts, "redrives": redrives.decode("ascii", "replace"),
        "at": datetime.now(UTC).isoformat(),
    }  # fmt: skip
    added = tuple((PREFIX + name, str(value).encode()) for name, value in facts.items() if value is not None)
    kept = tuple((k, v) for k, v in record.headers or () if not k.startswith(PREFIX))
    return Record(dead_letter_topic(service), record.key, record.value, kept + added)
