"""Character spans of the passages that an answer cites."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice

from septet_contracts import CitedSpan, Outcome, Quote
from septet_kit.text import sentence_spans

from septet_eval.domain.case import MAX_CHARACTERS, MAX_SENTENCES, object_texts
from septet_eval.domain.text import Sentence, coverage, sentences, terms

MAX_PAIRS = 200
"""Maximum number of pairs of a sentence and a passage that it cites, which bounds the cost."""
_SUPPORTED = 0.5
"""Share of a sentence's content words that a sentence of the passage must contain to support it."""
_TERMINATORS = ".!?。！？"
_QUOTATION_MARKS = "\"'“”‘’「」『』«»"


class _Text:
    """A passage's text. It is split into sentences once, on first use."""

    def __init__(self, text: str) -> None:
        self.text = text[:MAX_CHARACTERS]
        self._sentences: list[tuple[int, int, frozenset[str]]] | None = None

    def quoted(self, sentence: str, best: Quote | None) -> CitedSpan | None:
        """The span of a sentence that was copied verbatim, except for white space; ``best`` is retrieval's quote."""
        plain = sentence.strip(_QUOTATION_MARKS)
        for words in (plain, plain.rstrip(_TERMINATORS)):
            if (at := self._find(words)) >= 0:
                return CitedSpan(start=at, end=at + len(words), kind="quoted")
        if best is None or self.text[best.start : best.end] != best.text:
            return None
        if " ".join(best.text.split()) != plain:
            return None
        return CitedSpan(start=best.start, end=best.end, kind="quoted")

    def supporting(self, sentence: str) -> CitedSpan | None:
        """The sentence with the largest share of the given one's content words; the first of several."""
        wanted = terms(sentence)
        if self._sentences is None:
            spans = islice(sentence_spans(self.text), MAX_SENTENCES)
            self._sentences = [(a, b, terms(self.text[a:b])) for a, b in spans]
        shares = ((coverage(wanted, held), -a, b) for a, b, held in self._sentences)
        share, start, end = max(shares, default=(0.0, 0, 0))
        return CitedSpan(start=-start, end=end, kind="supporting") if share >= _SUPPORTED else None

    def _find(self, words: str) -> int:
        """Offset of ``words`` as whole words, or -1."""
        at = self.text.find(words) if words else -1
        while at >= 0 and (self._is_inside_word(at) or self._is_inside_word(at + len(words))):
            at = self.text.find(words, at + 1)
        return at

    def _is_inside_word(self, at: int) -> bool:
        return 0 < at < len(self.text) and self.text[at - 1].isalnum() and self.text[at].isalnum()


def cited_spans(outcome: Outcome) -> dict[int, tuple[CitedSpan, ...]]:
    """Spans by passage number: of the passages that a prose answer cites, or that support the values of a JSON answer."""

    if not outcome.answer:
        return {}
    texts = {n: _Text(p.text) for n, p in enumerate(outcome.passages, start=1)}
    if outcome.ask.output_schema is not None:
        return _value_spans(outcome.answer, texts)
    best = outcome.answerability.best if outcome.answerability is not None else None
    found: defaultdict[int, dict[tuple[int, int], CitedSpan]] = defaultdict(dict)
    for sentence, number in islice(_pairs(outcome.answer), MAX_PAIRS):
        if (text := texts.get(number)) is None:
            continue
        quote = best if best is not None and best.number == number else None
        span = text.quoted(sentence.text, quote) or text.supporting(sentence.text)
        if span is not None:
            found[number].setdefault((span.start, span.end), span)
    return {number: tuple(spans[place] for place in sorted(spans)) for number, spans in found.items()}


def _value_spans(answer: str, texts: dict[int, _Text]) -> dict[int, tuple[CitedSpan, ...]]:
    """The best span for the values of each object of a JSON answer."""
    found: defaultdict[int, set[tuple[int, int]]] = defaultdict(set)
    for values in islice(object_texts(answer), MAX_PAIRS // max(1, len(texts))):
        spans = ((number, text.supporting(values)) for number, text in texts.items())
        shares = [
            (coverage(terms(values), terms(texts[n].text[s.start : s.end])), -n, s) for n, s in spans if s
        ]
        if shares:
            _, number, span = max(shares, key=lambda share: share[:2])
            found[-number].add((span.start, span.end))
    return {
        number: tuple(CitedSpan(start=start, end=end, kind="supporting") for start, end in sorted(places))
        for number, places in found.items()
    }


def _pairs(answer: str) -> Iterator[tuple[Sentence, int]]:
    for sentence in sentences(answer[:MAX_CHARACTERS])[:MAX_SENTENCES]:
        for number in sentence.cites:
            yield sentence, number
