"""Record batches that may hold any bytes: undecodable ones are returned as markers instead of raised.

aiokafka raises out of ``getmany`` for a codec that it does not know, a checksum that does not match, or one header
whose key is not UTF-8. The position stays before the batch, so each restart meets the same batch again, and records
that the same call has read of other partitions are lost. The classes here take the place of its two parsers.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.legacy_records import LegacyRecordBatch
from aiokafka.record.util import decode_varint
from aiokafka.structs import ConsumerRecord, TopicPartition

from septet_kit.messaging.decompress import UndecodableError, decompress

# Kafka's record batch (magic 2): base offset, length, leader epoch, magic, checksum, attributes, last offset delta,
# first and last timestamp, producer id, producer epoch, base sequence, number of records.
_HEADER = struct.Struct(">qiibIhiqqqhii")
_BASE, _LENGTH, _ATTRIBUTES, _LAST, _NEWEST, _COUNT = 0, 1, 5, 6, 8, 12
_OVERHEAD = 12  # base offset and length, which the length does not count
_MAGIC_AT = 16
_CODEC_MASK = 0x07
# Bytes of values that one fetch of a partition hands out; compressed, a fetch of this size could hold a thousand times as many.
_MAX_TAKEN = 2 * 1024 * 1024


@dataclass
class UndecodableRecord(ConsumerRecord[bytes, bytes]):  # type: ignore[misc]  # aiokafka is untyped
    """Stands for a record that could not be decoded, or for a whole batch.

    ``value`` holds the record's value where it could be found, and otherwise the raw bytes (``raw``) of the record or
    of the batch.
    """

    reason: str = ""
    raw: bool = False

    @classmethod
    def at(
        cls,
        tp: TopicPartition,
        offset: int,
        reason: str,
        *,
        timestamp: int | None = None,
        key: bytes | None = None,
        value: bytes | None = None,
        raw: bool = True,
    ) -> UndecodableRecord:
        """The marker for an offset; ``timestamp`` is in ms, the current time if absent."""
        stamp = int(time.time() * 1000) if timestamp is None else timestamp
        sizes = len(key or b""), len(value or b"")
        return cls(tp.topic, tp.partition, offset, stamp, 0, key, value, None, *sizes, (), reason[:500], raw)


def tolerant_consumer(**options: Any) -> AIOKafkaConsumer:
    """Build a consumer whose ``getmany`` returns :class:`UndecodableRecord` instead of raising.

    The parsers are names in aiokafka's module, so they are replaced for every consumer of the process.
    """
    fetcher.MemoryRecords = RawBatches
    fetcher.PartitionRecords = TolerantRecords
    return AIOKafkaConsumer(**options)


class RawBatches:
    """The batches of one fetched partition, as bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def size_in_bytes(self) -> int:
        """Size of what was fetched, an incomplete last batch included."""
        return len(self._data)

    def has_next(self) -> bool:
        """Whether another complete batch follows. Brokers cut the last one off where the fetch is full."""
        return len(self._data) - self._at >= _OVERHEAD and self._end() <= len(self._data)

    def next_raw(self) -> bytes:
        """Return the bytes of the next batch."""
        start, self._at = self._at, self._end()
        return self._data[start : self._at]

    def _end(self) -> int:
        (length,) = struct.unpack_from(">i", self._data, self._at + 8)
        # A negative length would move backwards; the rest of the fetch then counts as one broken batch.
        return self._at + _OVERHEAD + length if length >= 0 else len(self._data)


class TolerantRecords(fetcher.PartitionRecords):  # type: ignore[misc]  # aiokafka is untyped
    """Records of one partition's fetch: an iterator that does not raise for anything that a batch holds."""

    _taken = 0
    next_fetch_offset: int

    def __next__(self) -> ConsumerRecord[bytes, bytes]:
        """The next record. Ends early once much was taken: the rest is fetched again, and memory stays bounded."""
        if self._taken >= _MAX_TAKEN:
            raise StopIteration
        record: ConsumerRecord[bytes, bytes] = super().__next__()
        self._taken += record.serialized_value_size
        return record

    def _unpack_records(self) -> Iterator[ConsumerRecord[bytes, bytes]]:
        while self._records.has_next():
            raw, start = self._records.next_raw(), self.next_fetch_offset
            try:
                batch = _checked(raw, check_crc=self._check_crcs)
                records = _uncompressed(raw, batch) if self._is_visible(batch) else ()
            except Exception as error:
                self.next_fetch_offset = _after(raw, start)
                yield self._marker(start, raw, error)
                continue
            yield from self._records_of(raw, records)
            # The batch holds the position, so the position moves, whatever the batch says about its last offset.
            self.next_fetch_offset = max(self.next_fetch_offset, batch.next_offset, start + 1)

    def _is_visible(self, batch: Any) -> bool:
        """Whether a batch holds records for the application: no control records, no aborted transaction."""
        if self._isolation_level == fetcher.READ_COMMITTED and batch.producer_id is not None:
            self._consume_aborted_up_to(batch.base_offset)
            if batch.is_control_batch and self._contains_abort_marker(batch):
                self._aborted_producers.discard(batch.producer_id)
            if batch.is_transactional and batch.producer_id in self._aborted_producers:
                return False
        return not batch.is_control_batch

    def _records_of(self, raw: bytes, records: Iterable[Any]) -> Iterator[ConsumerRecord[bytes, bytes]]:
        try:
            for record in records:
                if record.offset >= self.next_fetch_offset:
                    self.next_fetch_offset = record.offset + 1
                    yield self._consumer_record(self._tp, record)
        except Exception:
            yield from self._one_by_one(raw)

    def _one_by_one(self, raw: bytes) -> Iterator[ConsumerRecord[bytes, bytes]]:
        """Read each record on its own, so that a broken one does not hide those after it."""
        try:
            for frame in _frames(raw):
                if frame.offset < self.next_fetch_offset:
                    continue
                self.next_fetch_offset = frame.offset + 1
                try:
                    record = next(iter(DefaultRecordBatch(frame.batch)))
                except Exception as error:
                    yield self._marker(frame.offset, raw, error, frame)
                else:
                    yield self._consumer_record(self._tp, record)
        except UndecodableError as error:
            yield self._marker(self.next_fetch_offset, raw, error)

    def _marker(
        self, offset: int, raw: bytes, error: Exception, frame: _Frame | None = None
    ) -> UndecodableRecord:
        key, value = (frame.key, frame.value) if frame else (None, raw)
        return UndecodableRecord.at(
            self._tp,
            offset,
            f"{type(error).__name__}: {error}",
            timestamp=_timestamp(raw),
            key=key,
            value=value,
            raw=frame is None,
        )


