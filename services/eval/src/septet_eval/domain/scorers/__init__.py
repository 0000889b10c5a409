"""The registry of scorers. ``docs/reference/scores.md`` describes the value of each."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from types import MappingProxyType

from septet_eval.domain.scorers.citations import citation_precision, citation_recall
from septet_eval.domain.scorers.context import context_relevance
from septet_eval.domain.scorers.groundedness import groundedness
from septet_eval.domain.scorers.length import length
from septet_eval.domain.scorers.protocol import Scorer
from septet_eval.domain.scorers.readability import readability
from septet_eval.domain.scorers.reference import exact_match, rouge_l, token_f1
from septet_eval.domain.scorers.refusal import refusal
from septet_eval.domain.scorers.relevance import CALIBRATIONS, Calibrations, answer_relevance

SCORERS = MappingProxyType(
    {
        s.name: s
        for s in (
            Scorer("refusal", refusal),
            Scorer("length", length),
            Scorer("groundedness", groundedness),
            Scorer("citation_precision", citation_precision),
            Scorer("citation_recall", citation_recall),
            Scorer("context_relevance", context_relevance),
            Scorer("exact_match", exact_match),
            Scorer("token_f1", token_f1),
            Scorer("rouge_l", rouge_l),
            Scorer("readability", readability),
            Scorer("answer_relevance", answer_relevance, semantic=True),
        )
    }
)
"""Scorers by name in the order in which they run: those that admission uses come first."""


def select(names: Iterable[str], calibrations: Calibrations = CALIBRATIONS) -> tuple[Scorer, ...]:
    """The named scorers, in registry order.

    Args:
        names: those to select.
        calibrations: scales of the embedding models, for ``answer_relevance``.

    Raises:
        ValueError: a name is not in the registry; the message lists the known ones.
    """
    wanted = set(names)
    unknown = wanted - SCORERS.keys()
    if unknown:
        raise ValueError(f"unknown scorers {', '.join(sorted(unknown))}; known: {', '.join(SCORERS)}")
    relevance = Scorer("answer_relevance", partial(answer_relevance, known=calibrations), semantic=True)
    return tuple((SCORERS | {relevance.name: relevance})[name] for name in SCORERS if name in wanted)


__all__ = ["SCORERS", "Scorer", "select"]
