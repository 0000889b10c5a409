"""Decoding, which every consumer does before it calls a handler."""

from __future__ import annotations

import json
from collections.abc import Iterator

from septet_kit.hostile import text

from benchmarks.loop_block.case import MIB, Case, conversations

_HEAD = b'{"request_id":"r","question":"'


def cases() -> Iterator[Case]:
    for unit, size in (("english", 5_150), ("korean", 1_700), ("quotes", 2_500), ("zero width", 1_700)):
        body = json.dumps(
            {"request_id": "r", "messages": list(conversations(unit, 200, size))}, ensure_ascii=False
        )
        yield Case(f"200 messages, {unit}", "requests", body.encode()[:MIB], None)
    body = json.dumps({"document_id": "d", "text": text("korean", 340_000)}, ensure_ascii=False)
    yield Case("document", "documents", body.encode(), None)
    for name, value in _HOSTILE.items():
        yield Case(name, "requests", value, None)


_HOSTILE = {
    "backslashes": _HEAD + b"\\\\" * 500_000 + b'"}',
    "escaped text of NUL": _HEAD + b"\\\\u0000" * 140_000 + b'"}',
    "punctuation in a text": _HEAD + b"[,{" * 340_000 + b'"}',
    "strings": b'{"request_id":"r","question":"q","output_schema":{"a":[' + b'"",' * 330_000 + b'""]}}',
    "lists": b'{"request_id":"r","question":"q","output_schema":{"a":[' + b"[]," * 330_000 + b"1]}}",
    "lists, as many as pass": b'{"request_id":"r","question":"q","output_schema":{"a":['
    + b"[]," * 24_000
    + b"1]}}",
    "integers": b'{"request_id":"r","question":"q","output_schema":{"a":[' + b"1," * 500_000 + b"1]}}",
    "wrong messages": b'{"request_id":"r","messages":[' + b"{}," * 330_000 + b"{}]}",
    "wrong messages, as many as pass": b'{"request_id":"r","messages":[' + b"{}," * 24_000 + b"{}]}",
    "wrong references": b'{"request_id":"r","question":"q","reference":[' + b"1," * 49_000 + b"1]}",
    "not UTF-8": _HEAD + b"a" * 1_000_000 + b'\xff"}',
    "no end": _HEAD + b'[",' * 330_000,
}
