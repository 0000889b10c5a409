"""One run as plain data: values by metric and slice, counted errors, and its worst cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from septet_experiments.cases import Case
from septet_experiments.errors import InvalidRun
from septet_experiments.reports.comparison import ErrorCount, SideOfCase
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
from septet_experiments.runs import RunFolder, RunInfo, Sample


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True)


class MetricSummary(_Data):
    """Values of one metric.

    Attributes:
        n: cases with a value; draws are averaged within a case.
        mean: mean over these cases; None if there are none.
        errors: samples without a value.
    """

    metric: str
    signature: str = ""
    n: int
    mean: float | None
    low: float | None = None
    high: float | None = None
    errors: int = 0


class SliceSummary(_Data):
    """Mean of one metric in one slice."""

    key: str
    value: str
    metric: str
    n: int
    mean: float


class CaseOfRun(_Data):
    """One case of a run."""

    case_id: str
    question: str
    references: tuple[str, ...] = ()
    slices: dict[str, str] = {}
    answer: SideOfCase


class RunReport(_Data):
    """A run.

    Attributes:
        samples: samples on disk.
        statuses: number of samples by the status of their response.
        metrics: in the order of the run's description.
        worst: metric that orders ``cases``; None if the run has no values.
        cases: worst first. Cases without a value come first.
    """

    info: RunInfo
    samples: int
    statuses: dict[str, int]
    metrics: tuple[MetricSummary, ...]
    slices: tuple[SliceSummary, ...] = ()
    errors: tuple[ErrorCount, ...] = ()
    worst: str | None = None
    cases: tuple[CaseOfRun, ...] = ()


def summarize(
    folder: RunFolder, *, metrics: Sequence[str] = (), lower_is_better: Collection[str] = ()
) -> RunReport:
    """The report of a run.

    Args:
        metrics: metrics to report, all of them if empty; the first one with a value orders the cases.
        lower_is_better: metrics where a lower value is better.

    Raises:
        InvalidRun: the folder is not a run, or no sample has one of the metrics.
    """
    info, samples = folder.info(), folder.samples()
    names = tuple(metrics) or _names(info, samples)
    known = {name for s in samples for name in (*s.values, *s.failures)}
    if unknown := [name for name in metrics if name not in known]:
        raise InvalidRun(
            f"run {info.id} has no metric {unknown[0]}", f"its metrics are {', '.join(sorted(known))}"
        )
    scored = {name for sample in samples for name in sample.values}
    worst = next((name for name in names if name in scored), None)
    sign = -1.0 if worst in lower_is_better else 1.0
    cases = list(_cases(folder.cases(), by_case(samples), worst, sign))
    cases.sort(key=lambda case: _badness(case, worst, sign))
    return RunReport(
        info=info,
        samples=len(samples),
        statuses=dict(Counter(_status(sample) for sample in samples).most_common()),
        metrics=tuple(_summary(name, info.metrics, cases, samples) for name in names),
        slices=tuple(_slices(cases, names)),
        errors=tuple(count_errors("candidate", samples)),
        worst=worst,
        cases=tuple(cases),
    )


def _names(info: RunInfo, samples: Iterable[Sample]) -> tuple[str, ...]:
    """Metrics of the run's description, then others that samples have."""
    found = dict.fromkeys(info.metrics)
    for sample in samples:
        found.update(dict.fromkeys((*sample.values, *sample.failures)))
    return tuple(found)


def _status(sample: Sample) -> str:
    return sample.response.status if sample.response is not None else sample.error or "no_response"


def _cases(
    cases: Iterable[Case], draws: Mapping[str, Sequence[Sample]], metric: str | None, sign: float
) -> Iterator[CaseOfRun]:
    for case in cases:
        if case.id not in draws:
            continue
        shown = worst_draw(draws[case.id], metric, sign)
        yield CaseOfRun(
            case_id=case.id,
            question=question_text(case),
            references=case.references,
            slices=slices_of(case, shown.response),
            answer=side_of_case(draws[case.id], shown),
        )


def _badness(case: CaseOfRun, metric: str | None, sign: float) -> tuple[float, str]:
    value = case.answer.values.get(metric) if metric is not None else None
    return (-float("inf") if value is None else sign * value, case.case_id)


def _summary(
    name: str, signatures: Mapping[str, str], cases: Sequence[CaseOfRun], samples: Iterable[Sample]
) -> MetricSummary:
    values = [case.answer.values[name] for case in cases if name in case.answer.values]
    return MetricSummary(
        metric=name,
        signature=signatures.get(name, ""),
        n=len(values),
        mean=mean(values) if values else None,
        low=min(values, default=None),
        high=max(values, default=None),
        errors=sum(name not in sample.values for sample in samples),
    )


def _slices(cases: Sequence[CaseOfRun], metrics: Sequence[str]) -> Iterator[SliceSummary]:
    for key, value, members in groups(cases):
        for metric in metrics:
            values = [case.answer.values[metric] for case in members if metric in case.answer.values]
            if values:
                yield SliceSummary(key=key, value=value, metric=metric, n=len(values), mean=mean(values))
