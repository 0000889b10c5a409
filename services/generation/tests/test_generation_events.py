"""Decoder of server-sent events."""

from __future__ import annotations

import json

import pytest
from septet_generation.adapters.server_sent_events import EventDecoder

STREAM = (
    ': keep-alive\n\ndata: {"a": 1}\n\nevent: chunk\r\ndata:{"b": "덱"}\r\n\r\nid: 7\n\ndata: one\ndata: two\n\n'
    "data: [DONE]\n\n"
).encode()
DATA = [b'{"a": 1}', '{"b": "덱"}'.encode(), b"one\ntwo", b"[DONE]"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, len(STREAM)])
def test_events_do_not_depend_on_the_size_of_the_pieces(size: int) -> None:
    decoder = EventDecoder()
    pieces = [STREAM[i : i + size] for i in range(0, len(STREAM), size)]
    assert [data for piece in pieces for data in decoder.feed(piece)] == DATA


def test_an_incomplete_event_is_not_returned() -> None:
    decoder = EventDecoder()
    assert decoder.feed(b'data: {"a": 1}\n\ndata: {"b": 2}') == [b'{"a": 1}']
    assert decoder.feed(b"\n") == []
    assert [json.loads(data) for data in decoder.feed(b"\n")] == [{"b": 2}]
