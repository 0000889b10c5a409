"""Record batches as a broker stores them, well formed and broken."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c, encode_varint

Record = tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
_LENGTH_AT, _MAGIC_AT, _CRC_AT, _ATTRIBUTES_AT = 8, 16, 17, 21


def record(value: bytes | None, key: bytes | None = b"k", **headers: bytes) -> Record:
    """One record's key, value and headers."""
    return key, value, list(headers.items())


def batch(records: Sequence[Record], base: int = 0, codec: str = "none") -> bytes:
    """A valid batch whose first record has the offset ``base``."""
    builder = DefaultRecordBatchBuilder(2, CODECS[codec], 0, -1, -1, -1, 64 * 1024 * 1024)
    for at, (key, value, headers) in enumerate(records):
        assert builder.append(at, 1_700_000_000_000 + at, key, value, headers) is not None
    data = bytearray(builder.build())
    struct.pack_into(">q", data, 0, base)
    return bytes(data)


def sealed(data: bytes) -> bytes:
    """The batch with the length and the checksum that its bytes call for."""
    changed = bytearray(data)
    struct.pack_into(">i", changed, _LENGTH_AT, len(changed) - 12)
    struct.pack_into(">I", changed, _CRC_AT, calc_crc32c(bytes(changed[_ATTRIBUTES_AT:])))
    return bytes(changed)


def with_bytes(data: bytes, old: bytes, new: bytes) -> bytes:
    """The batch with some bytes of the same number in place of others, and a checksum to match."""
    assert len(old) == len(new)
    assert old in data
    return sealed(data.replace(old, new))


def bad_header_key(base: int = 0) -> bytes:
    """Three records; the header key of the second is not UTF-8."""
    records = [record(b"one"), record(b"two", marker=b"x"), record(b"three")]
    return with_bytes(batch(records, base), b"marker", b"mar\xff\xfer")


def bad_checksum(base: int = 0) -> bytes:
    """Two records under a checksum that does not match."""
    data = bytearray(batch([record(b"one"), record(b"two")], base))
    data[_CRC_AT] ^= 0xFF
    return bytes(data)


def unknown_codec(base: int = 0) -> bytes:
    """Two records under a codec that Kafka does not have."""
    data = bytearray(batch([record(b"one"), record(b"two")], base))
    struct.pack_into(">h", data, _ATTRIBUTES_AT, 6)
    return sealed(bytes(data))


def unknown_magic(base: int = 0) -> bytes:
    """A batch of a format that does not exist."""
    data = bytearray(batch([record(b"one")], base))
    data[_MAGIC_AT] = 9
    return bytes(data)


def corrupt_payload(codec: str) -> Callable[[int], bytes]:
    """A batch whose compressed payload is garbage."""

    def make(base: int = 0) -> bytes:
        data = batch([record(b"one")], base, codec)
        return sealed(data[:61] + b"\x13\x37" * 20)

    return make


def bomb(codec: str) -> Callable[[int], bytes]:
    """A batch of some kilobytes that expands to 40 MiB."""

    def make(base: int = 0) -> bytes:
        return batch([record(b"\0" * (40 * 1024 * 1024))], base, codec)

    return make


def short_record(base: int = 0) -> bytes:
    """Two records; the second claims to be longer than the batch."""
    good = batch([record(b"one")], base)
    lie = bytearray()
    encode_varint(10_000, lie.append)
    data = bytearray(good + bytes(lie) + b"rest")
    struct.pack_into(">i", data, 23, 1)  # last offset delta
    struct.pack_into(">i", data, 57, 2)  # number of records
    return sealed(bytes(data))


def ancient_timestamp(base: int = 0) -> bytes:
    """A record from long before there was time."""
    data = bytearray(batch([record(b"one")], base))
    struct.pack_into(">q", data, 27, -(2**62))
    struct.pack_into(">q", data, 35, -(2**62))
    return sealed(bytes(data))
