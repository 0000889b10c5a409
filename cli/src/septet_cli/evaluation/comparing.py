"""Compares any two runs by metrics and margins of the command line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from septet_experiments.gates import GateRule, Pairs, decide_all, pair
from septet_experiments.metrics import METRICS
from septet_experiments.reports import Comparison, compare
from septet_experiments.runs import RunFolder, RunInfo

from septet_cli.errors import CliError
from septet_cli.evaluation.scoring import ensure_scored

MARGIN = 0.02
RELATIVE_MARGIN = 0.05
"""Share of the baseline's mean, for metrics with values outside of 0 to 1."""


@dataclass(frozen=True)
class Rule:
    """A metric, and its margin if one is given."""

    metric: str
    margin: float | None = None


def rules_of(arguments: Sequence[str]) -> list[Rule]:
    """The rules of ``NAME`` and ``NAME=MARGIN``.

    Raises:
        CliError: a margin is no number of 0 or more.
    """
    rules = []
    for argument in arguments:
        name, given, margin = argument.partition("=")
        try:
            value = float(margin) if given else None
        except ValueError:
            value = -1.0
        if not name or (value is not None and not 0 <= value < float("inf")):
            raise CliError(
                f"--metric {argument}: the margin is no number of 0 or more", "--metric token_f1=0.02"
            )
        rules.append(Rule(name, value))
    return rules


def compare_runs(
    baseline: RunFolder, candidate: RunFolder, rules: Sequence[Rule] = (), margin: float | None = None
) -> Comparison:
    """The comparison of two runs.

    Args:
        rules: metrics to compare, the primary one first; all that both runs have if empty.
        margin: margin of rules without one.

    Raises:
        CliError: the runs have no metric in common.
        ExperimentError: the runs cannot be compared.
    """
    for run in (baseline, candidate):
        compute_missing(run, [rule.metric for rule in rules])
    first, second = ((run.info(), run.cases(), run.samples()) for run in (baseline, candidate))
    chosen = rules or [Rule(name) for name in first[0].metrics if name in second[0].metrics]
    if not chosen:
        raise CliError(
            f"The runs {first[0].id} and {second[0].id} have no metric in common.",
            "`septet eval show RUN` lists them",
        )
    lower = _lower_is_better(rule.metric for rule in chosen)
    judged = []
    for rule in chosen:
        pairs = pair(first, second, rule.metric, higher_is_better=rule.metric not in lower)
        limit = next((given for given in (rule.margin, margin) if given is not None), None)
        judged.append(
            (pairs, GateRule(metric=rule.metric, margin=_margin(pairs) if limit is None else limit))
        )
    return compare(
        baseline,
        candidate,
        decide_all(judged[0], judged[1:]),
        lower_is_better=lower | _lower_is_better(_metrics(first[0], second[0])),
    )


def compute_missing(folder: RunFolder, names: Sequence[str]) -> None:
    """Compute those of the named metrics that a run lacks, from its kept responses. Judges' metrics are left out.

    Raises:
        ExperimentError: a metric needs a resource that the command line does not have.
    """
    known = folder.info().metrics
    ensure_scored(folder, [name for name in names if name not in known and name.partition("@")[0] in METRICS])


def lower_is_better(folder: RunFolder, names: Iterable[str]) -> set[str]:
    """Metrics of a run, and the named ones, where a lower value is better."""
    return _lower_is_better((*folder.info().metrics, *names))


def _metrics(*runs: RunInfo) -> set[str]:
    return {name for run in runs for name in run.metrics}


def _lower_is_better(names: Iterable[str]) -> set[str]:
    """Metrics that the registry does not know, such as those of judges, are better when higher."""
    found = ((name, METRICS.get(name.partition("@")[0])) for name in names)
    return {name for name, definition in found if definition is not None and not definition.higher_is_better}


def _margin(pairs: Pairs) -> float:
    if pairs.span is not None or not pairs.n:
        return MARGIN
    return RELATIVE_MARGIN * abs(float(pairs.baseline.mean()))
