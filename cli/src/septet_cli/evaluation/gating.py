"""Compares a run with a baseline, and decides by the rules of a suite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from septet_experiments.gates import GateResult, GateRule, Pairs, at_look, decide_all, pair
from septet_experiments.reports import Comparison, compare
from septet_experiments.runs import RunFolder
from septet_experiments.suites import Decision as SuiteRule
from septet_experiments.suites import SuiteSettings

from septet_cli.errors import CliError
from septet_cli.evaluation.comparing import lower_is_better
from septet_cli.evaluation.scoring import ensure_scored, is_judge_metric


@dataclass(frozen=True)
class _Runs:
    """Two runs with the values of the same metrics."""

    baseline: RunFolder
    candidate: RunFolder
    max_errors: float
    looks: Sequence[float] = ()

    def judged(self, rule: SuiteRule, *, higher_is_better: bool) -> tuple[Pairs, GateRule]:
        """The pairs of a metric, with the rule of the gate."""
        runs = [
            (folder.info(), folder.cases(), folder.samples()) for folder in (self.baseline, self.candidate)
        ]
        pairs = pair(runs[0], runs[1], rule.metric, higher_is_better=higher_is_better)
        of_rule = GateRule(metric=rule.metric, margin=rule.margin, max_errors=self.max_errors)
        return pairs, at_look(of_rule, self.looks) if self.looks else of_rule


def gate(
    baseline: RunFolder, candidate: RunFolder, settings: SuiteSettings, looks: Sequence[float] = ()
) -> tuple[GateResult, Comparison]:
    """Decide whether a candidate is worse than a baseline.

    Metrics that a run lacks are computed from its kept responses; not those of judges.

    Args:
        baseline: the run to compare with.
        candidate: the run of the new version.
        settings: metrics and margins.
        looks: for runs that grow: fractions of the planned cases at this look and at the earlier ones. Each look then
            has a part of the error probability.

    Raises:
        CliError: the suite has no primary metric, a judge does not decide, or both runs are the same.
        ExperimentError: the runs cannot be compared.
    """
    rules = _rules(settings)
    _check_different(baseline, candidate)
    names = [rule.metric for rule in rules]
    _check_judges(names, [baseline, candidate], settings)
    for folder in (baseline, candidate):
        ensure_scored(folder, settings.all_metrics)
    runs = _Runs(baseline, candidate, settings.max_errors, looks)
    lower = lower_is_better(candidate, names)
    first, *others = [runs.judged(rule, higher_is_better=rule.metric not in lower) for rule in rules]
    result = decide_all(first, others)
    return result, compare(baseline, candidate, result, lower_is_better=lower)


def check_gate(
    settings: SuiteSettings, dataset_digest: str, baseline: RunFolder, candidate: RunFolder | None = None
) -> None:
    """Check what can be known before a request is published.

    Args:
        settings: of the suite.
        dataset_digest: of the suite's present cases.
        baseline: the run to compare with.
        candidate: a run that exists; None: a new one.

    Raises:
        CliError: no gate can decide, or a run has other cases than the suite.
    """
    rules = _rules(settings)
    for info in (folder.info() for folder in (baseline, candidate) if folder is not None):
        if info.dataset_digest != dataset_digest:
            raise CliError(
                f"The run {info.id} and the suite {settings.name} have different cases.",
                "run the version in use on the present cases, and promote that run",
            )
    if candidate is not None:
        _check_different(baseline, candidate)
    elif judged := [rule.metric for rule in rules if is_judge_metric(rule.metric)]:
        raise CliError(
            f"The gate of {settings.name} cannot decide by {judged[0]}: no judge has read a new run.",
            "`septet eval run`, then `septet eval judge score RUN SUITE`, then `septet eval gate SUITE --run RUN`",
        )


def _rules(settings: SuiteSettings) -> tuple[SuiteRule, ...]:
    """The deciding metrics, the primary one first."""
    if settings.primary is None:
        raise CliError(
            f"The suite {settings.name} has no primary metric.",
            "add `primary: {metric: token_f1, margin: 0.05}` to its suite.yaml",
        )
    return (settings.primary, *settings.secondary)


def _check_different(baseline: RunFolder, candidate: RunFolder) -> None:
    if (run_id := baseline.info().id) == candidate.info().id:
        raise CliError(
            f"The run {run_id} would be compared with itself.",
            "name another run with --run, or leave --run out to run the suite",
        )


def _check_judges(names: Sequence[str], runs: Sequence[RunFolder], settings: SuiteSettings) -> None:
    """A judge decides only about runs that it has read, and only with a calibration that reaches the suite's bar."""
    judged = [name for name in names if is_judge_metric(name)]
    if not judged:
        return
    from septet_cli.evaluation.judging import default_cards, parse_section, undecided

    section = parse_section(settings.judge or {}, f"suite {settings.name}")
    for name, reason in undecided(runs, judged, section, default_cards()).items():
        raise CliError(
            f"The gate of {settings.name} cannot decide by {name}: {reason}.",
            "see `septet eval judge --help`, or list the metric under `metrics`, which reports it",
        )
