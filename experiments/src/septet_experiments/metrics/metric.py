"""The type of metrics, and the one place where a value is accepted."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from septet_contracts import Response

from septet_experiments.cases import Case
from septet_experiments.errors import NotComputable

Context = Literal["context-dependent", "context-free"]
"""A context-dependent metric reads the question or the passages. A context-free one reads the output alone, or compares
it with what the case states as correct (Sai et al. 2022)."""


@dataclass(frozen=True)
class Observed:
    """A case with the response to it."""

    case: Case
    response: Response


class Metric(Protocol):
    """A number for one response.

    Attributes:
        name: key in ``Sample.values`` and ``Sample.failures``.
        signature: name, parameters and versions. Values with different signatures are not comparable.
        context: whether it reads the question or the passages.
        higher_is_better: direction.
        binary: whether the only values are 0 and 1.
    """

    @property
    def name(self) -> str: ...
    @property
    def signature(self) -> str: ...
    @property
    def context(self) -> Context: ...
    @property
    def higher_is_better(self) -> bool: ...
    @property
    def binary(self) -> bool: ...

    def value(self, observed: Observed) -> float:
        """The value.

        Raises:
            NotComputable: there is none.
        """
        ...


Aggregate = Callable[[Sequence[Observed]], float]
"""A number for all responses of a run. It raises ``NotComputable`` if there is none."""


@runtime_checkable
class Aggregated(Protocol):
    """A metric with numbers for a whole run that are not means of its values."""

    @property
    def aggregates(self) -> Mapping[str, Aggregate]: ...


@runtime_checkable
class Selective(Protocol):
    """A metric that does not apply to every case. Whether it applies never depends on the response."""

    def applies_to(self, case: Case) -> bool:
        """Whether the case states what the metric needs."""
        ...


@dataclass(frozen=True)
class FunctionMetric:
    """A metric made of functions."""

    name: str
    signature: str
    context: Context
    higher_is_better: bool
    binary: bool
    function: Callable[[Observed], float]
    applies: Callable[[Case], bool]
    aggregates: Mapping[str, Aggregate] = field(default_factory=dict)

    def value(self, observed: Observed) -> float:
        """As in ``Metric``."""
        return self.function(observed)

    def applies_to(self, case: Case) -> bool:
        """As in ``Selective``."""
        return self.applies(case)


def accepted(value: float, *, binary: bool = False) -> float:
    """The value as a float.

    Raises:
        NotComputable: it is not finite, or it is another one than 0 or 1 of a binary metric.
    """
    number = float(value)
    if not math.isfinite(number):
        raise NotComputable(f"the value is {number}, which is not a number to compare")
    if binary and number not in (0.0, 1.0):
        raise NotComputable(f"the value of a binary metric is {number:g}, not 0 or 1")
    return number
