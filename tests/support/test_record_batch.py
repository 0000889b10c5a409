"""The batches are what they say: aiokafka's own reader takes the valid ones and finds the fault of the others."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka.errors import CorruptRecordException, UnsupportedCodecError
from aiokafka.record.memory_records import MemoryRecords

from .hostile import ACCEPTED, REJECTED
from .record_batch import CODECS, Batch, RawRecord, bomb, legacy_message


def read(batch: bytes) -> list[Any]:
    return list(MemoryRecords(batch).next_batch())


@pytest.mark.parametrize("codec", CODECS)
def test_a_valid_batch_reads_back(codec: str) -> None:
    records = [RawRecord(b"v" * 300, b"k", [(b"a", b"1"), (b"b", None)], 5), RawRecord(None, None)]
    made = Batch(records, CODECS[codec], timestamp=1000).encode()
    batch = MemoryRecords(made).next_batch()
    assert batch.validate_crc()
    assert batch.compression_type == CODECS[codec]
    found = [(r.offset, r.timestamp, r.key, r.value, list(r.headers)) for r in batch]
    assert found == [(0, 1005, b"k", b"v" * 300, [("a", b"1"), ("b", None)]), (1, 1000, None, None, [])]


def test_a_header_name_need_not_be_text() -> None:
    made = Batch([RawRecord(b"v", headers=[(b"\xff\xfe", b"x")])]).encode()
    with pytest.raises(UnicodeDecodeError):
        read(made)


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_a_bomb_is_small_and_expands(codec: str) -> None:
    made = bomb(codec, b"mark", 1_000_000, records=2).encode()
    assert len(made) < 150_000
    assert [(r.key, len(r.value)) for r in read(made)] == [(b"mark", 1_000_000)] * 2


def test_each_fault_is_the_one_that_is_named() -> None:
    (record,) = records = [RawRecord(b"v", b"k")]
    assert not MemoryRecords(Batch(records, crc=1).encode()).next_batch().validate_crc()
    with pytest.raises(UnsupportedCodecError):
        read(Batch(records, codec=5).encode())
    with pytest.raises(CorruptRecordException):
        read(Batch(records, count=2).encode())
    with pytest.raises(CorruptRecordException):
        read(Batch(count=1, payload=record.encode(0)[:-1]).encode())
    assert MemoryRecords(Batch(records, length=10_000).encode()).next_batch() is None


@pytest.mark.parametrize("magic", [0, 1])
def test_an_old_message_reads_back(magic: int) -> None:
    batch = MemoryRecords(legacy_message(magic, b"k", b"v")).next_batch()
    assert batch.validate_crc()
    assert [(r.key, r.value) for r in batch] == [(b"k", b"v")]


def test_forms_have_names_of_their_own_and_carry_their_mark() -> None:
    forms = (*ACCEPTED, *REJECTED)
    assert len({f.name for f in forms}) == len(forms)
    assert all(bool(f.rejected) == (f in REJECTED) for f in forms)
    small = [
        f
        for f in forms
        if not f.name.startswith(("bomb", "codec", "tombstone_without", "empty_batch", "no_bytes"))
    ]
    assert all(b"the-mark" in f.build("the-mark", {}) for f in small)
