"""Values of two groups of live responses, and the gate's looks at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from septet_contracts.flow import Flow
from septet_experiments.gates import Counts, Decision, GateRule, Group, Verdict, at_look, compare
from septet_experiments.metrics import Metric, score
from septet_experiments.suites import SuiteSettings

from septet_cli.replay.logged import LoggedRequest
from septet_cli.replay.rewrite import case_of
from septet_cli.replay.runner import sample_of
from septet_cli.shadow.window import Plan

Side = Literal["live", "candidate"]
FEWEST_FOR_SHARE = 20
FEWEST_FOR_P99 = 100


@dataclass(frozen=True)
class Limits:
    """Limits that end a canary at once.

    Attributes:
        errors: largest increase of the share of failed requests.
        slower: largest ratio of the p99 latencies.
    """

    errors: float = 0.05
    slower: float = 2.0


@dataclass
class _Values:
    """Values of one metric of one side."""

    values: list[float] = field(default_factory=list)
    clusters: list[str] = field(default_factory=list)
    errors: int = 0

    def group(self) -> Group:
        counts = Counts(draws=len(self.values) + self.errors, errors=self.errors)
        return Group(np.array(self.values, dtype=float), np.array(self.clusters), counts)


@dataclass(frozen=True)
class Look:
    """What the gate found after a number of responses of the candidate.

    Attributes:
        candidates: number of the candidate's responses.
        lives: number of live ones.
        decisions: one for each metric, the primary one first.
        breach: the limit that is exceeded, as one sentence; empty if none is.
    """

    candidates: int
    lives: int
    decisions: Sequence[Decision]
    breach: str = ""

    @property
    def verdict(self) -> Verdict:
        """FAIL if a limit is exceeded or any metric fails; else that of the primary metric."""
        if self.breach or any(d.verdict == "FAIL" for d in self.decisions):
            return "FAIL"
        worst = [d.verdict for d in self.decisions]
        return "PASS" if worst and set(worst) == {"PASS"} else "INCONCLUSIVE"

    @property
    def reason(self) -> str:
        """One sentence for a person."""
        failed = [d for d in self.decisions if d.verdict == "FAIL"] or list(self.decisions)
        return self.breach or (
            f"{failed[0].metric}: {failed[0].reason}" if failed else "no metric has a value"
        )


class Comparison:
    """Values of both sides by metric, in memory.

    Args:
        settings: metrics and margins.
        metrics: those of the settings, by name.
        plan: responses of the candidate at which the gate looks.
        limits: limits that end the canary at once.
    """

    def __init__(
        self, settings: SuiteSettings, metrics: Mapping[str, Metric], plan: Plan, limits: Limits
    ) -> None:
        assert settings.primary is not None
        self._rules = (settings.primary, *settings.secondary)
        self._metrics = metrics
        self._plan = plan
        self._limits = limits
        self._max_errors = settings.max_errors
        self._values: dict[tuple[Side, str], _Values] = {
            (side, rule.metric): _Values() for side in ("live", "candidate") for rule in self._rules
        }
        self._seconds: dict[Side, list[float]] = {"live": [], "candidate": []}
        self._failed: dict[Side, int] = {"live": 0, "candidate": 0}

    def count(self, side: Side) -> int:
        """Number of responses of a side."""
        return len(self._seconds[side])

    @property
    def is_full(self) -> bool:
        """Whether all planned responses of the candidate are there."""
        return self.count("candidate") >= self._plan.cases

    def add(self, side: Side, logged: LoggedRequest) -> Look | None:
        """Add a response; returns a look at each planned number of the candidate's responses, and at each breach."""
        response, event = logged.response, logged.event
        assert isinstance(event, Flow)
        self._seconds[side].append((response.occurred_at - event.accepted_at).total_seconds())
        if response.status == "failed":
            self._failed[side] += 1
        else:
            self._score(side, logged)
        if side == "live":
            return None
        breach = self._breach()
        return self.look(breach) if breach or self._plan.is_look(self.count("candidate")) else None

    def _score(self, side: Side, logged: LoggedRequest) -> None:
        # An answer is expected of both versions: which of them abstains more is what a metric compares.
        case = case_of(logged).model_copy(update={"expected": "answer"})
        sample = score(
            case,
            sample_of(case.id, logged.response.request_id, logged.response),
            list(self._metrics.values()),
        )
        cluster = f"{logged.response.tenant}/{logged.response.conversation_id or logged.response.request_id}"
        for name in self._metrics:
            kept = self._values.get((side, name))
            if kept is None:
                continue
            if name in sample.values:
                kept.values.append(sample.values[name])
                kept.clusters.append(cluster)
            elif logged.response.status == "answered":
                kept.errors += 1

    def look(self, breach: str = "") -> Look:
        """Decide about all metrics; each has an equal part of the error probability (Bonferroni)."""
        fractions = self._plan.fractions(min(self.count("candidate"), self._plan.cases))
        decisions = []
        for rule in self._rules:
            gate = GateRule(
                metric=rule.metric,
                margin=rule.margin,
                max_errors=self._max_errors,
                alpha=0.05 / len(self._rules),
            )
            live = self._values["live", rule.metric].group()
            candidate = self._values["candidate", rule.metric].group()
            higher = self._metrics[rule.metric].higher_is_better
            decisions.append(compare(live, candidate, at_look(gate, fractions), higher_is_better=higher))
        return Look(self.count("candidate"), self.count("live"), decisions, breach)

    def _breach(self) -> str:
        live, candidate = self.count("live"), self.count("candidate")
        if min(live, candidate) >= FEWEST_FOR_SHARE:
            shares = self._failed["live"] / live, self._failed["candidate"] / candidate
            if shares[1] - shares[0] > self._limits.errors:
                return (
                    f"{shares[1]:.1%} of the candidate's requests failed, and {shares[0]:.1%} of the others"
                )
        if min(live, candidate) >= FEWEST_FOR_P99:
            slow = [float(np.percentile(self._seconds[side], 99)) for side in ("live", "candidate")]
            if slow[1] > self._limits.slower * slow[0]:
                return f"the candidate's p99 latency is {slow[1]:.1f} s, and {slow[0]:.1f} s of the others"
        return ""
