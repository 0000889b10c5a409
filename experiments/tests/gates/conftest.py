"""Gates: pairing, statistics against statsmodels and SciPy, verdicts, invariants, repeated looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from septet_experiments.cases import Case, digest_of
from septet_experiments.gates import Pairs, Run
from septet_experiments.runs import RunInfo, Sample

MakePairs = Callable[..., Pairs]
MakeRun = Callable[..., Run]


@pytest.fixture(scope="session")
def make_pairs() -> MakePairs:
    def make(
        baseline: Sequence[float],
        candidate: Sequence[float],
        clusters: Sequence[Any] | None = None,
        **more: Any,
    ) -> Pairs:
        n = len(baseline)
        return Pairs(
            metric="score",
            case_ids=tuple(str(i) for i in range(n)),
            clusters=np.array(range(n) if clusters is None else clusters),
            baseline=np.array(baseline, dtype=float),
            candidate=np.array(candidate, dtype=float),
            **{"cases": n, **more},
        )

    return make


@pytest.fixture(scope="session")
def make_run() -> MakeRun:
    """A run with the given outcome by case id: a value, an error as text, None if not scored, ``declined``, or a list of draws."""

    def make(outcomes: dict[str, Any], run_id: str = "a", *, metric: str = "score", **info: Any) -> Run:
        cases = [Case(id=case_id, question=f"question {case_id}") for case_id in outcomes]
        samples: list[Sample] = []
        for case_id, found in outcomes.items():
            for number, outcome in enumerate(found if isinstance(found, list) else [found]):
                what: dict[str, Any] = {}
                if outcome == "declined":
                    what = {"not_applicable": {metric: outcome}}
                elif isinstance(outcome, str):
                    what = {"failures": {metric: outcome}} if outcome != "no_response" else {"error": outcome}
                elif outcome is not None:
                    what = {"values": {metric: outcome}}
                samples.append(Sample(case_id=case_id, draw=number, **what))
        facts = {
            "id": run_id,
            "suite": "suite",
            "suite_digest": "s",
            "dataset_digest": digest_of(cases),
            "started_at": datetime(2026, 1, 1, tzinfo=UTC),
            "cases": len(cases),
            "metrics": {metric: "score/1"},
        }
        return RunInfo(**{**facts, **info}), cases, samples

    return make
