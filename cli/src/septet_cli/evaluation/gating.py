"""Compares a run with a baseline, and decides by the rules of a suite."""

from __future__ import annotations

from dataclasses import dataclass

from septet_experiments.gates import GateResult, GateRule, Pairs, decide_all, pair
from septet_experiments.reports import Comparison, compare
from septet_experiments.runs import RunFolder
from septet_experiments.suites import Decision as SuiteRule
from septet_experiments.suites import SuiteSettings

from septet_cli.errors import CliError
from septet_cli.evaluation.comparing import lower_is_better
from septet_cli.evaluation.scoring import ensure_scored, without_judged


@dataclass(frozen=True)
class _Runs:
    """Two runs with the values of the same metrics."""

    baseline: RunFolder
    candidate: RunFolder
    max_errors: float

    def judged(self, rule: SuiteRule, *, higher_is_better: bool) -> tuple[Pairs, GateRule]:
        """The pairs of a metric, with the rule of the gate."""
        runs = [
            (folder.info(), folder.cases(), folder.samples()) for folder in (self.baseline, self.candidate)
        ]
        pairs = pair(runs[0], runs[1], rule.metric, higher_is_better=higher_is_better)
        return pairs, GateRule(metric=rule.metric, margin=rule.margin, max_errors=self.max_errors)


def check_comparable(baseline: RunFolder, dataset_digest: str) -> None:
    """Check that a run of these cases can be compared with a baseline, before it publishes a request.

    Raises:
        CliError: the baseline has other cases.
        InvalidRun: the baseline is not a run.
    """
    info = baseline.info()
    if info.dataset_digest != dataset_digest:
        raise CliError(
            f"The run {info.id} has other cases than the suite: they cannot be compared.",
            "run the version in use on the present cases, and promote that run",
        )


def rules_of(settings: SuiteSettings) -> tuple[SuiteRule, ...]:
    """The rules of a suite's gate, the primary one first.

    Raises:
        CliError: the suite has no primary metric, or a metric that is not computed here.
    """
    if settings.primary is None:
        raise CliError(
            f"The suite {settings.name} has no primary metric.",
            "add `primary: {metric: token_f1, margin: 0.05}` to its suite.yaml",
        )
    rules = (settings.primary, *settings.secondary)
    names = [rule.metric for rule in rules]
    if judged := sorted(set(names) - set(without_judged(names))):
        raise CliError(
            f"The gate of {settings.name} cannot decide by {judged[0]}: the judge must be called first.",
            "list it under `metrics`, and compare two scored runs with `septet eval compare`",
        )
    return rules


def gate(baseline: RunFolder, candidate: RunFolder, settings: SuiteSettings) -> tuple[GateResult, Comparison]:
    """Decide whether a candidate is worse than a baseline.

    Metrics that a run lacks are computed from its kept responses.

    Raises:
        CliError: the suite has no rules that can decide.
        ExperimentError: the runs cannot be compared.
    """
    rules = rules_of(settings)
    for folder in (baseline, candidate):
        ensure_scored(folder, settings.all_metrics)
    runs = _Runs(baseline, candidate, settings.max_errors)
    lower = lower_is_better(candidate, [rule.metric for rule in rules])
    first, *others = [runs.judged(rule, higher_is_better=rule.metric not in lower) for rule in rules]
    result = decide_all(first, others)
    return result, compare(baseline, candidate, result, lower_is_better=lower)
