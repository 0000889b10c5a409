"""Abstention: whether the system declines exactly the questions that the documents do not answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from septet_experiments.cases import Case
from septet_experiments.errors import NotComputable
from septet_experiments.metrics.definition import Built, Definition, Resources
from septet_experiments.metrics.metric import Observed, accepted
from septet_experiments.metrics.reply import ABSTAINED, ANSWERED, declines_in_words, require_result


@dataclass(frozen=True)
class RiskPoint:
    """A threshold of the answerability score, and what follows from it.

    Attributes:
        threshold: questions with this score or a higher one are answered.
        coverage: share of the questions that are answered.
        risk: share of the answered questions that the documents do not answer.
    """

    threshold: float
    coverage: float
    risk: float


def has_abstained(observed: Observed) -> bool:
    """Whether the status is `abstained`, or an answer says in words that it is none.

    Raises:
        NotComputable: the request has no result, or the answer has no `refusal` score.
    """
    require_result(observed.response)
    status = observed.response.status
    return status == ABSTAINED or (status == ANSWERED and declines_in_words(observed.response))


def abstention(observed: Observed) -> float:
    """1 if the response abstains and the case expects it, or answers and the case expects that; else 0."""
    expected = _expected(observed)
    if has_abstained(observed):
        return float(expected == "abstain")
    return float(expected == "answer" and observed.response.status == ANSWERED)


def precision(observed: Sequence[Observed]) -> float:
    """Share of the abstentions that the cases expect."""
    pairs = _pairs(observed)
    correct = [expected for expected, abstained in pairs if abstained]
    if not correct:
        raise NotComputable("no response abstains")
    return sum(correct) / len(correct)


def recall(observed: Sequence[Observed]) -> float:
    """Share of the expected abstentions that occurred."""
    found = [abstained for expected, abstained in _pairs(observed) if expected]
    if not found:
        raise NotComputable("no case expects an abstention")
    return sum(found) / len(found)


def risk_coverage(observed: Iterable[Observed]) -> list[RiskPoint]:
    """The risk at each coverage that a threshold of the answerability score gives, from high to low thresholds.

    Responses without that score are left out, and so are cases that expect a refusal.

    Raises:
        NotComputable: the scored cases do not contain both answerable and unanswerable questions, or a score is not finite.
    """
    scored = [
        (accepted(one.response.answerability.score), one.case.expected == "abstain")
        for one in observed
        if one.response.answerability is not None and is_about_abstention(one.case)
    ]
    if len({unanswerable for _, unanswerable in scored}) < 2:
        raise NotComputable("the answerability scores are not of both answerable and unanswerable questions")
    points: list[RiskPoint] = []
    answered = wrong = 0
    for threshold, group in groupby(sorted(scored, reverse=True), key=lambda pair: pair[0]):
        labels = [unanswerable for _, unanswerable in group]
        answered += len(labels)
        wrong += sum(labels)
        points.append(RiskPoint(threshold, answered / len(scored), wrong / answered))
    return points


def area_under_risk_coverage(observed: Sequence[Observed]) -> float:
    """Mean risk over all coverages; equal scores count as one threshold."""
    area = covered = 0.0
    for point in risk_coverage(observed):
        area += (point.coverage - covered) * point.risk
        covered = point.coverage
    return area


def is_about_abstention(case: Case) -> bool:
    """Whether a case states that the system has to answer, or to abstain."""
    return case.expected in ("answer", "abstain")


def _expected(observed: Observed) -> str:
    if not is_about_abstention(observed.case):
        raise NotComputable("the case has no `expected` of `answer` or `abstain`")
    return str(observed.case.expected)


def _pairs(observed: Sequence[Observed]) -> list[tuple[bool, bool]]:
    """Whether an abstention is expected, and whether it occurred; without the cases for which that is not known."""
    pairs = []
    for one in observed:
        try:
            pairs.append((_expected(one) == "abstain", has_abstained(one)))
        except NotComputable:
            continue
    return pairs


def _abstention(_resources: Resources, _cutoff: int | None) -> Built:
    aggregates = {"precision": precision, "recall": recall, "aurc": area_under_risk_coverage}
    return Built(abstention, {"words": "eval"}, aggregates)


DEFINITIONS = (
    Definition(
        name="abstention",
        measures="whether the response abstains exactly if the case expects it",
        value_range="0 or 1",
        context="context-free",
        needs="`expected`; the score `refusal` of answers",
        source="selective answering (El-Yaniv and Wiener 2010)",
        build=_abstention,
        applies=is_about_abstention,
        binary=True,
        aggregates={
            "precision": "share of the abstentions that the cases expect",
            "recall": "share of the expected abstentions that occurred",
            "aurc": "area under the risk-coverage curve of the answerability score (Geifman et al. 2019); lower is better",
        },
    ),
)
