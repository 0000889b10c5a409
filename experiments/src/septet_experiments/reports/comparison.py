"""A comparison of two runs as plain data: the content of the JSON report, and the input of all other forms."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from septet_experiments.gates import Decision, Verdict
from septet_experiments.runs import RunInfo

Side = Literal["baseline", "candidate"]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True)


class MetricResult(Decision):
    """The gate's decision about one metric.

    Attributes:
        primary: whether it is the suite's primary metric.
        signature: the metric's name, version and parameters.
        higher_is_better: whether a higher value is better. ``difference`` is positive where the candidate is better.
    """

    primary: bool
    signature: str = ""
    higher_is_better: bool = True


class SliceResult(_Data):
    """Paired values of one metric in one slice. A slice does not decide: it describes.

    Attributes:
        key: what the cases are grouped by, such as `language`.
        value: the group, such as `ko`.
        difference: mean of the paired differences; positive is better.
    """

    key: str
    value: str
    metric: str
    n: int
    baseline: float
    candidate: float
    difference: float


class ErrorCount(_Data):
    """Samples without a response, or without a value of a metric, for one reason.

    Attributes:
        metric: the metric; None if the sample has no usable response.
    """

    side: Side
    metric: str | None
    reason: str
    count: int


class SourceFact(_Data):
    """One source of an answer."""

    number: int
    document_id: str
    title: str = ""
    location: str = ""
    uri: str = ""
    cited: bool = False


class VerdictFact(_Data):
    """One decision of a guardrail that is not `pass`."""

    rail: str
    stage: str
    decision: str
    reason: str = ""


class SideOfCase(_Data):
    """What one run has for a case: the draw that the report shows, and values averaged over all draws.

    Attributes:
        status: status of the response; None without a response.
        answer: the answer's text, or its JSON.
        error: why there is no usable response.
        values: mean over draws, by metric.
        failures: reason by metric that has no value in any draw.
    """

    request_id: str = ""
    draw: int = 0
    draws: int = 0
    status: str | None = None
    language: str | None = None
    answer: str | None = None
    error: str | None = None
    sources: tuple[SourceFact, ...] = ()
    verdicts: tuple[VerdictFact, ...] = ()
    values: dict[str, float] = {}
    failures: dict[str, str] = {}
    trace_id: str | None = None


class CaseDifference(_Data):
    """One case of both runs.

    Attributes:
        differences: difference by metric that both runs have a value for. Positive is better.
        lost: the baseline has a value of the primary metric, and the candidate has none.
        origin_trace_id: trace of the logged request that the case was made from.
    """

    case_id: str
    question: str
    references: tuple[str, ...] = ()
    expected: str | None = None
    slices: dict[str, str] = {}
    baseline: SideOfCase
    candidate: SideOfCase
    differences: dict[str, float] = {}
    lost: bool = False
    origin_trace_id: str | None = None


class Comparison(_Data):
    """Two runs of a suite, compared.

    Attributes:
        format: version of this structure.
        verdict: the gate's verdict on all metrics together.
        exit_code: 0 for PASS, 1 for FAIL, 2 for INCONCLUSIVE.
        reason: why, in one sentence.
        metrics: the primary metric first.
        cases: cases of both runs, worst first by the primary metric. Cases with a lost value come first.
        only_baseline: ids of cases that the candidate does not have.
        only_candidate: ids of cases that the baseline does not have.
    """

    format: int = 1
    suite: str
    baseline: RunInfo
    candidate: RunInfo
    verdict: Verdict
    exit_code: int
    reason: str
    metrics: tuple[MetricResult, ...]
    slices: tuple[SliceResult, ...] = ()
    errors: tuple[ErrorCount, ...] = ()
    cases: tuple[CaseDifference, ...] = Field(default=(), repr=False)
    only_baseline: tuple[str, ...] = ()
    only_candidate: tuple[str, ...] = ()

    @property
    def primary(self) -> MetricResult:
        """The result of the primary metric."""
        return next(result for result in self.metrics if result.primary)

    @property
    def worse(self) -> list[CaseDifference]:
        """Cases that lost their value or got a worse one of the primary metric, worst first."""
        name = self.primary.metric
        return [case for case in self.cases if case.lost or case.differences.get(name, 0.0) < 0]
