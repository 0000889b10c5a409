"""Builds a comparison from the folders of two runs and the gate's results."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from septet_experiments.cases import Case
from septet_experiments.reports.comparison import (
    CaseDifference,
    Comparison,
    MetricResult,
    SliceResult,
)
from septet_experiments.reports.observed import (
    by_case,
    count_errors,
    mean,
    question_text,
    side_of_case,
    slices_of,
)
from septet_experiments.runs import RunFolder, Sample

SLICE_VALUES = 20
"""Values of one slice key that a report shows: those with the most cases."""


@dataclass(frozen=True)
class _Sides:
    """The draws of one case in both runs."""

    baseline: Sequence[Sample]
    candidate: Sequence[Sample]


def compare(
    baseline: RunFolder,
    candidate: RunFolder,
    results: Sequence[MetricResult],
    *,
    lower_is_better: Collection[str] = (),
) -> Comparison:
    """Compare two runs.

    Args:
        results: the gate's results, the primary metric first.
        lower_is_better: metrics without a result where a lower value is better.

    Raises:
        InvalidRun: a folder is not a run.
    """
    before, after = baseline.info(), candidate.info()
    draws_before, draws_after = baseline.samples(), candidate.samples()
    lower = {result.metric for result in results if not result.higher_is_better}
    first, second = by_case(draws_before), by_case(draws_after)
    cases = {case.id: case for case in candidate.cases() or baseline.cases()}
    primary = results[0]
    signs = _Signs(primary.metric, lower | set(lower_is_better))
    differences = [
        _case_difference(cases[case_id], _Sides(first[case_id], second[case_id]), signs)
        for case_id in cases
        if case_id in first and case_id in second
    ]
    differences.sort(key=lambda case: _badness(case, primary.metric))
    return Comparison(
        suite=after.suite,
        baseline=before,
        candidate=after,
        verdict=primary.verdict,
        exit_code={"PASS": 0, "FAIL": 1, "INCONCLUSIVE": 2}[primary.verdict],
        reason=primary.reason,
        metrics=tuple(_with_means(result, differences, before.metrics | after.metrics) for result in results),
        slices=tuple(_slices(differences, [result.metric for result in results])),
        errors=(*count_errors("baseline", draws_before), *count_errors("candidate", draws_after)),
        cases=tuple(differences),
        only_baseline=tuple(sorted(first.keys() - second.keys())),
        only_candidate=tuple(sorted(second.keys() - first.keys())),
    )


@dataclass(frozen=True)
class _Signs:
    primary: str
    lower_is_better: Collection[str]

    def difference(self, metric: str, baseline: float, candidate: float) -> float:
        """Positive is better."""
        return baseline - candidate if metric in self.lower_is_better else candidate - baseline

    def worst(self, draws: Sequence[Sample]) -> Sample:
        """The draw without a value, or the one with the worst value of the primary metric."""
        sign = -1.0 if self.primary in self.lower_is_better else 1.0
        return min(
            draws, key=lambda d: sign * d.values[self.primary] if self.primary in d.values else -float("inf")
        )


def _case_difference(case: Case, sides: _Sides, signs: _Signs) -> CaseDifference:
    shown = signs.worst(sides.candidate)
    opposite = next((draw for draw in sides.baseline if draw.draw == shown.draw), sides.baseline[0])
    baseline, candidate = side_of_case(sides.baseline, opposite), side_of_case(sides.candidate, shown)
    return CaseDifference(
        case_id=case.id,
        question=question_text(case),
        references=case.references,
        expected=case.expected,
        slices=slices_of(case, opposite.response),
        baseline=baseline,
        candidate=candidate,
        differences={
            metric: signs.difference(metric, value, candidate.values[metric])
            for metric, value in baseline.values.items()
            if metric in candidate.values
        },
        lost=signs.primary in baseline.values and signs.primary not in candidate.values,
        origin_trace_id=case.origin.trace_id,
    )


def _badness(case: CaseDifference, metric: str) -> tuple[bool, float, str]:
    return (not case.lost, case.differences.get(metric, float("inf")), case.case_id)


def _with_means(
    result: MetricResult, cases: Sequence[CaseDifference], signatures: Mapping[str, str]
) -> MetricResult:
    paired = [case for case in cases if result.metric in case.differences]
    if not paired:
        return result
    return result.model_copy(
        update={
            "signature": result.signature or signatures.get(result.metric, ""),
            "baseline": mean([case.baseline.values[result.metric] for case in paired]),
            "candidate": mean([case.candidate.values[result.metric] for case in paired]),
        }
    )


def _slices(cases: Sequence[CaseDifference], metrics: Sequence[str]) -> Iterator[SliceResult]:
    groups: defaultdict[str, defaultdict[str, list[CaseDifference]]] = defaultdict(lambda: defaultdict(list))
    for case in cases:
        for key, value in case.slices.items():
            groups[key][value].append(case)
    for key, values in sorted(groups.items()):
        if len(values) == 1 and len(next(iter(values.values()))) == len(cases):
            continue
        for value, members in sorted(values.items(), key=lambda item: (-len(item[1]), item[0]))[
            :SLICE_VALUES
        ]:
            for metric in metrics:
                paired = [case for case in members if metric in case.differences]
                if paired:
                    yield SliceResult(
                        key=key,
                        value=value,
                        metric=metric,
                        n=len(paired),
                        baseline=mean([case.baseline.values[metric] for case in paired]),
                        candidate=mean([case.candidate.values[metric] for case in paired]),
                        difference=mean([case.differences[metric] for case in paired]),
                    )
