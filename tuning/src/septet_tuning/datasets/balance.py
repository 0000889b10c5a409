"""Balance of rows: classes, languages and lengths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from septet_tuning.datasets.manifest import SplitBalance
from septet_tuning.datasets.texts import class_of, texts_of
from septet_tuning.rows import AnyRow

_LENGTHS = (100, 300, 1000, 3000, 10_000)


def measure_balance(rows: Sequence[AnyRow]) -> SplitBalance:
    """Count the rows of one split."""
    classes = Counter(name for row in rows if (name := class_of(row)) is not None)
    languages = Counter(row.language or "unknown" for row in rows)
    lengths = Counter(_band(sum(map(len, texts_of(row)))) for row in rows)
    order = [_name_band(position) for position in range(len(_LENGTHS) + 1)]
    return SplitBalance(
        rows=len(rows),
        weight=round(sum(row.weight for row in rows), 6),
        classes=dict(sorted(classes.items())),
        languages=dict(sorted(languages.items())),
        lengths={name: lengths[name] for name in order if lengths[name]},
    )


def _band(length: int) -> str:
    return _name_band(sum(length >= limit for limit in _LENGTHS))


def _name_band(position: int) -> str:
    if position == len(_LENGTHS):
        return f"{_LENGTHS[-1]} or more"
    return f"under {_LENGTHS[position]}"
