"""Correlation of a metric with human ratings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from septet_experiments.errors import NotComputable
from septet_experiments.metrics.metric import accepted

_FEWEST = 3


@dataclass(frozen=True)
class Correlation:
    """Agreement of two series.

    Attributes:
        n: pairs.
        pearson: of the values.
        spearman: of the ranks.
        kendall: tau-b, which adjusts for ties.
    """

    n: int
    pearson: float
    spearman: float
    kendall: float


def correlation(human: Sequence[float], metric: Sequence[float]) -> Correlation:
    """Correlation of *metric* with *human*, pair by pair.

    Raises:
        NotComputable: there are fewer than three pairs, a value is not finite, or a series is constant.
        ValueError: the series have different lengths.
    """
    if len(human) != len(metric):
        raise ValueError(f"{len(human)} ratings and {len(metric)} values are not pairs")
    if len(human) < _FEWEST:
        raise NotComputable(f"{len(human)} pairs are fewer than {_FEWEST}")
    for name, series in (("human ratings", human), ("metric's values", metric)):
        if len({accepted(value) for value in series}) == 1:
            raise NotComputable(f"all {name} are equal")
    from scipy import stats

    return Correlation(
        n=len(human),
        pearson=accepted(stats.pearsonr(human, metric).statistic),
        spearman=accepted(stats.spearmanr(human, metric).statistic),
        kendall=accepted(stats.kendalltau(human, metric).statistic),
    )
