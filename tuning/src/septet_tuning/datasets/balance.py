"""Balance of rows: classes, languages and lengths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from septet_tuning.datasets.manifest import SplitBalance
from septet_tuning.rows import (
    AnyRow,
    Classified,
    Demonstration,
    Desirability,
    GuardExample,
    Preference,
    Triple,
)

_LENGTHS = (100, 300, 1000, 3000, 10_000)


def class_of(row: AnyRow) -> str | None:
    """The class of a row, or None for kinds without classes."""
    match row:
        case Desirability():
            return "desirable" if row.label else "undesirable"
        case GuardExample():
            return f"{row.rail}: {row.label}"
        case Classified():
            return row.label
    return None


def texts_of(row: AnyRow) -> tuple[str, ...]:
    """All texts of a row, the input first and the targets last."""
    match row:
        case Demonstration():
            return tuple(message.content for message in row.messages)
        case Preference():
            return (*(message.content for message in row.prompt), row.chosen, row.rejected)
        case Desirability():
            return (*(message.content for message in row.prompt), row.completion)
        case Triple():
            return (row.question, row.positive, *row.negatives)
        case GuardExample() | Classified():
            return (row.text,)


def input_of(row: AnyRow) -> str:
    """What the model reads: the last message of the user, the question or the text."""
    match row:
        case Demonstration():
            return _last_of_user(tuple((each.role, each.content) for each in row.messages[:-1]))
        case Preference() | Desirability():
            return _last_of_user(tuple((each.role, each.content) for each in row.prompt))
        case Triple():
            return row.question
        case GuardExample() | Classified():
            return row.text


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


def _last_of_user(messages: tuple[tuple[str, str], ...]) -> str:
    users = [content for role, content in messages if role == "user"]
    return users[-1] if users else "\n".join(content for _, content in messages)


def _band(length: int) -> str:
    return _name_band(sum(length >= limit for limit in _LENGTHS))


def _name_band(position: int) -> str:
    if position == len(_LENGTHS):
        return f"{_LENGTHS[-1]} or more"
    return f"under {_LENGTHS[position]}"
