"""Records that hostile or broken clients write, by name; each knows what a broker does with it.

``mark`` stands in the key of every record, and is its request id where it has one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from .record_batch import CODECS, Batch, RawRecord, bomb, legacy_message

MAX_MESSAGE = 2 * 1024 * 1024
"""``max.message.bytes`` of every topic."""

_BOMB = 64 * 1024 * 1024
# What a batch of one record adds to the bytes of its key and value, at most.
_OVERHEAD = 100
_YEAR_300000_MS = 9_404_640_000_000_000


class End(Enum):
    """How a record that is on the log has to end."""

    LETTER = "a dead letter with its coordinates"
    TYPED = "a dead letter, and a typed failure for its request id"
    HANDLED = "handled as any other request: the strange part of it is none of its meaning"


Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Form:
    """One way to write a hostile record.

    Attributes:
        build: bytes of a batch, from the mark and the fields of a valid request.
        end: of the record, once it is on the log.
        rejected: the error that the broker answers; empty: it takes the batch.
    """

    name: str
    build: Callable[[str, Fields], bytes]
    end: End = End.LETTER
    rejected: str = ""


def _body(mark: str, fields: Fields) -> bytes:
    return json.dumps({"request_id": mark, "question": "What is a deque?", **fields}).encode()


def _record(mark: str, fields: Fields, **more: Any) -> RawRecord:
    return RawRecord(**{"value": _body(mark, fields), "key": mark.encode(), **more})


def _headers(*headers: tuple[bytes, bytes | None]) -> Callable[[str, Fields], bytes]:
    return lambda mark, fields: Batch((_record(mark, fields, headers=headers),)).encode()


def _with(**more: Any) -> Callable[[str, Fields], bytes]:
    """A valid request in a batch that is wrong."""
    return lambda mark, fields: Batch((_record(mark, fields),), **more).encode()


def _value(make: Callable[[str, Fields], bytes | None], **more: Any) -> Callable[[str, Fields], bytes]:
    """A batch that is right, with a value of one's own."""
    return lambda mark, fields: Batch((RawRecord(make(mark, fields), mark.encode(), **more),)).encode()


def _padded(mark: str, size: int) -> bytes:
    """A body of exactly ``size`` bytes; valid but for its size."""
    head, tail = b'{"request_id": "%s", "question": "' % mark.encode(), b'"}'
    return head + b"x" * (size - len(head) - len(tail)) + tail


def _near_limit(mark: str, _: Fields) -> bytes:
    return Batch((RawRecord(_padded(mark, MAX_MESSAGE - _OVERHEAD - len(mark)), mark.encode()),)).encode()


def _over_limit(mark: str, _: Fields) -> bytes:
    return Batch((RawRecord(_padded(mark, MAX_MESSAGE), mark.encode()),)).encode()


def _bomb(codec: str, size: int = _BOMB) -> Form:
    return Form(f"bomb_{codec}", lambda mark, _: bomb(codec, mark.encode(), size).encode())


def _in_json(text: str) -> Callable[[str, Fields], bytes]:
    """A body with ``text`` as the value of the question."""
    return _value(lambda mark, _: b'{"request_id": "%s", "question": %s}' % (mark.encode(), text.encode()))


def _legacy(magic: int) -> Callable[[str, Fields], bytes]:
    return lambda mark, fields: legacy_message(magic, mark.encode(), _body(mark, fields))


def _truncated(mark: str, fields: Fields) -> bytes:
    return Batch((_record(mark, fields),)).encode()[:-7]


def _cut_record(mark: str, fields: Fields) -> bytes:
    """A batch whose checksum is right and whose record ends too early."""
    return Batch(count=1, payload=_record(mark, fields).encode(0)[:-7]).encode()


def _negative_headers(mark: str, fields: Fields) -> bytes:
    # The last byte of a record without headers is their number, 0; 1 stands for -1.
    return Batch(count=1, payload=_record(mark, fields).encode(0)[:-1] + b"\x01").encode()


# Fields of people's text, over all contracts of clients; each contract ignores those of the others.
_TEXTS = ("question", "title", "text", "comment")
_GARBAGE = b"\x00\xff garbage \xc3\x28"
_W3C: Sequence[bytes] = (b"traceparent", b"tracestate", b"baggage")

