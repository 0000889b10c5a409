"""Two small runs on disk, for the tests of reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from septet_contracts import Response, Source, Verdict, event_id
from septet_experiments.cases import Case, digest_of
from septet_experiments.gates import Decision, GateResult
from septet_experiments.reports import Comparison, compare
from septet_experiments.runs import RunFolder, RunInfo, Sample

STARTED = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
SCRIPT = "<script>alert(1)</script>"


def response(request_id: str, answer: str | None, **fields: Any) -> Response:
    """A response as a run stores it."""
    return Response(
        request_id=request_id,
        event_id=event_id("default", request_id, "response"),
        occurred_at=STARTED,
        status=fields.pop("status", "answered" if answer else "failed"),
        answer=answer,
        language=fields.pop("language", "en"),
        policy=fields.pop("policy", "default"),
        trace_id=fields.pop("trace_id", event_id("default", request_id, "trace").hex),
        **fields,
    )


def sample(
    case_id: str, answer: str | None, values: Mapping[str, float], draw: int = 0, **fields: Any
) -> Sample:
    """One draw with its values."""
    request_id = f"run-{event_id('default', case_id, str(draw)).hex[:8]}"
    return Sample(
        case_id=case_id,
        draw=draw,
        request_id=request_id,
        response=None if answer is None and "error" in fields else response(request_id, answer, **fields.pop("response", {})),
        values=dict(values),
        **fields,
    )  # fmt: skip


def write_run(path: Path, cases: Sequence[Case], samples: Sequence[Sample], **fields: Any) -> RunFolder:
    """The folder of a finished run."""
    folder = RunFolder(path)
    draws = 1 + max((s.draw for s in samples), default=0)
    info = {
        "id": path.name,
        "suite": "support",
        "suite_digest": "a" * 64,
        "dataset_digest": digest_of(cases),
        "started_at": STARTED,
        "finished_at": STARTED,
        "metrics": {"f1": "f1/1"},
        "draws": draws,
        "cases": len(cases),
    }
    folder.write_info(RunInfo.model_validate({**info, **fields}))
    folder.write_cases(list(cases))
    folder.write_samples(list(samples))
    return folder


def decision(verdict: str = "FAIL", metric: str = "f1", **fields: Any) -> Decision:
    """A decision of the gate."""
    values: dict[str, Any] = {
        "reason": f"{metric} is below the baseline",
        "method": "t",
        "baseline": 0.8,
        "candidate": 0.6,
        "difference": -0.2,
        "lower": -0.4,
        "upper": -0.01,
        "margin": 0.02,
        "n": 4,
        "clusters": 4,
    }
    return Decision.model_validate({"metric": metric, "verdict": verdict, **values, **fields})


def gate(primary: Decision | None = None, *secondary: Decision, verdict: str | None = None) -> GateResult:
    """Decisions together; the verdict is that of the primary metric unless it is given."""
    first = primary or decision()
    return GateResult.model_validate(
        {
            "verdict": verdict or first.verdict,
            "reason": first.reason,
            "primary": first,
            "secondary": secondary,
        }
    )


CASES = (
    Case(id="leave", question="How many days of leave?", references=("31 days",), slices={"topic": "hr"}),
    Case(id="휴가", question="휴가는 며칠인가요?", references=("31일",), slices={"topic": "hr"}),
    Case(id="hostile", question=f"{SCRIPT} What is 2 < 3?", slices={"topic": "maths"}),
    Case(id="lost", question="Who approves leave?", slices={"topic": "hr"}),
)
SOURCES = (
    Source(number=1, passage_id="p1", document_id="leave", title="Leave", passage="31 days", cited=True, uri="javascript:alert(1)"),
    Source(number=2, passage_id="p2", document_id="<b>bold</b>", passage="more", uri="https://intranet.example/leave"),
)  # fmt: skip


def two_runs(folder: Path) -> tuple[RunFolder, RunFolder]:
    """A baseline, and a candidate that is worse in three of four cases."""
    baseline = [
        sample("leave", "Employees have 31 days of leave [1].", {"f1": 0.9}, response={"sources": SOURCES}),
        sample("휴가", "휴가는 31일입니다 [1].", {"f1": 1.0}, response={"language": "ko"}),
        sample("hostile", "Yes, 2 < 3.", {"f1": 0.5}),
        sample("lost", "The manager of the team.", {"f1": 0.8}),
    ]
    candidate = [
        sample("leave", "Employees have 30 days.", {"f1": 0.6}, response={"trace_id": "b" * 32}),
        sample("휴가", "휴가는 30일입니다.", {"f1": 0.2}, response={
            "language": "ko", "verdicts": (Verdict(rail="citations", stage="output", decision="flag", reason="no citation"),)}),
        sample("hostile", f"Yes {SCRIPT}", {"f1": 0.5}),
        sample("lost", None, {}, error="no_response", failures={"f1": "no answer"}),
    ]  # fmt: skip
    return (
        write_run(folder / "base", CASES, baseline),
        write_run(folder / "cand", CASES, candidate, overrides={"model": "other"}),
    )


def comparison(folder: Path, *decisions: Decision, verdict: str | None = None) -> Comparison:
    """Both runs, compared."""
    return compare(*two_runs(folder), gate(*decisions, verdict=verdict))
