"""Scores the samples of a run from their kept responses. No request is published and no model is called."""

from __future__ import annotations

from collections.abc import Sequence

from septet_experiments.metrics import Metric, score, select
from septet_experiments.runs import RunFolder, RunInfo


def score_run(folder: RunFolder, names: Sequence[str]) -> RunInfo:
    """Compute metrics of all samples, and write them with the metrics' signatures.

    Values of other metrics are kept.

    Raises:
        InvalidSuite: a metric is unknown.
        InvalidRun: the folder is not a run.
    """
    cases = {case.id: case for case in folder.cases()}
    metrics = _selected(names, [reference for case in cases.values() for reference in case.references])
    folder.write_samples([score(cases[s.case_id], s, metrics) for s in folder.samples()])
    info = folder.info()
    signatures = {**info.metrics, **{metric.name: metric.signature for metric in metrics}}
    info = info.model_copy(update={"metrics": signatures})
    folder.write_info(info)
    return info


def ensure_scored(folder: RunFolder, names: Sequence[str]) -> RunInfo:
    """Compute the metrics that the run lacks, or has with another signature."""
    info = folder.info()
    references = [reference for case in folder.cases() for reference in case.references]
    stale = [m.name for m in _selected(names, references) if info.metrics.get(m.name) != m.signature]
    return score_run(folder, stale) if stale else info


def _selected(names: Sequence[str], references: Sequence[str]) -> list[Metric]:
    return select(names, idf_texts=references)
