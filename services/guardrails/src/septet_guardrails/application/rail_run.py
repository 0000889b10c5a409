"""One run of a rail: its finding, and the verdict that records it."""

from __future__ import annotations

import time
from typing import Any, Literal, TypeVar

from septet_contracts import Verdict

from septet_guardrails.domain.policy import Rule
from septet_guardrails.domain.rails.base import Finding, Rail

SubjectT = TypeVar("SubjectT")


def run_rail(
    name: str, rail: Rail[SubjectT, Any], subject: SubjectT, rule: Rule, stage: Literal["input", "output"]
) -> tuple[Finding, Verdict]:
    """Check ``subject`` under ``rule`` and measure the time that the check takes."""
    began = time.perf_counter()
    finding = rail.check(subject, rule)
    verdict = Verdict(
        rail=name,
        stage=stage,
        decision=finding.decision,
        score=finding.score,
        reason=finding.reason,
        latency_ms=round((time.perf_counter() - began) * 1000, 3),
    )
    return finding, verdict
