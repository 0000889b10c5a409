"""The rule of a gate, and its decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, computed_field

Verdict = Literal["PASS", "FAIL", "INCONCLUSIVE"]
Method = Literal["t", "mcnemar", "sign-flip", "shares", "none"]

EXIT_CODES: Mapping[Verdict, int] = {"PASS": 0, "FAIL": 1, "INCONCLUSIVE": 2}


class GateRule(BaseModel):
    """What a gate demands of one metric.

    Attributes:
        metric: name of the metric.
        margin: loss of the mean that is accepted, in the metric's unit. With 0 only a proven improvement passes.
        alpha: error probability of each one-sided bound: .05 gives 95 % bounds.
        power: probability of a detection that ``mde`` and ``cases_needed`` refer to.
        max_errors: accepted share of draws without a value, of each run. Above it the gate is inconclusive.
        cases: number of cases that was fixed before the run. With fewer the gate is inconclusive.
        span: largest possible difference of two values. None: 1 if all values lie in 0…1, else unknown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    metric: str = Field(min_length=1)
    margin: float = Field(ge=0)
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    power: float = Field(default=0.8, ge=0.5, lt=1)
    max_errors: float = Field(default=0.02, ge=0, le=1)
    cases: int | None = Field(default=None, ge=1)
    span: float | None = Field(default=None, gt=0)


class Counts(BaseModel):
    """Draws of one run.

    Attributes:
        draws: draws that the run should have for the metric.
        errors: draws that have no value: no response, a failed metric, a verdict that cannot be parsed.
        missing: draws that the run lacks.
        reasons: number of errors by reason.
    """

    model_config = ConfigDict(frozen=True)

    draws: int = 0
    errors: int = 0
    missing: int = 0
    reasons: dict[str, int] = {}

    @property
    def share(self) -> float:
        """Share of draws without a value, 0…1."""
        return (self.errors + self.missing) / self.draws if self.draws else 0.0


class Decision(BaseModel):
    """What a gate decided about one metric. Differences are positive where the candidate is better.

    Attributes:
        verdict: ``FAIL``: the candidate is worse. ``PASS``: its loss is below the margin. Otherwise ``INCONCLUSIVE``.
        reason: one sentence for a person.
        method: ``t``, ``mcnemar``, ``sign-flip``, ``shares`` (of two groups), or ``none`` without a result.
        baseline: mean of the baseline, in the metric's unit. None without values.
        candidate: mean of the candidate.
        difference: mean of candidate − baseline, with the sign turned for metrics where lower is better.
        lower: lower bound of the difference with confidence ``1 − alpha``. None: unknown.
        upper: upper bound with confidence ``1 − alpha``.
        p_worse: probability of such a loss, or a larger one, of an unchanged candidate.
        p_adjusted: the same after Holm's correction; None for a primary metric.
        n: pairs, or values of both groups.
        clusters: independent units among them: conversations, documents or single cases.
        better: cases in which the candidate is better (0 for groups).
        worse: cases in which it is worse.
        mde: smallest loss that this gate detects with probability ``power``. None: no loss is detected.
        cases_needed: number of cases that probably decides an inconclusive gate. None: no number, or decided.
        complete: False if errors, missing draws or missing cases prevent a decision.
        baseline_counts: draws and errors of the baseline.
        candidate_counts: draws and errors of the candidate.
        unpaired: cases without a value in one of the runs.
    """

    model_config = ConfigDict(frozen=True)

    metric: str
    verdict: Verdict
    reason: str
    method: Method
    baseline: float | None = None
    candidate: float | None = None
    difference: float | None = None
    lower: float | None = None
    upper: float | None = None
    p_worse: float | None = None
    p_adjusted: float | None = None
    n: int = 0
    clusters: int = 0
    better: int = 0
    worse: int = 0
    margin: float = 0.0
    alpha: float = 0.05
    power: float = 0.8
    mde: float | None = None
    cases_needed: int | None = None
    complete: bool = True
    baseline_counts: Counts = Counts()
    candidate_counts: Counts = Counts()
    unpaired: int = 0

    @computed_field  # type: ignore[prop-decorator]
    @property
    def exit_code(self) -> int:
        """Exit code of the command: 0 PASS, 1 FAIL, 2 INCONCLUSIVE."""
        return EXIT_CODES[self.verdict]


class GateResult(BaseModel):
    """The verdict of a gate with one primary metric and any number of secondary ones."""

    model_config = ConfigDict(frozen=True)

    verdict: Verdict
    reason: str
    primary: Decision
    secondary: tuple[Decision, ...] = ()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def exit_code(self) -> int:
        """Exit code of the command: 0 PASS, 1 FAIL, 2 INCONCLUSIVE."""
        return EXIT_CODES[self.verdict]