@dataclass(frozen=True)
class _Frame:
    """One record: an uncompressed batch of this record alone, and the fields that could be read."""

    offset: int
    batch: bytes
    key: bytes | None
    value: bytes | None


def _checked(raw: bytes, *, check_crc: bool) -> Any:
    """aiokafka's view of a batch, with its checksum verified.

    Raises:
        UndecodableError: the batch is truncated, of an unknown format, or its checksum does not match.
    """
    magic = raw[_MAGIC_AT] if len(raw) > _MAGIC_AT else None
    if magic == 2 and len(raw) >= _HEADER.size:
        batch = DefaultRecordBatch(raw)
    elif magic in (0, 1):
        batch = LegacyRecordBatch(raw, magic)
    else:
        raise UndecodableError(f"a batch of magic {magic} with {len(raw)} bytes")
    if check_crc and not batch.validate_crc():
        raise UndecodableError("the checksum does not match")
    return batch


def _uncompressed(raw: bytes, batch: Any) -> Any:
    """``batch``, or its copy without compression. aiokafka would decompress without a bound."""
    if raw[_MAGIC_AT] != 2 or not batch.attributes & _CODEC_MASK:
        return batch
    header, payload = _plain(raw)
    return DefaultRecordBatch(_packed(header, payload, header[_COUNT]))


def _plain(raw: bytes) -> tuple[list[int], bytes]:
    """Header and records of a batch of magic 2, both without compression.

    Raises:
        UndecodableError: the records cannot be decompressed, or the batch has an older format.
    """
    if raw[_MAGIC_AT] != 2:
        raise UndecodableError("broken record in a batch of an old format")
    header, payload = list(_HEADER.unpack_from(raw)), raw[_HEADER.size :]
    if codec := header[_ATTRIBUTES] & _CODEC_MASK:
        payload = decompress(codec, payload)
        header[_ATTRIBUTES] &= ~_CODEC_MASK
    return header, payload


def _packed(header: list[int], payload: bytes, count: int) -> bytes:
    """A batch of ``count`` records; its checksum is not valid any more and must not be verified again."""
    fields = list(header)
    fields[_LENGTH], fields[_COUNT] = _HEADER.size - _OVERHEAD + len(payload), count
    return _HEADER.pack(*fields) + payload


def _frames(raw: bytes) -> Iterator[_Frame]:
    """Split a batch into records.

    Raises:
        UndecodableError: a record is longer than what is left, or the batch cannot be split.
    """
    header, payload = _plain(raw)
    at = 0
    while at < len(payload):
        try:
            length, body = decode_varint(payload, at)
            end = body + length
            if length <= 0 or end > len(payload):
                raise UndecodableError(f"a record of {length} bytes, and {len(payload) - body} are left")
            yield _frame(header, payload, slice(at, end), body)
        except (IndexError, ValueError) as error:
            raise UndecodableError(f"broken record: {error}") from error
        at = end


def _frame(header: list[int], payload: bytes, whole: slice, body: int) -> _Frame:
    _, at = decode_varint(payload, body + 1)  # the timestamp, after one byte of attributes
    delta, at = decode_varint(payload, at)
    key, at = _sized(payload, at, whole.stop)
    value, _ = _sized(payload, at, whole.stop)
    return _Frame(header[_BASE] + delta, _packed(header, payload[whole], 1), key, value)


def _sized(payload: bytes, at: int, end: int) -> tuple[bytes | None, int]:
    """A field with its length before it; ``None`` where it is null or does not fit."""
    length, at = decode_varint(payload, at)
    if length < 0 or at + length > end:
        return None, at
    return payload[at : at + length], at + length


def _after(raw: bytes, start: int) -> int:
    """The offset after a batch that cannot be decoded, at least one after ``start``.

    The last offset counts only if the number of records agrees with it: a damaged one could skip good batches.
    """
    if len(raw) >= _HEADER.size and raw[_MAGIC_AT] == 2:
        header = _HEADER.unpack_from(raw)
        if header[_LAST] >= 0 and header[_COUNT] == header[_LAST] + 1:
            return max(start + 1, int(header[_BASE]) + int(header[_LAST]) + 1)
    return start + 1


def _timestamp(raw: bytes) -> int | None:
    """The newest timestamp of a batch in ms; ``None`` where it cannot be true."""
    if len(raw) < _HEADER.size or raw[_MAGIC_AT] != 2:
        return None
    stamp = int(_HEADER.unpack_from(raw)[_NEWEST])
    return stamp if 0 <= stamp <= time.time() * 1000 else None
