"""Record batches as a fetch returns them: valid ones, and one for each fault."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aiokafka.record.util import encode_varint

from tests.support.record_batch import CODECS, Batch, RawRecord
from tests.support.record_batch import bomb as bomb_of

_TIMESTAMP = 1_700_000_000_000


def record(value: bytes | None, key: bytes | None = b"k", **headers: bytes) -> RawRecord:
    """One record, with a key unless the test wants none."""
    return RawRecord(value, key, [(name.encode(), text) for name, text in headers.items()])


def batch(records: Sequence[RawRecord], base: int = 0, codec: str = "none") -> bytes:
    """A valid batch whose first record has the offset ``base``."""
    return Batch(records, CODECS[codec], base=base, timestamp=_TIMESTAMP).encode()


def bad_header_key(base: int = 0) -> bytes:
    """Three records; the header key of the second is not UTF-8."""
    broken = RawRecord(b"two", b"k", [(b"mar\xff\xfer", b"x")])
    return batch([record(b"one"), broken, record(b"three")], base)


def bad_checksum(base: int = 0) -> bytes:
    """Two records under a checksum that does not match."""
    return Batch([record(b"one"), record(b"two")], base=base, crc=1).encode()


def unknown_codec(base: int = 0) -> bytes:
    """Two records under a codec that Kafka does not have."""
    return Batch([record(b"one"), record(b"two")], codec=6, base=base).encode()


def unknown_magic(base: int = 0) -> bytes:
    """A batch of a format that does not exist."""
    return Batch([record(b"one")], base=base, magic=9).encode()


def corrupt_payload(codec: str) -> Callable[[int], bytes]:
    """A batch whose compressed payload is garbage."""
    return lambda base=0: Batch(codec=CODECS[codec], base=base, count=1, payload=b"\x13\x37" * 20).encode()


def bomb(codec: str) -> Callable[[int], bytes]:
    """A batch of some kilobytes that expands to 40 MiB."""
    return lambda base=0: bomb_of(codec, b"k", 40 * 1024 * 1024, base=base).encode()


def short_record(base: int = 0) -> bytes:
    """Two records; the second claims to be longer than the batch."""
    lie = bytearray()
    encode_varint(10_000, lie.append)
    return Batch(base=base, count=2, payload=record(b"one").encode(0) + bytes(lie) + b"rest").encode()


def ancient_timestamp(base: int = 0) -> bytes:
    """A record from long before there was time."""
    return Batch([record(b"one")], base=base, timestamp=-(2**62)).encode()
