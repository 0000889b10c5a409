"""Scores the samples of a run from their kept responses. No request is published and no model is called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from septet_experiments.judges.suite import METRIC_NAMES
from septet_experiments.metrics import score
from septet_experiments.runs import RunFolder, RunInfo

from septet_cli.evaluation.metric_selection import selected


def is_judge_metric(name: str) -> bool:
    """Whether a metric is one of a judge. The registry has none of them, because a judge is a model that must be called."""
    return name in METRIC_NAMES


def without_judged(names: Iterable[str]) -> list[str]:
    """The names that are not metrics of judges."""
    return [name for name in names if not is_judge_metric(name)]


def score_run(folder: RunFolder, names: Sequence[str]) -> RunInfo:
    """Compute metrics of all samples, and write them with the metrics' signatures.

    Values of other metrics are kept, and so are those of judges, which are not computed.

    Raises:
        InvalidSuite: a metric is unknown.
        InvalidRun: the folder is not a run.
    """
    cases = {case.id: case for case in folder.cases()}
    metrics = selected(
        without_judged(names), [reference for case in cases.values() for reference in case.references]
    )
    folder.update_samples([score(cases[s.case_id], s, metrics) for s in folder.samples()])
    info = folder.info()
    signatures = {**info.metrics, **{metric.name: metric.signature for metric in metrics}}
    info = info.model_copy(update={"metrics": signatures})
    folder.write_info(info)
    return info


def ensure_scored(folder: RunFolder, names: Sequence[str]) -> RunInfo:
    """Compute the metrics that the run lacks, or has with another signature; not those of judges."""
    info = folder.info()
    references = [reference for case in folder.cases() for reference in case.references]
    stale = [
        m.name for m in selected(without_judged(names), references) if info.metrics.get(m.name) != m.signature
    ]
    return score_run(folder, stale) if stale else info
