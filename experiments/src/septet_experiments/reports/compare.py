"""Builds a comparison from the folders of two runs and the gate's results."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from septet_experiments.cases import Case
from septet_experiments.gates import GateResult
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
    worst_draw,
)
from septet_experiments.reports.slicing import groups
from septet_experiments.runs import RunFolder, Sample


@dataclass(frozen=True)
class _Sides:
    """The draws of one case in both runs."""

    baseline: Sequence[Sample]
    candidate: Sequence[Sample]


def compare(
    baseline: RunFolder,
    candidate: RunFolder,
    gate: GateResult,
    *,
    lower_is_better: Collection[str] = (),
) -> Comparison:
    """Compare two runs.

    Args:
        gate: the gate's decisions about them.
        lower_is_better: metrics where a lower value is better.

    Raises:
        InvalidRun: a folder is not a run.
    """
    before, after = baseline.info(), candidate.info()
    draws_before, draws_after = baseline.samples(), candidate.samples()
    first, second = by_case(draws_before), by_case(draws_after)
    cases = {case.id: case for case in candidate.cases() or baseline.cases()}
    signs = _Signs(gate.primary.metric, lower_is_better)
    differences = [
        _case_difference(cases[case_id], _Sides(first[case_id], second[case_id]), signs)
        for case_id in cases
        if case_id in first and case_id in second
    ]
    differences.sort(key=lambda case: _badness(case, signs.primary))
    results = tuple(_results(gate, before.metrics | after.metrics, lower_is_better))
    return Comparison(
        suite=after.suite,
        baseline=before,
        candidate=after,
        verdict=gate.verdict,
        exit_code=gate.exit_code,
        reason=gate.reason,
        metrics=results,
        slices=tuple(_slices(differences, [result.metric for result in results])),
        errors=(*count_errors("baseline", draws_before), *count_errors("candidate", draws_after)),
        cases=tuple(differences),
        only_baseline=tuple(sorted(first.keys() - second.keys())),
        only_candidate=tuple(sorted(second.keys() - first.keys())),
    )


def _results(
    gate: GateResult, signatures: Mapping[str, str], lower_is_better: Collection[str]
) -> Iterator[MetricResult]:
    for decision in (gate.primary, *gate.secondary):
        yield MetricResult(
            **decision.model_dump(exclude={"exit_code"}),
            primary=decision is gate.primary,
            signature=signatures.get(decision.metric, ""),
            higher_is_better=decision.metric not in lower_is_better,
        )


@dataclass(frozen=True)
class _Signs:
    primary: str
    lower_is_better: Collection[str]

    def difference(self, metric: str, baseline: float, candidate: float) -> float:
        """Positive is better."""
        return baseline - candidate if metric in self.lower_is_better else candidate - baseline


def _case_difference(case: Case, sides: _Sides, signs: _Signs) -> CaseDifference:
    sign = -1.0 if signs.primary in signs.lower_is_better else 1.0
    shown = worst_draw(sides.candidate, signs.primary, sign)
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


def _slices(cases: Sequence[CaseDifference], metrics: Sequence[str]) -> Iterator[SliceResult]:
    for key, value, members in groups(cases):
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
