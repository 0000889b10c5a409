"""The passages of an outcome as the sources of its response."""

from __future__ import annotations

from septet_contracts import Outcome, Passage, Source

from septet_eval.domain.spans import cited_spans
from septet_eval.domain.text import citations


def sources(outcome: Outcome) -> tuple[Source, ...]:
    """The passages as numbered sources, each with the spans that the answer cites.

    A JSON answer has no citations: it cites the passages that support its values.
    """
    cited = citations(outcome.answer or "")
    spans = cited_spans(outcome)
    if outcome.ask.output_schema is not None:
        cited = set(spans)
    return tuple(
        Source(
            number=n,
            passage_id=p.passage_id,
            document_id=p.document_id,
            content_hash=p.content_hash,
            title=p.title,
            location=p.location,
            uri=p.uri,
            passage=p.text,
            cited=n in cited,
            score=p.score,
            spans=spans.get(n, ()),
            **_place(p),
        )
        for n, p in enumerate(outcome.passages, start=1)
    )


def _place(passage: Passage) -> dict[str, int]:
    """The passage's offsets in its document; empty if they do not fit its text."""
    if passage.end - passage.start != len(passage.text):
        return {}
    return {"start": passage.start, "end": passage.end}
