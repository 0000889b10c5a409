"""The registry of metrics, and their selection by name."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from septet_experiments.errors import InvalidSuite
from septet_experiments.metrics import (
    abstention,
    bleu,
    multiple_choice,
    overlap,
    ranking,
    refusals,
    response_scores,
    rouge,
    semantic,
    usage,
)
from septet_experiments.metrics.definition import Definition, Resources
from septet_experiments.metrics.metric import Metric
from septet_experiments.metrics.token_vectors import TokenVectors

METRICS = MappingProxyType(
    {
        definition.name: definition
        for module in (
            overlap,
            bleu,
            rouge,
            semantic,
            multiple_choice,
            ranking,
            response_scores,
            abstention,
            refusals,
            usage,
        )
        for definition in module.DEFINITIONS
    }
)
"""Definitions by name, in the order of the reference page."""


def select(
    names: Sequence[str],
    *,
    token_vectors: TokenVectors | None = None,
    idf_texts: Sequence[str] = (),
) -> list[Metric]:
    """The named metrics in the order of *names*, each once.

    Args:
        names: names of the registry; `ndcg@5` sets the cutoff of a ranking metric.
        token_vectors: as in ``Resources``.
        idf_texts: as in ``Resources``.

    Raises:
        InvalidSuite: a name is unknown, or a metric needs a resource that is not given.
    """
    resources = Resources(token_vectors, tuple(idf_texts))
    metrics: list[Metric] = []
    for name in dict.fromkeys(names):
        definition, cutoff = _find(name)
        for resource in sorted(definition.resources):
            if getattr(resources, resource) is None:
                raise InvalidSuite(
                    f"the metric {name} needs `{resource}`",
                    "pass it to `select`, or leave the metric out",
                )
        metrics.append(definition.metric(name, resources, cutoff))
    return metrics


def resources_of(names: Sequence[str]) -> frozenset[str]:
    """Names of the resources that the named metrics need.

    Raises:
        InvalidSuite: a name is unknown.
    """
    return frozenset[str]().union(*(_find(name)[0].resources for name in names))


def _find(name: str) -> tuple[Definition, int | None]:
    base, at, cutoff = name.partition("@")
    definition = METRICS.get(base)
    if definition is None:
        raise InvalidSuite(f"unknown metric {name}", f"known metrics: {', '.join(METRICS)}")
    if not at:
        return definition, None
    if definition.cutoff is None or not cutoff.isascii() or not cutoff.isdigit() or int(cutoff) < 1:
        having = ", ".join(f"{d.name}@{d.cutoff}" for d in METRICS.values() if d.cutoff is not None)
        raise InvalidSuite(f"invalid cutoff in {name}", f"metrics with a cutoff of 1 or more: {having}")
    return definition, int(cutoff)
