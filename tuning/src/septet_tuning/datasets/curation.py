"""From candidate rows to the rows of a version: scrubbed, deduplicated, split, and with capped weights."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from septet_tuning.datasets.caps import cap_users, user_of
from septet_tuning.datasets.duplicates import TextIndex, comparable
from septet_tuning.datasets.splitting import split_rows
from septet_tuning.datasets.texts import class_of, input_of, texts_of, with_texts
from septet_tuning.errors import UnsuitableData
from septet_tuning.rows import AnyRow

Scrub = Callable[[Sequence[str]], tuple[str, ...]]
"""Masks personal data in the texts of one row."""

MAJORITY = 2 / 3
"""Share of the weight that a class needs to win when rows of one input have different classes."""


@dataclass(frozen=True)
class Rules:
    """Settings of a build."""

    held_out: float = 0.2
    user_share: float = 0.2
    minimum: int = 8
    suite: tuple[str, ...] = ()


@dataclass
class Curated:
    """The rows of both splits, with counts of what was refused, by reason."""

    train: list[AnyRow] = field(default_factory=list)
    held_out: list[AnyRow] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)


def curate(
    candidates: Iterable[AnyRow], scrub: Scrub, rules: Rules, refused: Mapping[str, int] | None = None
) -> Curated:
    """Check, deduplicate, split and weigh candidate rows. The same candidates give the same rows in the same order.

    Raises:
        UnsuitableData: there is too little data, one class, or too few users. The message has the counts.
    """
    made = Curated(refused=Counter(refused or {}))
    # Rows of higher weight first: of duplicates the most reliable one is kept.
    rows = sorted(candidates, key=lambda row: (-row.weight, row.origin.occurred_at or "", row.id))
    if not rows:
        raise UnsuitableData(
            f"no row of this kind was found: 0 candidates{_described(made)}",
            "Collect feedback, or read more hours.",
        )
    rows = _scrubbed(rows, scrub, made)
    rows = _outside_suite(rows, rules.suite, made)
    rows = _agreeing(rows, made)
    rows = _distinct(rows, made)
    _require(rows, rules.minimum, made)
    split = split_rows(rows, rules.held_out)
    if split.straddling:
        made.refused["later than the split"] = split.straddling
    if not split.train:
        raise UnsuitableData(
            f"all {len(rows)} rows are one conversation or one input; they cannot be split",
            "Collect more feedback.",
        )
    _require_classes(split.train)
    made.train, scaled = cap_users(split.train, rules.user_share)
    # A held-out split may have fewer users than the share needs: then each gets an equal part.
    users = len({user_of(row) for row in split.held_out} - {None})
    made.held_out, _ = cap_users(split.held_out, max(rules.user_share, 1 / users if users else 1))
    if scaled:
        made.warnings.append(
            f"the weights of {scaled} users were capped at {rules.user_share:.0%} of the total"
        )
    if not made.held_out:
        made.warnings.append(f"no held-out rows: {len(made.train)} rows are too few conversations to split")
    return made


def _scrubbed(rows: Sequence[AnyRow], scrub: Scrub, made: Curated) -> list[AnyRow]:
    kept: list[AnyRow] = []
    masked = 0
    for row in rows:
        before = texts_of(row)
        after = scrub(before)
        if scrub(after) != after:
            made.refused["personal data remains"] += 1
            continue
        masked += after != before
        kept.append(with_texts(row, after) if after != before else row)
    if masked:
        made.warnings.append(f"personal data was masked in {masked} rows")
    return kept


def _outside_suite(rows: Sequence[AnyRow], suite: Sequence[str], made: Curated) -> list[AnyRow]:
    if not suite:
        return list(rows)
    index = TextIndex()
    for question in suite:
        index.add(question)
    kept = [row for row in rows if index.find(input_of(row)) is None]
    if len(kept) < len(rows):
        made.refused["overlaps the suite"] = len(rows) - len(kept)
    return kept


def _agreeing(rows: Sequence[AnyRow], made: Curated) -> list[AnyRow]:
    """Of rows with one text and different classes, keep the class with the majority of the weight."""
    weights: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    votes: set[tuple[object, ...]] = set()
    for row in rows:
        name = class_of(row)
        vote = (_subject(row), user_of(row), name)
        # A user counts once for a text and class, however often it is labelled.
        if name is not None and vote not in votes:
            votes.add(vote)
            weights[_subject(row)][name] += row.weight
    kept = [row for row in rows if (name := class_of(row)) is None or _wins(name, weights[_subject(row)])]
    contradicted = sum(len(classes) > 1 for classes in weights.values())
    if contradicted:
        made.refused["contradictory"] = len(rows) - len(kept)
        made.warnings.append(f"{contradicted} of {len(weights)} texts have contradictory labels")
    if contradicted * 2 > len(weights):
        raise UnsuitableData(
            f"{contradicted} of {len(weights)} texts have contradictory labels",
            "Review the labels of these texts.",
        )
    return kept


def _wins(name: str, weights: Mapping[str, float]) -> bool:
    return weights[name] >= MAJORITY * sum(weights.values())


def _subject(row: AnyRow) -> str:
    """What a class is about: the texts, and the rail of a guard example."""
    rail = (class_of(row) or "").split(":")[0] if row.kind == "guard" else ""
    return "\n".join((rail, *map(comparable, texts_of(row))))


def _distinct(rows: Sequence[AnyRow], made: Curated) -> list[AnyRow]:
    index, exact = TextIndex(), set[tuple[str | None, str]]()
    classes: list[str | None] = []
    kept: list[AnyRow] = []
    for row in rows:
        text = "\n".join(texts_of(row))
        identity = (class_of(row), comparable(text))
        if identity in exact:
            made.refused["exact duplicate"] += 1
            continue
        near = index.find(text)
        if near is not None and classes[near] == class_of(row):
            made.refused["near duplicate"] += 1
            continue
        exact.add(identity)
        index.add(text)
        classes.append(class_of(row))
        kept.append(row)
    return kept


def _require(rows: Sequence[AnyRow], minimum: int, made: Curated) -> None:
    if len(rows) < minimum:
        raise UnsuitableData(
            f"{len(rows)} rows remain, and at least {minimum} are needed{_described(made)}",
            "Collect more feedback, read more hours, or lower --minimum.",
        )


def _described(made: Curated) -> str:
    counts = ", ".join(f"{count} {reason}" for reason, count in sorted(made.refused.items()))
    return f" (refused: {counts})" if counts else ""


def _require_classes(rows: Sequence[AnyRow]) -> None:
    classes = Counter(name for row in rows if (name := class_of(row)) is not None)
    if len(classes) == 1:
        name, count = next(iter(classes.items()))
        raise UnsuitableData(
            f"all {count} training rows have the class {name!r}", "Collect examples of the other class."
        )
