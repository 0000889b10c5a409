"""Values of two groups of live responses, and the gate's looks at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from septet_contracts.flow import Flow
from septet_experiments.gates import Counts, GateRule, Group, Limits, Look, Side, StopRule, Watched
from septet_experiments.metrics import Metric, score
from septet_experiments.suites import SuiteSettings

from septet_cli.replay.logged import LoggedRequest
from septet_cli.replay.rewrite import case_of
from septet_cli.replay.runner import sample_of
from septet_cli.shadow.window import Plan

Variant = Literal["live", "candidate"]


@dataclass
class _Values:
    """Values of one side."""

    values: list[float] = field(default_factory=list)
    clusters: list[str] = field(default_factory=list)
    errors: int = 0

    def add(self, value: float, cluster: str) -> None:
        self.values.append(value)
        self.clusters.append(cluster)

    def group(self) -> Group:
        counts = Counts(draws=len(self.values) + self.errors, errors=self.errors)
        return Group(np.array(self.values, dtype=float), np.array(self.clusters), counts)


@dataclass
class _Responses:
    """Responses of one side."""

    metrics: Mapping[str, _Values]
    failed: _Values = field(default_factory=_Values)
    seconds: _Values = field(default_factory=_Values)

    def side(self) -> Side:
        metrics = {name: values.group() for name, values in self.metrics.items()}
        return Side(metrics, self.failed.group(), self.seconds.group())


class Comparison:
    """Values of both sides by metric, in memory.

    Args:
        settings: metrics and margins.
        metrics: those of the settings, by name.
        plan: responses of the candidate at which the gate looks.
        limits: how much worse the candidate may be.
    """

    def __init__(
        self, settings: SuiteSettings, metrics: Mapping[str, Metric], plan: Plan, limits: Limits
    ) -> None:
        assert settings.primary is not None
        rules = (settings.primary, *settings.secondary)
        self._metrics = metrics
        self._plan = plan
        self._rule = StopRule(
            [
                Watched(
                    GateRule(metric=rule.metric, margin=rule.margin, max_errors=settings.max_errors),
                    metrics[rule.metric].higher_is_better,
                )
                for rule in rules
            ],
            limits,
        )
        self._responses: dict[Variant, _Responses] = {
            side: _Responses({rule.metric: _Values() for rule in rules}) for side in ("live", "candidate")
        }

    def count(self, side: Variant) -> int:
        """Number of responses of a side."""
        return len(self._responses[side].seconds.values)

    @property
    def is_full(self) -> bool:
        """Whether all planned responses of the candidate are there."""
        return self.count("candidate") >= self._plan.cases

    def add(self, side: Variant, logged: LoggedRequest) -> Look | None:
        """Add a response; returns a look at each planned number of the candidate's responses."""
        response, event = logged.response, logged.event
        assert isinstance(event, Flow)
        of = self._responses[side]
        cluster = f"{response.tenant}/{response.conversation_id or response.request_id}"
        of.seconds.add((response.occurred_at - event.accepted_at).total_seconds(), cluster)
        of.failed.add(float(response.status == "failed"), cluster)
        if response.status != "failed":
            self._score(of, logged, cluster)
        is_look = side == "candidate" and self._plan.is_look(self.count("candidate"))
        return self.look() if is_look else None

    def _score(self, of: _Responses, logged: LoggedRequest, cluster: str) -> None:
        # An answer is expected of both versions: which of them abstains more is what a metric compares.
        case = case_of(logged).model_copy(update={"expected": "answer"})
        sample = score(
            case,
            sample_of(case.id, logged.response.request_id, logged.response),
            list(self._metrics.values()),
        )
        for name, kept in of.metrics.items():
            if name in sample.values:
                kept.add(sample.values[name], cluster)
            elif logged.response.status == "answered":
                kept.errors += 1

    def look(self) -> Look:
        """Decide about all metrics and limits."""
        fractions = self._plan.fractions(min(self.count("candidate"), self._plan.cases))
        live, candidate = self._responses["live"].side(), self._responses["candidate"].side()
        return self._rule.decide(live, candidate, self._rule.level(fractions))
