"""Pairs: the values of one metric in two runs, joined by case."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from septet_experiments.errors import NotComparable
from septet_experiments.gates.rule import Counts

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
NAN_FIX = "record the reason in `failures` of the sample: a metric without a value is a counted error"
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Pairs:
    """Values of one metric in two runs. All arrays have the shape (n,), one entry for each pair.

    Attributes:
        metric: name of the metric.
        case_ids: ids of the cases that have a value in both runs.
        clusters: cluster of each case, of any type that NumPy can sort. Clusters are independent of each other.
        baseline: mean over the draws of the baseline, in the metric's unit.
        candidate: mean over the draws of the candidate.
        higher_is_better: whether a larger value is better.
        cases: cases of the suite to which the metric applies.
        not_applicable: cases that neither run scored with this metric, or that one run declines to answer.
        baseline_counts: draws and errors of the baseline.
        candidate_counts: draws and errors of the candidate.

    Raises:
        ValueError: the arrays differ in length.
        NotComparable: a value is NaN or infinite.
    """

    metric: str
    case_ids: tuple[str, ...]
    clusters: NDArray[Any]
    baseline: Floats
    candidate: Floats
    higher_is_better: bool = True
    cases: int = 0
    not_applicable: int = 0
    baseline_counts: Counts = field(default_factory=Counts)
    candidate_counts: Counts = field(default_factory=Counts)

    def __post_init__(self) -> None:
        lengths = {len(self.case_ids), len(self.clusters), len(self.baseline), len(self.candidate)}
        if len(lengths) != 1:
            raise ValueError(f"the arrays of pairs differ in length: {sorted(lengths)}")
        if not (np.isfinite(self.baseline).all() and np.isfinite(self.candidate).all()):
            raise NotComparable(f"a value of {self.metric} is not a finite number", NAN_FIX)

    @property
    def n(self) -> int:
        """Number of pairs."""
        return len(self.case_ids)

    @property
    def unpaired(self) -> int:
        """Cases without a value in at least one run."""
        return max(self.cases - self.n, 0)

    @cached_property
    def codes(self) -> Codes:
        """Number of each case's cluster, 0…G−1, in the order of the clusters' names."""
        return np.unique(self.clusters, return_inverse=True)[1]

    @cached_property
    def differences(self) -> Floats:
        """Candidate − baseline, positive where the candidate is better; 0 where only rounding differs."""
        found = self.candidate - self.baseline if self.higher_is_better else self.baseline - self.candidate
        scale = np.maximum(np.abs(self.baseline), np.abs(self.candidate))
        return np.where(np.abs(found) <= _ROUNDING * scale, 0.0, found)

    @property
    def is_binary(self) -> bool:
        """Whether every value is 0 or 1."""
        return all(bool(((values == 0) | (values == 1)).all()) for values in (self.baseline, self.candidate))

    @property
    def span(self) -> float | None:
        """1 if every value lies in 0…1; otherwise None."""
        return (
            1.0 if all(bool(((v >= 0) & (v <= 1)).all()) for v in (self.baseline, self.candidate)) else None
        )
