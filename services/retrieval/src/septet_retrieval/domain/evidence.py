"""Selects the sentences of passages that cover a question's terms best."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from septet_contracts import Passage
from septet_kit.text import Span, sentence_spans

from septet_retrieval.domain.analysis import analyze, analyze_question, question_units

MAX_PASSAGES = 5
MAX_SENTENCES = 12
_MIN_CHARACTERS = 12
_MAX_CHARACTERS = 600
_LABEL = re.compile(
    r"\A(?:#+ .*|(?:(?:async |def |class )?[\w.]+\(.*\)(?: ?->.*)?:?)|(?:class|module) [\w.]+)\Z", re.DOTALL
)
_QUESTION = re.compile(r"[?？]\W*\Z")

_NAME = re.compile(r"(?<!^)(?<![.!?]\s)\b[A-Z][\w'’-]*|\b\w*\d[\w.,]*|\b\w+(?:[._]\w+)+|[A-Z]{2,}")
# Words of the question's form: "What is a deque used for?" asks about a deque.
_FORM = re.compile(
    r"\bused\s+for\b|\bmeant\s+by\b|\b(?:means?|works?)(?=\s*\?)|(?:사용되|쓰이|사용하|의미하|뜻하)(?:나요|는가|는지)|뜻(?:인가요|은)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Sentence:
    """A sentence of the passage at ``number`` (1-based); offsets refer to the passage's text.

    ``coverage`` is the share of the question's terms in the sentence and the passage's heading. A sentence is
    ``bare`` if it is a heading, a signature or a question, or if all its terms are in the question or the heading.
    """

    passage: Passage
    number: int
    span: Span
    coverage: float
    bare: bool

    @property
    def text(self) -> str:
        return self.span.of(self.passage.text)

    @property
    def embedded_text(self) -> str:
        """The sentence after its passage's title, which resolves its pronouns."""
        title = self.passage.title
        return self.text if not title or title.lower() in self.text.lower() else f"{title}: {self.text}"


@dataclass(frozen=True)
class Terms:
    """A question's terms: all, those of names, numbers and identifiers, and those of each word."""

    all: frozenset[str]
    names: frozenset[str]
    units: tuple[frozenset[str], ...]

    @classmethod
    def of(cls, question: str) -> Terms:
        question = _FORM.sub(" ", question)
        names = {term for name in _NAME.findall(question) for term in analyze(name)}
        described = frozenset(analyze_question(question))
        return cls(described, frozenset(names) & described, tuple(question_units(question)))

    def coverage(self, terms: frozenset[str]) -> float:
        """Return the share of the question's words in ``terms``, 0 to 1; words of several terms count in parts."""
        met = sum(len(unit & terms) / len(unit) for unit in self.units)
        return met / len(self.units) if self.units else 0.0

    def rare_coverages(self, held: Sequence[frozenset[str]]) -> list[float]:
        """Return the coverage of each passage by its terms. The fewer passages have a word, the more it counts."""
        met = [[len(unit & terms) / len(unit) for terms in held] for unit in self.units]
        weights = [math.log(1 + len(held) / (sum(shares) + 0.5)) for shares in met]
        total = sum(weights) or 1.0
        return [
            sum(weight * shares[at] for weight, shares in zip(weights, met, strict=True)) / total
            for at in range(len(held))
        ]

    def lead_coverage(self, terms: frozenset[str]) -> float:
        """Return the share of the first word's terms. Without capitals, the first word is often the topic."""
        return len(self.units[0] & terms) / len(self.units[0]) if self.units else 0.0

    def name_coverage(self, terms: frozenset[str]) -> float:
        """Return the share of names in ``terms``; 1 if the question has none."""
        return len(self.names & terms) / len(self.names) if self.names else 1.0


@lru_cache(maxsize=4096)
def terms_of(text: str) -> frozenset[str]:
    """Return the terms of a passage, heading or sentence. The cache serves texts that many questions retrieve."""
    return frozenset(analyze(text))


def heading_terms(passage: Passage) -> frozenset[str]:
    return terms_of(f"{passage.title} {passage.location}")


def passage_terms(passage: Passage) -> frozenset[str]:
    return heading_terms(passage) | terms_of(passage.text)


def stated_terms(passage: Passage) -> frozenset[str]:
    """Return the terms of a passage without its questions. A quoted question holds its own words, and no answer."""
    text = passage.text
    if "?" not in text and "？" not in text:
        return passage_terms(passage)
    for span in reversed(_sentences(text)):
        if _QUESTION.search(span.of(text)):
            text = f"{text[: span.start]} {text[span.end :]}"
    return heading_terms(passage) | terms_of(text)


def best_sentences(terms: Terms, passages: Sequence[Passage]) -> list[Sentence]:
    """Return at most ``MAX_SENTENCES`` sentences of the first passages that cover the question best, in order.

    The first sentence of each of the first three passages is always included: a definition may share only the
    subject with the question.
    """
    found: list[Sentence] = []
    for number, passage in enumerate(passages[:MAX_PASSAGES], start=1):
        heading = heading_terms(passage)
        for span in _sentences(passage.text):
            sentence = span.of(passage.text)
            own = terms_of(sentence)
            bare = own <= heading | terms.all or bool(_LABEL.match(sentence) or _QUESTION.search(sentence))
            found.append(Sentence(passage, number, span, terms.coverage(heading | own), bare))
    order = sorted(range(len(found)), key=lambda i: (not _leads(found, i), -found[i].coverage, i))
    return [found[i] for i in sorted(order[:MAX_SENTENCES])]


def _leads(found: Sequence[Sentence], position: int) -> bool:
    """Whether the sentence opens one of the first three passages."""
    this = found[position]
    return this.number <= 3 and (position == 0 or found[position - 1].number != this.number)


@lru_cache(maxsize=1024)
def _sentences(text: str) -> tuple[Span, ...]:
    spans = [span for span in sentence_spans(text) if span.end - span.start >= _MIN_CHARACTERS]
    if not spans:
        return (Span(0, min(len(text), _MAX_CHARACTERS)),) if text.strip() else ()
    return tuple(Span(span.start, min(span.end, span.start + _MAX_CHARACTERS)) for span in spans)
