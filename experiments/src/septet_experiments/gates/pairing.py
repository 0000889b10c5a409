"""Joins two runs by case."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from septet_experiments.cases import Case
from septet_experiments.errors import InvalidRun, NotComparable
from septet_experiments.gates.pairs import NAN_FIX, Pairs
from septet_experiments.gates.rule import Counts
from septet_experiments.runs import RunInfo, Sample

Run = tuple[RunInfo, Sequence[Case], Sequence[Sample]]
NOT_SCORED = "not scored"


class _Draw(NamedTuple):
    """One draw: its value, or the reason why it has none.

    ``scored``: the metric gave a value or a reason. ``concerned``: the metric concerns the response.
    """

    value: float | None
    reason: str
    scored: bool
    concerned: bool = True


_Draws = Mapping[str, Sequence[_Draw]]


def pair(baseline: Run, candidate: Run, metric: str, *, higher_is_better: bool = True) -> Pairs:
    """Join two runs by case id; average the draws of a case; count errors, which are never values.

    The metric does not apply to a case if it is in neither ``values`` nor ``failures`` of its samples in both runs, or
    concerns no sample of one run, because each of them declines to answer. Such a case is left out and counted. If several samples have the same case and draw, the last one is used.

    Args:
        baseline: facts, cases and samples of the run to compare with.
        candidate: the same of the new run. Its number of draws may differ.
        metric: name of the metric.
        higher_is_better: whether a larger value is better.

    Raises:
        NotComparable: the runs have other cases, another version of the metric, no such metric, NaN or infinity.
        InvalidRun: a sample belongs to no case of its run.
    """
    _check_comparable(baseline, candidate, metric)
    old, new = _draws(baseline, metric), _draws(candidate, metric)
    cases = sorted(baseline[1], key=lambda case: case.id)
    applicable = [case for case in cases if _applies(old[case.id], new[case.id])]
    values = {case.id: (_mean(old[case.id]), _mean(new[case.id])) for case in applicable}
    paired = [(case, a, b) for case in applicable for a, b in [values[case.id]] if None not in (a, b)]
    return Pairs(
        metric=metric,
        case_ids=tuple(case.id for case, _, _ in paired),
        clusters=np.array([case.cluster for case, _, _ in paired], dtype=np.str_),
        baseline=np.array([value for _, value, _ in paired], dtype=np.float64),
        candidate=np.array([value for _, _, value in paired], dtype=np.float64),
        higher_is_better=higher_is_better,
        cases=len(applicable),
        not_applicable=len(cases) - len(applicable),
        baseline_counts=_counts(baseline[0], [old[case.id] for case in applicable]),
        candidate_counts=_counts(candidate[0], [new[case.id] for case in applicable]),
    )


def _check_comparable(baseline: Run, candidate: Run, metric: str) -> None:
    old, new = baseline[0], candidate[0]
    if old.dataset_digest != new.dataset_digest:
        raise NotComparable(
            f"runs {old.id} and {new.id} have different cases (dataset {old.dataset_digest[:12]} and "
            f"{new.dataset_digest[:12]})",
            "run the baseline again on the present cases",
        )
    if {case.id for case in baseline[1]} != {case.id for case in candidate[1]}:
        raise InvalidRun(f"runs {old.id} and {new.id} have the same dataset digest and different cases")
    versions = old.metrics.get(metric), new.metrics.get(metric)
    if None not in versions and versions[0] != versions[1]:
        raise NotComparable(
            f"runs {old.id} and {new.id} have different versions of {metric}: {versions[0]} and {versions[1]}",
            "score both runs with the same version",
        )
    for info, _, samples in (baseline, candidate):
        answered = [sample for sample in samples if sample.error is None]
        known = metric in info.metrics or any(
            metric in {*s.values, *s.failures, *s.not_applicable} for s in samples
        )
        if answered and not known:
            raise NotComparable(f"run {info.id} has no metric {metric}", "score it, or name another metric")


def _draws(run: Run, metric: str) -> _Draws:
    info, cases, samples = run
    found: dict[str, dict[int, _Draw]] = {case.id: {} for case in cases}
    for sample in samples:
        if sample.case_id not in found:
            raise InvalidRun(f"run {info.id} has a sample of the unknown case {sample.case_id}")
        draw = _draw(sample, metric)
        if draw.value is not None and not math.isfinite(draw.value):
            raise NotComparable(
                f"run {info.id} has the value {draw.value} of {metric} for case {sample.case_id}", NAN_FIX
            )
        found[sample.case_id][sample.draw] = draw
    return {case_id: list(by_number.values()) for case_id, by_number in found.items()}


def _draw(sample: Sample, metric: str) -> _Draw:
    if metric in sample.failures:
        return _Draw(None, sample.failures[metric], scored=True)
    if metric in sample.not_applicable:
        return _Draw(None, sample.not_applicable[metric], scored=True, concerned=False)
    if metric in sample.values:
        return _Draw(sample.values[metric], "", scored=True)
    return _Draw(None, sample.error or NOT_SCORED, scored=False)


def _applies(*sides: Sequence[_Draw]) -> bool:
    if any(side and not any(draw.concerned for draw in side) for side in sides):
        return False
    draws = [draw for side in sides for draw in side]
    return any(draw.scored for draw in draws) or all(draw.reason != NOT_SCORED for draw in draws)


def _mean(draws: Sequence[_Draw]) -> float | None:
    values = [draw.value for draw in draws if draw.value is not None]
    # Exact summation, so that the order of the draws changes nothing.
    return math.fsum(values) / len(values) if values else None


def _counts(info: RunInfo, cases: Iterable[Sequence[_Draw]]) -> Counts:
    drawn = missing = 0
    reasons: Counter[str] = Counter()
    for draws in cases:
        drawn += max(info.draws, len(draws)) - sum(not draw.concerned for draw in draws)
        missing += max(info.draws - len(draws), 0)
        reasons.update(draw.reason for draw in draws if draw.value is None and draw.concerned)
    return Counts(draws=drawn, errors=reasons.total(), missing=missing, reasons=dict(sorted(reasons.items())))
