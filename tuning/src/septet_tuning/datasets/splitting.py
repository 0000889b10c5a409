"""Splits rows by conversation and time: the held-out rows are the later ones."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from septet_tuning.datasets.duplicates import comparable
from septet_tuning.datasets.texts import input_of
from septet_tuning.rows import AnyRow


@dataclass(frozen=True)
class SplitRows:
    """Both splits, and the number of training rows that were left out because they are later than the cut."""

    train: list[AnyRow]
    held_out: list[AnyRow]
    straddling: int


def split_rows(rows: Sequence[AnyRow], share: float) -> SplitRows:
    """Hold out the latest conversations.

    Rows of one conversation, and rows with the same input, are in one split. A training row that is later than the first
    held-out one is left out. Rows without a time, from files, are split by the hash of their input.
    """
    timed: list[list[AnyRow]] = []
    untimed: list[list[AnyRow]] = []
    for group in _groups(rows):
        (timed if any(row.origin.occurred_at for row in group) else untimed).append(group)
    timed.sort(key=_first_time)
    train: list[AnyRow] = []
    held: list[AnyRow] = []
    straddling = 0
    wanted = share * sum(len(group) for group in timed)
    cut = len(timed)
    while cut > 1 and sum(len(group) for group in timed[cut:]) + len(timed[cut - 1]) / 2 < wanted:
        cut -= 1
    held.extend(row for group in timed[cut:] for row in group)
    start = _first_time(timed[cut]) if cut < len(timed) else None
    for row in (row for group in timed[:cut] for row in group):
        if start is not None and row.origin.occurred_at and _time(row) >= start:
            straddling += 1
        else:
            train.append(row)
    for group in untimed:
        (held if _hash(group) < share else train).extend(group)
    return SplitRows(train, held, straddling)


def _groups(rows: Sequence[AnyRow]) -> list[list[AnyRow]]:
    """Rows that share a conversation or an input, directly or through others."""
    parents: dict[Hashable, Hashable] = {}

    def root(key: Hashable) -> Hashable:
        parents.setdefault(key, key)
        while parents[key] != key:
            parents[key] = parents[parents[key]]
            key = parents[key]
        return key

    for row in rows:
        first, *others = _keys(row)
        for other in others:
            parents[root(other)] = root(first)
    found: dict[Hashable, list[AnyRow]] = defaultdict(list)
    for row in rows:
        found[root(next(iter(_keys(row))))].append(row)
    return list(found.values())


def _keys(row: AnyRow) -> Iterable[Hashable]:
    yield ("input", comparable(input_of(row)))
    if row.origin.conversation_id is not None:
        yield ("conversation", row.origin.tenant, row.origin.conversation_id)


def _time(row: AnyRow) -> datetime:
    return datetime.fromisoformat(row.origin.occurred_at or "")


def _first_time(group: Sequence[AnyRow]) -> datetime:
    return min(_time(row) for row in group if row.origin.occurred_at)


def _hash(group: Sequence[AnyRow]) -> float:
    """A number from 0 to 1 that depends on the inputs alone."""
    first = min(comparable(input_of(row)) for row in group)
    return int.from_bytes(hashlib.sha256(first.encode("utf-8", "surrogatepass")).digest()[:6]) / 2**48
