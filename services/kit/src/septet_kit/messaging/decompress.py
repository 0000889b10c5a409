"""Decompression of record batches with a bound on the result: a batch of 2 MiB may expand to gigabytes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator

import cramjam

MAX_EXPANDED = 16 * 1024 * 1024
"""Bytes that the records of one batch may take after decompression."""

_XERIAL_MAGIC = b"\x82SNAPPY\x00"
_XERIAL_HEADER = 16
_FIRST_GUESS = 64 * 1024
_GROWTH = 8


class UndecodableError(Exception):
    """Bytes that are no valid batch or record. The message says what is wrong with them."""


def decompress(codec: int, data: bytes, limit: int = MAX_EXPANDED) -> bytes:
    """Decompress the payload of a batch.

    Args:
        codec: Kafka's codec id: 1 gzip, 2 snappy, 3 lz4, 4 zstd.
        data: the compressed payload.
        limit: most bytes that the result may have.

    Raises:
        UndecodableError: the codec is unknown, the payload is corrupt, or it expands to more than ``limit``.
    """
    decoder = _DECODERS.get(codec)
    if decoder is None:
        raise UndecodableError(f"unknown compression codec {codec}")
    try:
        return decoder(data, limit)
    except (cramjam.DecompressionError, zlib.error, struct.error, ValueError) as error:
        raise UndecodableError(f"corrupt compressed payload: {error}") from error


def _gzip(data: bytes, limit: int) -> bytes:
    found = b""
    while data:
        member = zlib.decompressobj(wbits=31)
        found += member.decompress(data, limit + 1 - len(found))
        if len(found) > limit:
            raise _too_large(limit)
        if not member.eof:
            raise UndecodableError("the gzip stream is truncated")
        data = member.unused_data
    return found


def _snappy(data: bytes, limit: int) -> bytes:
    blocks = list(_xerial_blocks(data)) if data.startswith(_XERIAL_MAGIC) else [data]
    if sum(cramjam.snappy.decompress_raw_len(block) for block in blocks) > limit:
        raise _too_large(limit)
    return b"".join(bytes(cramjam.snappy.decompress_raw(block)) for block in blocks)


def _xerial_blocks(data: bytes) -> Iterator[bytes]:
    """Blocks of the framing that the Java client writes: a header, then blocks with a length before each."""
    at = _XERIAL_HEADER
    while at < len(data):
        (size,) = struct.unpack_from(">i", data, at)
        if size < 0 or at + 4 + size > len(data):
            raise UndecodableError("a snappy block is truncated")
        yield data[at + 4 : at + 4 + size]
        at += 4 + size


def _framed(decompress_into: Callable[[bytes, bytearray], int]) -> Callable[[bytes, int], bytes]:
    """A decoder for codecs that do not say how large the result is; the buffer grows up to the limit."""

    def decode(data: bytes, limit: int) -> bytes:
        size = min(limit, max(_FIRST_GUESS, _GROWTH * len(data)))
        while True:
            buffer = bytearray(size)
            try:
                return bytes(memoryview(buffer)[: decompress_into(data, buffer)])
            except cramjam.DecompressionError as error:
                if "failed to write whole buffer" not in str(error):
                    raise
                if size == limit:
                    raise _too_large(limit) from error
                size = min(limit, size * _GROWTH)

    return decode


def _too_large(limit: int) -> UndecodableError:
    return UndecodableError(f"the batch expands to more than {limit} bytes")


_DECODERS: dict[int, Callable[[bytes, int], bytes]] = {
    1: _gzip,
    2: _snappy,
    3: _framed(cramjam.lz4.decompress_into),
    4: _framed(cramjam.zstd.decompress_into),
}
