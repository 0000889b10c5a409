"""Values of samples, and numbers of a whole run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from septet_contracts import Response

from septet_experiments.cases import Case
from septet_experiments.errors import NotApplicable, NotComputable
from septet_experiments.metrics.metric import Aggregated, Metric, Observed, Selective, accepted
from septet_experiments.runs import Sample


@dataclass(frozen=True)
class Aggregates:
    """Numbers of a run, and the reasons for those that have no value.

    Attributes:
        values: by name, such as `bleu.corpus`.
        failures: reason by name. A name is in ``values`` or in ``failures``, never in both.
    """

    values: dict[str, float] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


def score(case: Case, sample: Sample, metrics: Iterable[Metric]) -> Sample:
    """The sample with the value of each metric that applies to the case, or with the reason why it has none.

    A metric that does not apply has no entry. Entries of other metrics are kept.

    Raises:
        ValueError: the sample is of another case.
    """
    if sample.case_id != case.id:
        raise ValueError(f"the sample is of the case {sample.case_id}, not of {case.id}")
    wanted = list(metrics)
    names = {metric.name for metric in wanted}
    values = {name: value for name, value in sample.values.items() if name not in names}
    failures = {name: reason for name, reason in sample.failures.items() if name not in names}
    not_applicable = {name: reason for name, reason in sample.not_applicable.items() if name not in names}
    for metric in wanted:
        if isinstance(metric, Selective) and not metric.applies_to(case):
            continue
        try:
            found = metric.value(Observed(case, _response(sample)))
            values[metric.name] = accepted(found, binary=metric.binary)
        except NotApplicable as error:
            not_applicable[metric.name] = str(error)
        except NotComputable as error:
            failures[metric.name] = str(error)
    update = {"values": values, "failures": failures, "not_applicable": not_applicable}
    return sample.model_copy(update=update)


def aggregate(cases: Iterable[Case], samples: Iterable[Sample], metrics: Iterable[Metric]) -> Aggregates:
    """Numbers of a run that are not means of its samples, such as corpus BLEU.

    They are made of the samples with a usable response and a known case.
    """
    by_id = {case.id: case for case in cases}
    observed = [
        Observed(by_id[sample.case_id], sample.response)
        for sample in samples
        if sample.response is not None and sample.error is None and sample.case_id in by_id
    ]
    found = Aggregates()
    for metric in metrics:
        if isinstance(metric, Aggregated):
            _add(found, metric, observed)
    return found


def _add(found: Aggregates, metric: Metric, observed: Sequence[Observed]) -> None:
    assert isinstance(metric, Aggregated)
    for name, function in metric.aggregates.items():
        key = f"{metric.name}.{name}"
        try:
            found.values[key] = accepted(function(observed))
        except NotComputable as error:
            found.failures[key] = str(error)


def _response(sample: Sample) -> Response:
    if sample.error is not None or sample.response is None:
        raise NotComputable(f"no usable response: {sample.error or 'none arrived'}")
    return sample.response
