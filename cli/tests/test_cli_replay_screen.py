"""The screen of a replay: how many cases are better, worse or the same, by slice."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.console import Console
from septet_cli.replay.screen import slices_table, usage_line
from septet_contracts import Usage
from septet_experiments.reports import CaseDifference, Comparison, MetricResult
from septet_experiments.reports.comparison import SideOfCase
from septet_experiments.runs import RunInfo

RUN = RunInfo(
    id="replay-1", suite="replay", suite_digest="s", dataset_digest="d", started_at=datetime.now(UTC)
)
METRIC = MetricResult(
    metric="groundedness",
    primary=True,
    verdict="FAIL",
    reason="worse",
    method="t",
    margin=0.05,
    n=3,
    clusters=3,
)


def case(name: str, difference: float | None, **slices: str) -> CaseDifference:
    return CaseDifference(
        case_id=name,
        question="q",
        slices=slices,
        baseline=SideOfCase(),
        candidate=SideOfCase(),
        differences={} if difference is None else {"groundedness": difference},
    )


def shown(*cases: CaseDifference) -> list[list[str]]:
    comparison = Comparison(
        suite="replay",
        baseline=RUN,
        candidate=RUN,
        verdict="FAIL",
        exit_code=1,
        reason="worse",
        metrics=(METRIC,),
        ordered_by="groundedness",
        cases=cases,
    )
    console = Console(width=120)
    with console.capture() as captured:
        console.print(slices_table(comparison))
    return [line.split() for line in captured.get().splitlines()[1:]]


def test_cases_are_counted_in_all_and_by_slice() -> None:
    lost = case("e", None, language="ko").model_copy(update={"lost": True})
    lines = shown(
        case("a", 0.2, language="en", document="d-1"),
        case("b", -0.2, language="ko", document="d-2"),
        case("c", 0.0, language="ko", document="d-2"),
        case("d", None, language="en"),
        lost,
    )
    assert lines == [
        ["all", "1", "2", "1", "1"],
        ["language", "ko", "0", "2", "1", "0"],
        ["language", "en", "1", "0", "0", "1"],
        ["document", "d-2", "0", "1", "1", "0"],
    ]


def test_usage_names_money_only_where_there_is_any() -> None:
    used = Usage(prompt_tokens=10, completion_tokens=2, model_calls=1)
    assert usage_line(used, 1) == (
        "1 requests: 1 model calls, 10 prompt and 2 completion tokens; not part of live totals"
    )
    assert "0.5000 USD" in usage_line(used + Usage(cost_usd=0.5), 1)
