"""Exact match and token F1: the metrics of SQuAD (Rajpurkar et al. 2016) and KorQuAD (Lim et al. 2019)."""

from __future__ import annotations

from septet_experiments.metrics.definition import Built, Definition, Resources
from septet_experiments.metrics.metric import Observed
from septet_experiments.metrics.reply import answer_of, has_references, references_of
from septet_experiments.metrics.units import bag_f1, is_korean, squad_normalised, squad_units


def exact_match(observed: Observed) -> float:
    """1 if the normalised answer equals a normalised reference."""
    references = references_of(observed.case)
    answer = squad_normalised(answer_of(observed.response))
    return float(any(answer == squad_normalised(reference) for reference in references))


def token_f1(observed: Observed) -> float:
    """F1 of the words, or of the characters where the reference is Korean; the best reference counts."""
    references = references_of(observed.case)
    answer = answer_of(observed.response)
    return max(_f1(answer, reference) for reference in references)


def _f1(answer: str, reference: str) -> float:
    korean = is_korean(reference)
    return bag_f1(squad_units(answer, characters=korean), squad_units(reference, characters=korean))


def _exact_match(_resources: Resources, _cutoff: int | None) -> Built:
    return Built(exact_match, {"norm": "squad"})


def _token_f1(_resources: Resources, _cutoff: int | None) -> Built:
    return Built(token_f1, {"norm": "squad", "tok": "words", "ko": "characters"})


DEFINITIONS = (
    Definition(
        name="exact_match",
        measures="whether the answer equals a reference without case, punctuation and English articles",
        value_range="0 or 1",
        context="context-free",
        needs="`references`",
        source="SQuAD (Rajpurkar et al. 2016)",
        build=_exact_match,
        applies=has_references,
        binary=True,
    ),
    Definition(
        name="token_f1",
        measures="F1 of the words shared with a reference; Korean: of the characters",
        value_range="0 to 1",
        context="context-free",
        needs="`references`",
        source="SQuAD; KorQuAD (Lim et al. 2019) for Korean",
        build=_token_f1,
        applies=has_references,
    ),
)
