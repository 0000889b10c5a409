"""Support of a claim by one row of a table.

A claim about a table names a subject and attributes. All its values must stand in one row, amounts with their units,
and a column that it names must hold one of its values.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, pairwise

from septet_guardrails.domain.grounding import calibration
from septet_guardrails.domain.grounding.tables import Table
from septet_guardrails.domain.grounding.tokens import COMPARISONS, MEASURES, tokens

Tokens = tuple[str, ...]
_MAX_CANDIDATES = 4
_MAX_TOKENS = 80
# Most columns of a claim that are compared with the places of values, and most places of one value.
_MAX_NAMED = 12
_MAX_PLACES = 8
# A number that no cell has weighs as much as a value of one row among a dozen.
_FOREIGN = 2.5
_MAX_CLAUSES = 6
_CLAUSES = re.compile(r",\s+(?:and\s+|but\s+|while\s+)?|;|\s(?:and|but|while|whereas)\s|(?<=[고며나만])\s")
_FLAWS = {
    "missing": "values that do not stand in one row",
    "mixed": "an amount with another unit",
    "orphan": "a value of another column",
    "compared": "a comparison or denial that the table does not state",
    "lone": "no row with both the subject and the value",
}


_UNREAD = dict.fromkeys(calibration.TABLE, 0.0) | {"missing": 1.0, "lone": 1.0}
_UNREAD_ODDS = -30.0


@dataclass(frozen=True)
class Row:
    """The cells of a row as tokens, all its tokens, and its pairs of a number and the token after it."""

    cells: tuple[Tokens, ...]
    bag: frozenset[str]
    amounts: frozenset[tuple[str, str]]


class ReadTable:
    """A table as tokens.

    Attributes:
        columns: the tokens of each column name.
        rows: the rows.
        known: how many rows have a token.
        heads: all tokens of the column names.
        units: tokens that follow a number in a cell or in a column name.
    """

    def __init__(self, table: Table) -> None:
        self.columns = [tokens(name) for name in table.columns]
        self.rows = [_row([tokens(cell)[:_MAX_TOKENS] for cell in cells]) for cells in table.rows]
        self.known = Counter(token for row in self.rows for token in row.bag)
        self.heads = frozenset(token for name in self.columns for token in name)
        self.units = frozenset(unit for row in self.rows for _, unit in row.amounts)

    @cached_property
    def telling(self) -> dict[str, int]:
        """Tokens that stand in one column name only and in no cell, with the column."""
        counts = Counter(token for name in self.columns for token in set(name))
        return {
            token: at
            for at, name in enumerate(self.columns)
            for token in name
            if counts[token] == 1 and token not in self.known
        }

    def weight(self, token: str) -> float:
        """Weight of a value: larger if fewer rows have it."""
        known = self.known.get(token)
        return _FOREIGN if known is None else 0.3 + math.log((len(self.rows) + 1) / (known + 0.5))


def _row(cells: Sequence[Tokens]) -> Row:
    amounts = frozenset(pair for cell in cells for pair in pairwise(cell) if pair[0][-1].isdigit())
    return Row(tuple(cells), frozenset(token for cell in cells for token in cell), amounts)


def look_up(claim: str, table: ReadTable, title: str, question: str) -> tuple[float, dict[str, float]]:
    """Return the log-odds and the features of a claim about a table.

    A sentence about several rows is supported if each of its clauses is.

    Args:
        claim: a sentence without citations.
        table: the table.
        title: the title of the passage. Its words are known.
        question: its words are known, and its values name the subject of a claim that names none.
    """
    neutral = frozenset((*tokens(title), *tokens(question)))
    whole = look_up_tokens(tokens(claim), table, title, question)
    clauses = [tokens(part) for part in _CLAUSES.split(claim, _MAX_CLAUSES)]
    is_short = sum(map(len, clauses)) <= 2 * _MAX_TOKENS
    if whole[1]["missing"] and 2 <= len(clauses) <= _MAX_CLAUSES and is_short:
        parts = [_best(clause, table, neutral) for clause in clauses]
        if not any(features["lone"] for _, features in parts):
            return min(parts, key=lambda part: part[0])
    return whole


def look_up_tokens(
    claim: Tokens, table: ReadTable, title: str, question: str
) -> tuple[float, dict[str, float]]:
    """Return the log-odds and the features of the tokens of a claim about one row."""
    asked = tokens(question)
    return _best(_about(claim, table, asked), table, frozenset((*tokens(title), *asked)))


def row_features(claim: str, table: ReadTable) -> list[dict[str, float]]:
    """Return the features of the rows that support a claim best: for calibration."""
    return list(_Statement(tokens(claim), table, frozenset()).best_rows())


def _about(claim: Tokens, table: ReadTable, asked: Tokens) -> Tokens:
    """Return the claim, after the values of the question if the claim itself has values of less than two columns."""
    present = frozenset(claim)
    held = {
        at for row in table.rows for at, cell in enumerate(row.cells) if cell and present.issuperset(cell)
    }
    if len(held) > 1:
        return claim
    added = [token for token in asked if token in table.known and token not in present]
    return (*added[: max(0, _MAX_TOKENS - len(claim))], *claim)


def _best(claim: Tokens, table: ReadTable, neutral: frozenset[str]) -> tuple[float, dict[str, float]]:
    if len(claim) > _MAX_TOKENS:
        # A row that supports the first tokens says nothing about the others.
        return _UNREAD_ODDS, dict(_UNREAD)
    scored = ((log_odds(f, calibration.TABLE), f) for f in _Statement(claim, table, neutral).best_rows())
    return max(scored, key=lambda pair: pair[0])


def table_flaws(features: Mapping[str, float]) -> tuple[str, ...]:
    """Return the reasons why a row does not support a claim."""
    return tuple(text for name, text in _FLAWS.items() if features[name] >= 0.5)


def log_odds(features: Mapping[str, float], weights: Mapping[str, float]) -> float:
    return weights["bias"] + sum(weights[name] * value for name, value in features.items())


class _Statement:
    """A claim as read against one table."""

    def __init__(self, claim: Tokens, table: ReadTable, neutral: frozenset[str]) -> None:
        self.claim, self.table = claim, table
        distinct = dict.fromkeys(claim)
        self.values = [t for t in distinct if t in table.known or (t[-1].isdigit() and t not in table.heads)]
        self.compared = [t for t in distinct if t in COMPARISONS and t not in table.heads]
        self.unknown = [
            t
            for t in distinct
            if not (
                t in table.known or t in table.heads or t in neutral or t in COMPARISONS or t[-1].isdigit()
            )
        ]
        self.amounts = [pair for pair in pairwise(claim) if pair[0][-1].isdigit() and pair[1] in table.units]
        self.named = dict(_named(claim, table))
        self.weights = [(token, table.weight(token)) for token in self.values]
        self.total = sum(weight for _, weight in self.weights)

    def covered(self, row: Row) -> float:
        """Weight of the values that the row has."""
        return sum(weight for token, weight in self.weights if token in row.bag)

    def best_rows(self) -> Iterable[dict[str, float]]:
        """Yield the features of the rows that have most of the values."""
        for row in sorted(self.table.rows, key=self.covered, reverse=True)[:_MAX_CANDIDATES]:
            yield self.features(row)

    def features(self, row: Row) -> dict[str, float]:
        heads = self.table.heads
        missing = [t for t in self.values if t not in row.bag and t not in heads]
        mixed = [pair for pair in self.amounts if pair not in row.amounts and pair[0] not in missing]
        spans = {
            at: found for at, cell in enumerate(row.cells) if cell and (found := _places(self.claim, cell))
        }
        present = set(self.claim)
        partly = {at for at, c in enumerate(row.cells) if c and 2 * sum(t in present for t in c) >= len(c)}
        idle = [at for at in self.named if at not in partly]
        loose = any(at not in self.named for at in spans)
        stray = [t for t in self.values if t in row.bag and not any(t in row.cells[at] for at in spans)]
        return {
            "missing": float(bool(missing) or any(unit in MEASURES for _, unit in mixed)),
            "more_missing": min(2.0, max(0, len(missing) - 1)),
            "uncovered": 1.0 - self.covered(row) / self.total if self.total else 1.0,
            "mixed": float(bool(mixed)),
            "idle": min(2.0, sum(at != 0 for at in idle)),
            "orphan": float(loose and any(at != 0 for at in idle)),
            "orphan_key": float(loose and 0 in idle),
            "far": min(2.0, self._far(spans, row)),
            "stray": min(2.0, len(stray)),
            "lone": float(len(partly) < 2),
            "compared": float(any(t not in row.bag for t in self.compared)),
            "unknown": len(self.unknown) / max(1, len(set(self.claim))),
        }

    def _far(self, spans: Mapping[int, list[int]], row: Row) -> float:
        """Number of named columns with the value of another column beside their name."""
        wrong = 0
        for at, start in islice(self.named.items(), _MAX_NAMED):
            end = start + 1
            gaps = [
                (max(place - end, start - place - len(row.cells[column]), 0), column)
                for column, places in spans.items()
                for place in places[:_MAX_PLACES]
                if place >= end or place + len(row.cells[column]) <= start
            ]
            nearest = min(gaps, default=None)
            if nearest is not None and nearest[0] <= 1 and (nearest[0], at) not in gaps:
                wrong += 1
        return float(wrong)


def _named(claim: Tokens, table: ReadTable) -> Iterable[tuple[int, int]]:
    """Yield the columns that the claim names, each with the place of the name; longer names first."""
    used: set[int] = set()
    order = sorted(
        (at for at, name in enumerate(table.columns) if name), key=lambda at: -len(table.columns[at])
    )
    for at in order:
        size = len(table.columns[at])
        for start in _places(claim, table.columns[at]):
            if used.isdisjoint(range(start, start + size)):
                used.update(range(start, start + size))
                yield at, start
                break
    for place, token in enumerate(claim):
        if place not in used and token in table.telling:
            yield table.telling[token], place


def _places(claim: Tokens, part: Tokens) -> list[int]:
    """Places of a run of tokens in the claim."""
    size, first = len(part), part[0]
    return [at for at in range(len(claim) - size + 1) if claim[at] == first and claim[at : at + size] == part]
