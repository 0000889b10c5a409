"""The figures of a calibration as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from septet_kit.calibration import Calibration


def lines_of(calibration: Calibration) -> Iterator[str]:
    """One line for each part, and for each language of it, with figures on examples that were not fitted."""
    yield f"embedding model {calibration.embeddings_model}, prefixes {dict(calibration.prefixes)}"
    yield "Figures are of examples that were not fitted (5 folds); the file holds a fit of all examples."
    for name, part in calibration.parts.items():
        if name == "answerability":
            yield _answerability(part.counts, part.held_out)
        for language, figures in part.held_out.items():
            if isinstance(figures, Mapping) and name == "answer_relevance":
                yield _relevance(language, part.counts[language], figures)
            elif isinstance(figures, Mapping) and name == "cache":
                yield _cache(language, part.counts[language], figures)
    for missing, reason in calibration.uncalibrated.items():
        yield f"{missing}: not calibrated: {reason}"


def _answerability(counts: Mapping[str, int], figures: Mapping[str, Any]) -> str:
    ends, words = figures["end_to_end"], figures["words_alone"]
    return (
        f"answerability: AUC {figures['auc']} (words alone {words['auc']}); at {ends['threshold']} "
        f"refused with the documents {_percent(ends['refused_with_the_documents'])} "
        f"({_percent(words['refused_with_the_documents'])}), answered without them "
        f"{_percent(ends['answered_without_the_documents'])} ({_percent(words['answered_without_the_documents'])}); "
        f"{counts['answerable']} answerable, {counts['unanswerable']} unanswerable, {counts['unfound']} not found"
    )


def _relevance(language: str, counts: Mapping[str, int], figures: Mapping[str, Any]) -> str:
    above = figures["above_floor"]
    return (
        f"answer_relevance, {language}: AUC {figures['auc']} (words alone {figures['auc_words']}); "
        f"at least {figures['floor']}: own answers {_percent(above['relevant'])}, "
        f"others {_percent(above['irrelevant'])}; {counts['relevant']} questions"
    )


def _cache(language: str, counts: Mapping[str, int], figures: Mapping[str, Any]) -> str:
    return (
        f"cache, {language}: repeats served {_percent(figures['served'])}, different pairs served "
        f"{_percent(figures['false_hits'])}, wrong {_percent(figures['wrong'])} of {figures['hits']} hits; "
        f"{counts['pairs']} pairs ({counts['same']} same and {counts['different']} different can be compared)"
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"
