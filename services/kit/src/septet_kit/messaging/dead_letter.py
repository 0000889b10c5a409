"""Dead letters: the record untouched, and headers that say where, who, why and how often."""

from __future__ import annotations

from datetime import UTC, datetime

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.structs import ConsumerRecord

from septet_kit.errors import SeptetError
from septet_kit.messaging.batches import UndecodableRecord
from septet_kit.record import Record, headers_of

PREFIX = "septet-dead-"
RAW = "raw"
"""Fact of a dead letter whose value is not the record's: it holds raw bytes of the log and cannot be redriven."""

# The topic takes 2 MiB; the margin is for the headers of the trace.
_MAX_RECORD = 2 * 1024 * 1024 - 16_384
_MAX_REASON = 2000
_MAX_KEY = 1024


def dead_record(
    topic: str, record: ConsumerRecord[bytes, bytes], error: SeptetError, service: str, attempts: int
) -> Record:
    """The dead-letter record of ``record`` for a topic: same key, value and headers, plus ``septet-dead-*`` headers.

    Added: topic, partition, offset, timestamp (of the record, ms), service, code, reason, field, fix, attempts (tries
    in this process), redrives (how often it was sent again before), at (ISO 8601), and ``raw`` where the value holds
    undecoded bytes of the log. A record that no topic takes (a body may be larger than any once it is decompressed)
    stays where it is: ``omitted`` gives its size.
    """
    kept = [(k, v) for k, v in record.headers or () if v is not None and not k.startswith(PREFIX)]
    added = _facts(record, error, service, attempts)
    size = _size(record.key, record.value, kept + added)
    if size <= _MAX_RECORD:
        # A record must have a key or a value; an empty key stands for none.
        key = b"" if record.key is None and record.value is None else record.key
        return Record(topic, key, record.value, (*kept, *added))
    added.append((PREFIX + "omitted", str(size).encode()))
    key = record.key if record.key is not None and len(record.key) <= _MAX_KEY else b""
    return Record(topic, key, None, tuple(added))


def _facts(
    record: ConsumerRecord[bytes, bytes], error: SeptetError, service: str, attempts: int
) -> list[tuple[str, bytes]]:
    redrives = headers_of(record.headers).get("septet-redrives", b"0")
    is_raw = isinstance(record, UndecodableRecord) and record.raw and record.value is not None
    facts = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "service": service,
        "code": error.code,
        "reason": error.message[:_MAX_REASON],
        "field": error.field,
        "fix": error.fix,
        "attempts": attempts,
        "redrives": redrives[:20].decode("ascii", "replace"),
        RAW: "true" if is_raw else None,
        "at": datetime.now(UTC).isoformat(),
    }
    return [
        (PREFIX + n, str(v)[:_MAX_REASON].encode(errors="replace")) for n, v in facts.items() if v is not None
    ]


def _size(key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]) -> int:
    """Bytes of a record on the log, the lengths of its fields included."""
    return int(DefaultRecordBatchBuilder.estimate_size_in_bytes(key, value, headers))
