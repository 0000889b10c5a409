"""Dead letters: the record untouched, and headers that say where, who, why and how often."""

from __future__ import annotations

from datetime import UTC, datetime

from aiokafka.structs import ConsumerRecord
from septet_contracts import dead_letter_topic

from septet_kit.errors import SeptetError
from septet_kit.messaging.record import Record, headers_of

PREFIX = "septet-dead-"
_MAX_KEPT = 2 * 1024 * 1024 - 65_536


def dead_record(record: ConsumerRecord, error: SeptetError, service: str, attempts: int) -> Record:
    """The dead-letter record of ``record``: same key, value and headers, plus ``septet-dead-*`` headers.

    Added: topic, partition, offset, timestamp (of the record, ms), service, code, reason, field, fix,
    attempts (tries in this life), redrives (earlier lives), at (ISO 8601). What no topic takes (a body that
    was compressed on its way in may be larger than any) is left where it came from: ``omitted`` gives its size.
    """
    kept = tuple((k, v) for k, v in record.headers or () if v is not None and not k.startswith(PREFIX))
    size = len(record.value or b"") + sum(len(k) + len(v) for k, v in kept)
    omitted = size if size > _MAX_KEPT else None
    redrives = headers_of(record.headers).get("septet-redrives", b"0")
    facts = {
        "topic": record.topic, "partition": record.partition, "offset": record.offset,
        "timestamp": record.timestamp, "service": service, "code": error.code, "reason": error.message[:2000],
        "field": error.field, "fix": error.fix, "attempts": attempts, "redrives": redrives.decode("ascii", "replace"),
        "omitted": omitted, "at": datetime.now(UTC).isoformat(),
    }  # fmt: skip
    added = tuple((PREFIX + name, str(value).encode()) for name, value in facts.items() if value is not None)
    value = record.value if omitted is None else None
    # A record must have a key or a value; an empty key stands for none.
    key = record.key if record.key is not None or value is not None else b""
    return Record(dead_letter_topic(service), key, value, added if omitted else kept + added)
