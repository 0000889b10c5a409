"""Order and idempotence of document events."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from septet_retrieval.domain.revisions import Judgement, Origin, State, change_of, judge

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def origin(offset: int, partition: int = 0) -> Origin:
    return Origin(NOW + timedelta(seconds=offset), partition, offset)


STATE = State(7, 3, "hash-a", None, "created", 2, 2, origin(10))


@pytest.mark.parametrize(
    ("revision", "content_hash", "where", "judgement"),
    [
        (None, "hash-b", origin(11), Judgement.APPLY),
        (3, "hash-b", origin(11), Judgement.APPLY),
        (2, "hash-b", origin(11), Judgement.STALE),
        (4, "hash-a", origin(11), Judgement.UNCHANGED),
        (None, "hash-a", origin(10), Judgement.REPEAT),
        (None, "hash-b", origin(9), Judgement.STALE),
        (None, "hash-b", origin(9, partition=1), Judgement.APPLY),
        (None, None, origin(11), Judgement.APPLY),
        (2, None, origin(11), Judgement.STALE),
    ],
)
def test_judgement(
    revision: int | None, content_hash: str | None, where: Origin, judgement: Judgement
) -> None:
    assert judge(STATE, revision, content_hash, where) is judgement


def test_an_unknown_document_is_always_new() -> None:
    assert judge(None, 1, "hash", origin(1)) is Judgement.APPLY
    assert judge(None, None, None, origin(1)) is Judgement.APPLY


def test_lower_offsets_of_a_topic_made_anew_are_not_stale() -> None:
    reborn = Origin(NOW + timedelta(days=1), 0, 0)
    assert judge(STATE, None, "hash-b", reborn) is Judgement.APPLY


def test_a_tombstone_keeps_older_revisions_out() -> None:
    gone = replace(STATE, content_hash=None, change="deleted", revision=5)
    assert judge(gone, 4, "hash-a", origin(11)) is Judgement.STALE
    assert judge(gone, 6, "hash-a", origin(11)) is Judgement.APPLY
    assert change_of(gone, "hash-a") == "created"


def test_changes() -> None:
    assert change_of(None, "h") == "created"
    assert change_of(STATE, "h") == "updated"
    assert change_of(STATE, None) == "deleted"
