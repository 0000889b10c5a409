"""What an answer cites of its passages, as character spans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from septet_contracts import CitedSpan, Outcome, Quote

from septet_eval.domain.case import MAX_CHARACTERS, MAX_SENTENCES
from septet_eval.domain.text import coverage, sentence_spans, sentences, terms

_SUPPORTED = 0.5
"""Share of a sentence's content words that a sentence of the passage must hold to support it."""
_QUOTATION_MARKS = "\"'“”‘’「」『』«»"


def cited_spans(outcome: Outcome) -> dict[int, tuple[CitedSpan, ...]]:
    """Spans by number of the passage, for the passages that a prose answer cites."""
    if not outcome.answer or outcome.ask.output_schema is not None:
        return {}
    texts = {n: p.text[:MAX_CHARACTERS] for n, p in enumerate(outcome.passages, start=1)}
    best = outcome.answerability.best if outcome.answerability is not None else None
    found: defaultdict[int, dict[tuple[int, int], CitedSpan]] = defaultdict(dict)
    for sentence in sentences(outcome.answer[:MAX_CHARACTERS])[:MAX_SENTENCES]:
        for number in sentence.cites:
            text = texts.get(number)
            span = text and (_quoted(sentence.text, text, best, number) or _supporting(sentence.text, text))
            if span:
                found[number].setdefault((span.start, span.end), span)
    return {number: tuple(spans[place] for place in sorted(spans)) for number, spans in found.items()}


def _quoted(sentence: str, text: str, best: Quote | None, number: int) -> CitedSpan | None:
    """The place of a sentence that the answer took verbatim, white space aside, from the passage."""
    plain = sentence.strip(_QUOTATION_MARKS)
    if (at := text.find(plain)) >= 0:
        return CitedSpan(start=at, end=at + len(plain), kind="quoted")
    if best is None or best.number != number or text[best.start : best.end] != best.text:
        return None
    if " ".join(best.text.split()) != plain:
        return None
    return CitedSpan(start=best.start, end=best.end, kind="quoted")


def _supporting(sentence: str, text: str) -> CitedSpan | None:
    """The sentence of the passage that holds most of the sentence's content words; the first of equals."""
    wanted = terms(sentence)
    shares = [(coverage(wanted, terms(text[a:b])), -a, b) for a, b in _bounded(text)]
    share, start, end = max(shares, default=(0.0, 0, 0))
    return CitedSpan(start=-start, end=end, kind="supporting") if share >= _SUPPORTED else None


def _bounded(text: str) -> Iterator[tuple[int, int]]:
    for count, span in enumerate(sentence_spans(text)):
        if count == MAX_SENTENCES:
            return
        yield span
