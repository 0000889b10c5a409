"""Entries of the registry of metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from septet_experiments.cases import Case
from septet_experiments.metrics.metric import Aggregate, Context, FunctionMetric, Observed
from septet_experiments.metrics.token_vectors import TokenVectors


@dataclass(frozen=True)
class Resources:
    """What the caller provides to metrics.

    Attributes:
        token_vectors: a model for BERTScore and MoverScore.
        idf_texts: texts that weight rare tokens more in them, such as all references of a suite; without them all tokens
            have the same weight.
    """

    token_vectors: TokenVectors | None = None
    idf_texts: Sequence[str] = ()


@dataclass(frozen=True)
class Built:
    """The functions of a metric, and the parts of its signature.

    Attributes:
        function: value of one response.
        details: parameters and versions by short name.
        aggregates: numbers of a whole run by name.
    """

    function: Callable[[Observed], float]
    details: Mapping[str, object] = field(default_factory=dict)
    aggregates: Mapping[str, Aggregate] = field(default_factory=dict)


def always(_case: Case) -> bool:
    """Whether a metric applies that needs nothing of the case."""
    return True


@dataclass(frozen=True)
class Definition:
    """A metric of the registry.

    Attributes:
        name: in ``suite.yaml``.
        measures: what it measures, for the reference page.
        value_range: of its values.
        context: as in ``Metric``.
        needs: fields of the case or the response that it reads, for the reference page.
        source: paper or tool.
        applies: whether it applies to a case. Other cases count neither as values nor as errors.
        build: makes its functions. Libraries are imported by it, so that the import of this package stays cheap.
        version: part of the signature; increased when values change.
        higher_is_better: as in ``Metric``.
        binary: as in ``Metric``.
        cutoff: default of ``k`` in ``name@k``; None if the metric has no cutoff.
        resources: names of the fields of ``Resources`` that it cannot do without.
        aggregates: descriptions of its numbers of a whole run by name.
    """

    name: str
    measures: str
    value_range: str
    context: Context
    needs: str
    source: str
    build: Callable[[Resources, int | None], Built]
    applies: Callable[[Case], bool] = always
    version: int = 1
    higher_is_better: bool = True
    binary: bool = False
    cutoff: int | None = None
    resources: frozenset[str] = frozenset()
    aggregates: Mapping[str, str] = field(default_factory=dict)

    def metric(self, name: str, resources: Resources, cutoff: int | None = None) -> FunctionMetric:
        """The metric under the name that the suite gives it."""
        built = self.build(resources, cutoff if cutoff is not None else self.cutoff)
        details = {**built.details, "v": self.version}
        signature = "|".join([self.name, *(f"{key}:{value}" for key, value in details.items())])
        return FunctionMetric(
            name=name,
            signature=signature,
            context=self.context,
            higher_is_better=self.higher_is_better,
            binary=self.binary,
            function=built.function,
            applies=self.applies,
            aggregates=built.aggregates,
        )
