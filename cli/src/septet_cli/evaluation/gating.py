"""Compares a run with a baseline, and decides by the rules of a suite."""

from __future__ import annotations

from dataclasses import dataclass

from septet_experiments.gates import GateResult, GateRule, Pairs, decide_all, pair
from septet_experiments.metrics import Metric, select
from septet_experiments.reports import Comparison, compare
from septet_experiments.runs import RunFolder
from septet_experiments.suites import Decision as SuiteRule
from septet_experiments.suites import SuiteSettings

from septet_cli.errors import CliError
from septet_cli.evaluation.scoring import ensure_scored


@dataclass(frozen=True)
class _Runs:
    """Two runs with the values of the same metrics."""

    baseline: RunFolder
    candidate: RunFolder
    max_errors: float

    def judged(self, rule: SuiteRule, metric: Metric) -> tuple[Pairs, GateRule]:
        """The pairs of a metric, with the rule of the gate."""
        runs = [
            (folder.info(), folder.cases(), folder.samples()) for folder in (self.baseline, self.candidate)
        ]
        pairs = pair(runs[0], runs[1], rule.metric, higher_is_better=metric.higher_is_better)
        return pairs, GateRule(metric=rule.metric, margin=rule.margin, max_errors=self.max_errors)


def gate(baseline: RunFolder, candidate: RunFolder, settings: SuiteSettings) -> tuple[GateResult, Comparison]:
    """Decide whether a candidate is worse than a baseline.

    Metrics that a run lacks are computed from its kept responses.

    Raises:
        CliError: the suite has no primary metric.
        ExperimentError: the runs cannot be compared.
    """
    if settings.primary is None:
        raise CliError(
            f"The suite {settings.name} has no primary metric.",
            "add `primary: {metric: token_f1, margin: 0.05}` to its suite.yaml",
        )
    rules = (settings.primary, *settings.secondary)
    metrics = {metric.name: metric for metric in select([rule.metric for rule in rules])}
    for folder in (baseline, candidate):
        ensure_scored(folder, settings.all_metrics)
    runs = _Runs(baseline, candidate, settings.max_errors)
    first, *others = [runs.judged(rule, metrics[rule.metric]) for rule in rules]
    result = decide_all(first, others)
    lower = {name for name, metric in metrics.items() if not metric.higher_is_better}
    return result, compare(baseline, candidate, result, lower_is_better=lower)
