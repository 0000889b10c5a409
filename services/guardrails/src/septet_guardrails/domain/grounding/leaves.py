"""Support of a JSON answer: each of its values with its name and with the values beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

from septet_guardrails.domain.grounding.claims import CITATION
from septet_guardrails.domain.grounding.lookup import look_up_tokens
from septet_guardrails.domain.grounding.support import Evidence, probability_of, score_sentence
from septet_guardrails.domain.grounding.tokens import MEASURES, UNITS, tokens
from septet_guardrails.domain.text import cached_if_short, split_sentences

_MAX_LEAVES = 100
# A longer string is text and is scored by sentence.
_LONG_VALUE = 12
# Words of a question that do not name its subject.
_ASKING = frozenset(
    tokens(
        "many much give list tell name show return extract find describe state explain json answer please use value"
        " 몇 얼마 무엇 뭐 어떤 어디 언제 누구 알려 주세요 말해 추출 찾아 나열"
    )
)
_NAME_PARTS = re.compile(r"[a-z]+|[A-Z][a-z]*|[A-Z]+(?![a-z])|\d+|[가-힣]+")
_STATED, _OTHER_SUBJECT, _OTHER_MEASURE, _ABSENT = 0.85, 0.3, 0.2, 0.05


@dataclass(frozen=True)
class Leaf:
    """A value of a JSON answer.

    Attributes:
        name: the name of its field; the items of a list have that of the list.
        value: a string or a number.
        subjects: the first short string of its object and of each object around it.
        is_subject: whether it is the first short string of its object and other values depend on it.
    """

    name: str
    value: str
    subjects: tuple[str, ...]
    is_subject: bool = False

    @property
    def shown(self) -> str:
        return f"{self.name}: {self.value}" if self.name else self.value

    @property
    def statement(self) -> str:
        """The value with its name and its subjects, as a claim."""
        return f"{', '.join(self.subjects)} - {self.shown}" if self.subjects else self.shown


def leaves(value: Any, schema: dict[str, Any]) -> list[Leaf]:
    """Return the checkable values of a JSON answer: no booleans and nulls, and no labels that the schema lists."""
    return list(islice(_leaves(value, "", (), frozenset(_labels(schema))), _MAX_LEAVES))


def _leaves(value: Any, name: str, subjects: tuple[str, ...], labels: frozenset[str]) -> Iterator[Leaf]:
    if isinstance(value, dict):
        texts = ((key, item) for key, item in value.items() if isinstance(item, str) and item not in labels)
        first = next((key for key, item in texts if _is_short(item)), None)
        if first is not None:
            yield Leaf(first, value[first], subjects, is_subject=len(value) > 1)
            subjects = (*subjects, value[first])
        for key, item in value.items():
            if key != first:
                yield from _leaves(item, key, subjects, labels)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, name, subjects, labels)
    elif (
        isinstance(value, str | int | float)
        and not isinstance(value, bool)
        and str(value).strip()
        and str(value) not in labels
    ):
        yield Leaf(name, _shown(value), subjects)


def _shown(value: str | float) -> str:
    """Return a value as passages write it: a number without an exponent."""
    return format(Decimal(str(value)), "f") if isinstance(value, float) else str(value)


def _is_short(text: str) -> bool:
    return 0 < len(tokens(text)) <= _LONG_VALUE


def _labels(schema: Any) -> Iterator[str]:
    """Yield the strings of every ``enum`` and ``const`` of a schema."""
    if isinstance(schema, dict):
        listed = schema.get("enum")
        yield from (item for item in (listed if isinstance(listed, list) else ()) if isinstance(item, str))
        if isinstance(schema.get("const"), str):
            yield schema["const"]
        for item in schema.values():
            yield from _labels(item)
    elif isinstance(schema, list):
        for item in schema:
            yield from _labels(item)


def score_leaf(leaf: Leaf, evidence: Sequence[Evidence], question: str) -> float:
    """Return the probability that a passage supports a value, 0 to 1."""
    value = _tokens(leaf.value)
    if not value:
        return 1.0
    if len(value) > _LONG_VALUE:
        return min(
            score_sentence(s.text, evidence, question).probability for s in split_sentences(leaf.value, 40)
        )
    if leaf.is_subject and not leaf.subjects:
        return _STATED if any(_is_stated(value, passage) for passage in evidence) else _ABSENT
    claim = _Claim.of(leaf, value, question)
    return max((_by_passage(claim, passage) for passage in evidence), default=0.0)


def _tokens(text: str) -> tuple[str, ...]:
    """Return the tokens of a value without placeholders of masked data."""
    return tokens(CITATION.sub("", text))


@dataclass(frozen=True)
class _Claim:
    """A leaf as tokens; ``statement`` has its subject, name, value and unit in this order."""

    value: tuple[str, ...]
    name: tuple[str, ...]
    subject: tuple[str, ...]
    statement: tuple[str, ...]
    question: str

    @classmethod
    def of(cls, leaf: Leaf, value: tuple[str, ...], question: str) -> _Claim:
        name = field_tokens(leaf.name)
        subject = tuple(token for text in leaf.subjects for token in _tokens(text))
        unit = name[-1:] if name and name[-1] in UNITS.values() and value[-1][-1].isdigit() else ()
        statement = (*subject, *name[: len(name) - len(unit)], *value, *unit)
        asked = tuple(token for token in tokens(question) if token not in _ASKING)
        return cls(value, name, subject or asked, statement, "" if subject else question)


def _is_stated(value: tuple[str, ...], passage: Evidence) -> bool:
    """Whether a cell or a sentence has the value."""
    wanted = frozenset(value)
    rows = (row for table in passage.tables for row in table.rows if wanted <= row.bag)
    return wanted <= passage.bag or any(wanted.issubset(cell) for row in rows for cell in row.cells)


def _by_passage(claim: _Claim, passage: Evidence) -> float:
    tables = (look_up_tokens(claim.statement, t, passage.title, claim.question)[0] for t in passage.tables)
    return max(max(map(probability_of, tables), default=0.0), _by_text(claim, passage))


def _by_text(claim: _Claim, passage: Evidence) -> float:
    """Return whether a sentence has the value, with its subject in the same or the previous sentence."""
    found = _ABSENT
    title = frozenset(tokens(passage.title))
    before: frozenset[str] = frozenset()
    for held in passage.sentence_tokens:
        bag = frozenset(held)
        if bag.issuperset(claim.value):
            around = bag | before | title
            wanted = [token for token in dict.fromkeys(claim.subject) if token not in claim.value]
            shared = sum(token in around for token in wanted)
            if not _has_measure(claim.value, claim.name, held):
                found = max(found, _OTHER_MEASURE)
            elif wanted and shared < max(1, len(wanted) // (3 if claim.question else 2)):
                found = max(found, _OTHER_SUBJECT)
            else:
                return _STATED
        before = bag
    return found


def _has_measure(value: tuple[str, ...], name: tuple[str, ...], held: tuple[str, ...]) -> bool:
    """Whether the amount has a unit of the kind that the field's name asks for, or none."""
    wanted = {MEASURES[token] for token in name if token in MEASURES}
    if not wanted or not value[0][-1].isdigit():
        return True
    units = {held[at + 1] for at, token in enumerate(held[:-1]) if token == value[0]}
    kinds = {MEASURES[unit] for unit in units if unit in MEASURES}
    return not kinds or bool(kinds & wanted)


@cached_if_short(maxsize=1024)
def field_tokens(name: str) -> tuple[str, ...]:
    """Return the tokens of a field name such as ``price_usd`` or ``pricePerMonth``."""
    return tokens(" ".join(_NAME_PARTS.findall(name)))
