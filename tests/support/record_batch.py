"""Record batches as bytes, valid or not: what a client can write that no client library would."""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import cramjam
from aiokafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode
from aiokafka.record.util import calc_crc32c, encode_varint

CODECS: Mapping[str, int] = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
"""Compression codecs by name, as Kafka numbers them in a batch's attributes."""

_ENCODE: Mapping[int, Callable[[bytes], bytes]] = {
    1: gzip_encode,
    2: snappy_encode,
    3: lz4_encode,
    4: zstd_encode,
}
_HEAD = struct.Struct(">qiibI")
_BODY = struct.Struct(">hiqqqhii")
HEADER_BYTES = _HEAD.size + _BODY.size
"""Bytes of a batch before its records."""
_LENGTH_FROM = struct.calcsize(">qi")


@dataclass(frozen=True)
class RawRecord:
    """A record whose header names are bytes, so that they may be no text."""

    value: bytes | None = None
    key: bytes | None = None
    headers: Sequence[tuple[bytes, bytes | None]] = ()
    timestamp_delta: int = 0

    def encode(self, offset_delta: int) -> bytes:
        """The record as it stands in a batch, with its length in front."""
        body = bytearray(b"\x00")
        _put_int(body, self.timestamp_delta)
        _put_int(body, offset_delta)
        _put_bytes(body, self.key)
        _put_bytes(body, self.value)
        _put_int(body, len(self.headers))
        for name, value in self.headers:
            _put_bytes(body, name)
            _put_bytes(body, value)
        framed = bytearray()
        _put_int(framed, len(body))
        return bytes(framed + body)


@dataclass(frozen=True)
class Batch:
    """A batch of records; each field may contradict the others.

    Attributes:
        base: offset of the first record, which a broker assigns.
        codec: number of the compression codec in the attributes.
        payload: bytes in place of the encoded records, not compressed further.
        magic: format version.
        crc: checksum in place of the right one.
        timestamp: of the first record and of the batch, in ms; the current time if absent.
        count: number of records in place of the right one.
        length: length field in place of the right one.
        attributes: further bits of the attributes.
    """

    records: Sequence[RawRecord] = ()
    codec: int = 0
    payload: bytes | None = None
    magic: int = 2
    crc: int | None = None
    timestamp: int | None = None
    count: int | None = None
    length: int | None = None
    attributes: int = 0
    base: int = 0

    def encode(self) -> bytes:
        """The batch as a Produce request carries it and as a log stores it."""
        count = len(self.records) if self.count is None else self.count
        at = int(time.time() * 1000) if self.timestamp is None else self.timestamp
        latest = at + max((r.timestamp_delta for r in self.records), default=0)
        body = (
            _BODY.pack(self.codec | self.attributes, max(count - 1, 0), at, latest, -1, -1, -1, count)
            + self._payload()
        )
        crc = calc_crc32c(body) if self.crc is None else self.crc
        length = _HEAD.size - _LENGTH_FROM + len(body) if self.length is None else self.length
        return _HEAD.pack(self.base, length, -1, self.magic, crc) + body

    def _payload(self) -> bytes:
        if self.payload is not None:
            return self.payload
        encoded = b"".join(r.encode(i) for i, r in enumerate(self.records))
        compress = _ENCODE.get(self.codec)
        return encoded if compress is None else compress(encoded)


def sealed(batch: bytes) -> bytes:
    """A batch of changed bytes with the length and the checksum that they need."""
    base, _, epoch, magic, _ = _HEAD.unpack_from(batch)
    body = batch[_HEAD.size :]
    return _HEAD.pack(base, len(batch) - _LENGTH_FROM, epoch, magic, calc_crc32c(body)) + body


def legacy_message(magic: int, key: bytes | None, value: bytes | None) -> bytes:
    """A message of the formats before batches (magic 0 or 1), with its checksum."""
    body = struct.pack(">bb", magic, 0)
    if magic == 1:
        body += struct.pack(">q", int(time.time() * 1000))
    for part in (key, value):
        body += struct.pack(">i", -1 if part is None else len(part)) + (part or b"")
    message = struct.pack(">I", zlib.crc32(body)) + body
    return struct.pack(">qi", 0, len(message)) + message


def bomb(codec: str, mark: bytes, size: int, records: int = 1, *, base: int = 0) -> Batch:
    """Records of ``size`` zeros each, compressed; their key is ``mark``."""
    encoded = (RawRecord(bytes(size), mark).encode(i) for i in range(records))
    return Batch(codec=CODECS[codec], count=records, payload=_SQUEEZE[codec](encoded), base=base)


def _gzip(parts: Iterable[bytes]) -> bytes:
    squeeze = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    return b"".join([*(squeeze.compress(p) for p in parts), squeeze.flush()])


def _snappy(parts: Iterable[bytes]) -> bytes:
    return bytes(cramjam.snappy.compress_raw(b"".join(parts)))


def _lz4(parts: Iterable[bytes]) -> bytes:
    # Kafka reads independent blocks only.
    squeeze = cramjam.lz4.Compressor(level=1, content_checksum=False, block_linked=False)
    for part in parts:
        squeeze.compress(part)
    return bytes(squeeze.finish())


def _zstd(parts: Iterable[bytes]) -> bytes:
    squeeze = cramjam.zstd.Compressor(level=1)
    for part in parts:
        squeeze.compress(part)
    return bytes(squeeze.finish())


_SQUEEZE: Mapping[str, Callable[[Iterable[bytes]], bytes]] = {
    "gzip": _gzip,
    "snappy": _snappy,
    "lz4": _lz4,
    "zstd": _zstd,
}


def _put_int(into: bytearray, value: int) -> None:
    encode_varint(value, into.append)


def _put_bytes(into: bytearray, value: bytes | None) -> None:
    if value is None:
        _put_int(into, -1)
        return
    _put_int(into, len(value))
    into += value