ACCEPTED: tuple[Form, ...] = (
    Form("header_name_not_utf8", _headers((b"\xff\xfe", b"x"))),
    Form("header_name_empty", _headers((b"", b"")), End.HANDLED),
    Form("headers_10000", _headers(*((b"h%d" % n, b"v") for n in range(10_000))), End.HANDLED),
    Form("header_of_1_mib", _headers((b"baggage", b"a=" + b"b" * 1024 * 1024)), End.HANDLED),
    Form("header_without_value", _headers((b"traceparent", None), (b"septet-event-id", None)), End.HANDLED),
    Form(
        "header_of_ours_garbage",
        _headers(*((b"septet-" + n, _GARBAGE) for n in (b"event-id", b"redrives", b"dead-code"))),
        End.HANDLED,
    ),
    *(Form(f"{name.decode()}_garbage", _headers((name, _GARBAGE)), End.HANDLED) for name in _W3C),
    Form(
        "traceparent_almost",
        _headers((b"traceparent", b"00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-zz")),
        End.HANDLED,
    ),
    Form("tombstone", _value(lambda *_: None)),
    Form(
        "tombstone_without_key",
        lambda mark, _: Batch((RawRecord(headers=[(b"mark", mark.encode())]),)).encode(),
    ),
    Form("empty_value", _value(lambda *_: b"")),
    Form("no_key", lambda mark, fields: Batch((_record(mark, fields, key=None),)).encode(), End.HANDLED),
    Form("empty_key", lambda mark, fields: Batch((_record(mark, fields, key=b""),)).encode(), End.HANDLED),
    Form(
        "key_not_utf8",
        lambda mark, fields: Batch((_record(mark, fields, key=b"\xff\x00" + mark.encode()),)).encode(),
        End.HANDLED,
    ),
    Form("near_fetch_limit", _near_limit, End.TYPED),
    Form("timestamp_negative", _with(timestamp=-(2**40)), End.HANDLED),
    Form("timestamp_year_300000", _with(timestamp=_YEAR_300000_MS), End.HANDLED),
    Form(
        "timestamp_delta_huge",
        lambda mark, fields: Batch((_record(mark, fields, timestamp_delta=2**62),), timestamp=0).encode(),
        End.HANDLED,
    ),
    *(Form(f"codec_{name}", _with(codec=number), End.HANDLED) for name, number in CODECS.items()),
    *(_bomb(name) for name in ("gzip", "lz4", "zstd")),
    # Snappy packs zeros to a twentieth: more do not fit into a message.
    _bomb("snappy", _BOMB // 2),
    Form("json_deep", _in_json("[" * 100_000 + "]" * 100_000), End.TYPED),
    Form("json_huge_number", _in_json("9" * 20_000), End.TYPED),
    Form(
        "json_nul",
        lambda mark, fields: Batch((_record(mark, {**fields, **dict.fromkeys(_TEXTS, "a\x00b")}),)).encode(),
        End.TYPED,
    ),
    Form("json_lone_surrogate", _in_json('"\\ud800"'), End.TYPED),
    Form("not_json", _value(lambda mark, _: b"\x00\x01" + mark.encode())),
)
"""What a broker takes, so that it reaches the services."""

REJECTED: tuple[Form, ...] = (
    Form("over_fetch_limit", _over_limit, rejected="MessageSizeTooLargeError"),
    *(Form(f"codec_{n}", _with(codec=n), rejected="UnknownError") for n in (5, 6, 7)),
    Form("codec_garbage", _with(codec=1, payload=b"no gzip"), rejected="UnknownError"),
    Form("bad_checksum", _with(crc=1), rejected="CorruptRecordException"),
    *(Form(f"magic_{n}", _legacy(n), rejected="UnknownError") for n in (0, 1)),
    Form("magic_3", _with(magic=3), rejected="CorruptRecordException"),
    Form("magic_255", _with(magic=-1), rejected="CorruptRecordException"),
    Form("truncated_batch", _truncated, rejected="UnknownError"),
    Form("truncated_record", _cut_record, rejected="UnknownError"),
    Form("negative_header_count", _negative_headers, rejected="UnknownError"),
    Form("count_too_high", _with(count=2), rejected="UnknownError"),
    Form(
        "count_too_low",
        lambda mark, fields: Batch((_record(mark, fields),) * 2, count=1).encode(),
        rejected="UnknownError",
    ),
    Form("empty_batch", lambda *_: Batch(count=0, payload=b"").encode(), rejected="UnknownError"),
    Form("length_too_large", _with(length=10_000_000), rejected="UnknownError"),
    Form("length_negative", _with(length=-1), rejected="CorruptRecordException"),
    Form("control_batch", _with(attributes=0x20), rejected="UnknownError"),
    Form("transactional_without_id", _with(attributes=0x10), rejected="TransactionalIdAuthorizationFailed"),
    Form("no_bytes", lambda *_: b"", rejected="UnknownError"),
)
"""What a broker rejects; services meet it only if a log is damaged on disk."""
