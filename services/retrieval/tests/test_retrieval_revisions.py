"""Order and idempotence of document events."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from septet_retrieval.domain.revisions import Decision, Origin, State, change_of, decide

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def origin(offset: int, partition: int = 0) -> Origin:
    return Origin(NOW + timedelta(seconds=offset), partition, offset)


STATE = State(7, 3, "hash-a", None, "created", 2, 2, origin(10))


@pytest.mark.parametrize(
    ("revision", "content_hash", "where", "decision"),
    [
        (None, "hash-b", origin(11), Decision.APPLY),
        (3, "hash-b", origin(11), Decision.APPLY),
        (2, "hash-b", origin(11), Decision.STALE),
        (4, "hash-a", origin(11), Decision.UNCHANGED),
        (None, "hash-a", origin(10), Decision.REPEAT),
        (None, "hash-b", origin(9), Decision.STALE),
        (None, "hash-b", origin(9, partition=1), Decision.APPLY),
        (None, None, origin(11), Decision.APPLY),
        (2, None, origin(11), Decision.STALE),
    ],
)
def test_decision(revision: int | None, content_hash: str | None, where: Origin, decision: Decision) -> None:
    assert decide(STATE, revision, content_hash, where) is decision


def test_an_unknown_document_is_always_new() -> None:
    assert decide(None, 1, "hash", origin(1)) is Decision.APPLY
    assert decide(None, None, None, origin(1)) is Decision.APPLY


def test_lower_offsets_of_a_recreated_topic_are_not_stale() -> None:
    reborn = Origin(NOW + timedelta(days=1), 0, 0)
    assert decide(STATE, None, "hash-b", reborn) is Decision.APPLY


def test_a_tombstone_rejects_older_revisions() -> None:
    gone = replace(STATE, content_hash=None, change="deleted", revision=5)
    assert decide(gone, 4, "hash-a", origin(11)) is Decision.STALE
    assert decide(gone, 6, "hash-a", origin(11)) is Decision.APPLY
    assert change_of(gone, "hash-a") == "created"


def test_change_of() -> None:
    assert change_of(None, "h") == "created"
    assert change_of(STATE, "h") == "updated"
    assert change_of(STATE, None) == "deleted"
