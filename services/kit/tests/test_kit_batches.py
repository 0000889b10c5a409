"""Batches of any bytes: what can be read is read, and the rest is named with its place."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from aiokafka import TopicPartition
from hypothesis import given, settings
from hypothesis import strategies as st
from septet_kit.messaging.batches import RawBatches, TolerantRecords, UndecodableRecord
from septet_kit.messaging.decompress import UndecodableError, decompress

from tests.support.record_batch import CODECS, HEADER_BYTES, sealed

from .harness import batches as made

TP = TopicPartition("septet.requests.v1", 2)


def read(
    data: bytes, position: int = 0
) -> tuple[list[tuple[int, bytes | None]], list[UndecodableRecord], int]:
    """Offsets and values of good records, the markers, and the next position."""
    parser = TolerantRecords(TP, RawBatches(data), [], position, None, None, True, 0)
    found = list(parser)
    good = [(r.offset, r.value) for r in found if not isinstance(r, UndecodableRecord)]
    return good, [r for r in found if isinstance(r, UndecodableRecord)], parser.next_fetch_offset


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec_of_kafka_is_read(codec: str) -> None:
    records = [made.record(b"one", h=b"1"), made.record(None), made.record(b"", key=None)]
    good, bad, after = read(made.batch(records, 10, codec))
    assert (good, bad, after) == ([(10, b"one"), (11, None), (12, b"")], [], 13)


def test_reading_starts_at_the_position_within_a_batch() -> None:
    records = [made.record(b"%d" % n) for n in range(5)]
    good, bad, after = read(made.batch(records, 10, "zstd"), position=13)
    assert (good, bad, after) == ([(13, b"3"), (14, b"4")], [], 15)


def test_a_header_key_that_is_not_utf8_costs_only_its_own_record() -> None:
    good, (bad,), after = read(made.bad_header_key(5))
    assert good == [(5, b"one"), (7, b"three")]
    assert (bad.topic, bad.partition, bad.offset, bad.key, bad.value) == (*TP, 6, b"k", b"two")
    assert not bad.raw
    assert after == 8


@pytest.mark.parametrize(
    ("broken", "count"),
    [
        (made.bad_checksum, 2),
        (made.unknown_codec, 2),
        (made.unknown_magic, 1),
        *[(made.corrupt_payload(codec), 1) for codec in ("gzip", "snappy", "lz4", "zstd")],
        *[(made.bomb(codec), 1) for codec in ("gzip", "snappy", "lz4", "zstd")],
    ],
)
def test_a_batch_that_cannot_be_read_is_one_marker_with_its_bytes(
    broken: Callable[[int], bytes], count: int
) -> None:
    before, after = made.batch([made.record(b"a")], 3), made.batch([made.record(b"z")], 4 + count)
    data = broken(4)
    good, (bad,), position = read(before + data + after, 3)
    assert good == [(3, b"a"), (4 + count, b"z")]
    assert (bad.topic, bad.partition, bad.offset, bad.value, bad.raw) == (*TP, 4, data, True)
    assert bad.reason
    assert position == 5 + count


def test_a_batch_that_lies_about_its_last_offset_hides_no_batch_after_it() -> None:
    lie = bytearray(made.bad_checksum(0))
    lie[23:27] = (1000).to_bytes(4, "big")
    good, bad, position = read(bytes(lie) + made.batch([made.record(b"z")], 2))
    assert good == [(2, b"z")]
    assert [b.offset for b in bad] == [0]
    assert position == 3


def test_a_record_that_is_longer_than_its_batch_ends_the_batch() -> None:
    good, (bad,), position = read(made.short_record(7) + made.batch([made.record(b"z")], 9), 7)
    assert good == [(7, b"one"), (9, b"z")]
    assert (bad.offset, bad.raw) == (8, True)
    assert position == 10


def test_an_absurd_timestamp_is_no_fault_of_the_batch() -> None:
    good, bad, _ = read(made.ancient_timestamp())
    assert (good, bad) == ([(0, b"one")], [])


def test_what_the_broker_cut_off_is_fetched_again() -> None:
    whole, cut = made.batch([made.record(b"a")]), made.batch([made.record(b"b")], 1)[:-1]
    assert read(whole + cut) == ([(0, b"a")], [], 1)
    assert not RawBatches(cut).has_next()


def test_one_fetch_hands_out_a_bounded_number_of_bytes_and_the_rest_later() -> None:
    records = [made.record(bytes([n]) * 1_000_000) for n in range(6)]
    data, position, reads = made.batch(records, 0, "zstd"), 0, []
    while position < 6:
        good, _, position = read(data, position)
        reads.append(len(good))
    assert reads == [3, 3]


@given(st.binary(max_size=300), st.integers(0, 400))
@settings(max_examples=300)
def test_no_bytes_raise_and_the_position_never_moves_back(garbage: bytes, at: int) -> None:
    data = bytearray(made.batch([made.record(b"a" * 50), made.record(b"b", h=b"v")], 20, "none"))
    data[at : at + len(garbage)] = garbage
    _, _, position = read(bytes(data), 20)
    assert position >= 20


@given(st.data())
@settings(max_examples=300)
def test_no_payload_under_a_valid_checksum_raises(data: st.DataObject) -> None:
    codec = data.draw(st.sampled_from(list(CODECS)))
    good = bytearray(made.batch([made.record(b"a" * 80, h=b"v"), made.record(b"b")], 20, codec))
    for _ in range(data.draw(st.integers(1, 6))):
        good[data.draw(st.integers(21, len(good) - 1))] = data.draw(st.integers(0, 255))
    _, _, position = read(sealed(bytes(good)), 20)
    assert position > 20


@pytest.mark.parametrize("codec", [1, 2, 3, 4])
def test_decompression_stops_at_its_bound(codec: int) -> None:
    name = {v: k for k, v in CODECS.items()}[codec]
    payload = made.batch([made.record(b"x" * 300_000)], codec=name)[HEADER_BYTES:]
    assert len(decompress(codec, payload, 400_000)) > 300_000
    with pytest.raises(UndecodableError, match="more than 200000"):
        decompress(codec, payload, 200_000)
