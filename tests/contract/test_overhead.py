"""The benchmark of overhead: its page is what the committed result says, and its arithmetic is right."""

from __future__ import annotations

import importlib
import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
Modules = Callable[[str], Any]


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Modules:
    """Modules of the benchmark, which is no installed package."""
    monkeypatch.syspath_prepend(ROOT)
    return lambda name: importlib.import_module(f"benchmarks.overhead.{name}")


def test_page_and_picture_show_the_committed_results(module: Modules) -> None:
    page = module("page")
    result, before = (json.loads(path.read_text("utf-8")) for path in (page.RESULT, page.BEFORE))
    for text, file in (
        (page.page(result, before), "benchmarks.md"),
        (page.picture(result), "benchmarks.svg"),
    ):
        committed = (ROOT / "docs" / file).read_text("utf-8")
        assert text == committed, "run `python -m benchmarks.overhead.page` and commit what it writes"


def run(p50: float, held: float, rate: float = 20.0) -> dict[str, Any]:
    sample = {"p50_ms": p50, "p99_ms": 2 * p50, "rate": rate, "responses": 100}
    return {"rates": {"10": sample}, "highest_rate": {"held": held}, "concurrent": sample}


def test_ratios_are_made_within_a_round(module: Modules) -> None:
    contenders = {
        "raw": {"kind": "bus", "runs": [run(10, 500), run(20, 400), run(10, 500)]},
        "septet, bus only": {"kind": "bus", "runs": [run(15, 250), run(32, 100), run(14, 300)]},
        "septet": {"kind": "full", "runs": [run(40, 30), run(40, 30), run(40, 30)]},
        "septet, cache hit": {"kind": "hit", "runs": [run(10, 90), run(12, 90), run(14, 90)]},
        "haystack": {"kind": "full", "runs": [run(60, 0, 10), run(60, 0, 10), run(60, 0, 16)]},
    }
    found = module("ratios").summarise(contenders)
    assert found["ratios"]["p50_at_10_vs_raw"] == 1.5
    assert found["spread"]["p50_at_10_vs_raw"] == {"min": 1.4, "max": 1.6, "runs": [1.5, 1.6, 1.4]}
    assert found["ratios"]["rate_vs_raw"] == 0.5
    assert found["ratios"]["rate_at_50_vs_haystack"] == 2.0
    assert found["ratios"]["hit_p50_vs_miss"] == 0.3


def outcome(module: Modules, commit: str, bus: list[float]) -> dict[str, Any]:
    """A result with the bus's medians in *bus*, one for each round."""
    used = {"generation": 4.0, "eval": 2.0, "kafka": 10.0, "postgres": 1.0}
    runs = {
        name: [run(p50, 10 * p50) for p50 in bus]
        for name in ("septet, bus only", "raw", "septet", "septet, cache hit")
    }
    for one in (sample for found in runs.values() for sample in found):
        one["rates"]["10"]["cpu_ms"] = used
    kinds = {"septet": "full", "septet, cache hit": "hit"}
    contenders = {name: {"kind": kinds.get(name, "bus"), "runs": found} for name, found in runs.items()}
    return {
        "commit": commit,
        "plan": {"in_flight": 50},
        "contenders": contenders,
        "septet": {name: {"wal_bytes": 7000} for name in runs},
        **module("ratios").summarise(contenders),
    }


def test_a_change_is_told_in_ratios_medians_and_the_cpu_of_services_and_servers(module: Modules) -> None:
    before, after = outcome(module, "old", [30, 50, 40]), outcome(module, "new", [20, 22, 90])
    table = module("change").change(before, after)
    assert table.head == ["figure", "old", "new"]
    rows = {name: figures for name, *figures in table.rows}
    assert rows["p50_at_10_vs_raw"] == ["1", "1"]
    assert rows["septet, bus only: p50 / p99 at 10/s, ms"] == ["40.0 / 80.0", "22.0 / 44.0"]
    assert rows["septet, bus only: highest rate held"] == ["400.0", "220.0"]
    assert rows["septet, bus only: CPU ms of services per request at 10/s"] == ["6.0", "6.0"]
    assert rows["septet, bus only: CPU ms of servers per request at 10/s"] == ["11.0", "11.0"]


def test_a_phase_in_which_everything_failed_makes_no_ratio(module: Modules) -> None:
    failed = run(0, 250)
    failed["rates"]["10"]["responses"] = 0
    septet = [failed, run(15, 250)]
    contenders = {
        "raw": {"kind": "bus", "runs": [run(10, 500), run(10, 500)]},
        "septet, bus only": {"kind": "bus", "runs": septet},
        "septet": {"kind": "full", "runs": septet},
        "septet, cache hit": {"kind": "hit", "runs": septet},
    }
    assert module("ratios").summarise(contenders)["spread"]["p50_at_10_vs_raw"]["runs"] == [1.5]


@pytest.mark.parametrize("limit", [7.0, 60.0, 100.0, 333.0])
async def test_the_search_comes_near_the_highest_rate_from_either_side(module: Modules, limit: float) -> None:
    loops = module("loops")

    async def step(rate: float) -> Any:
        return loops.Sample([0.1 if rate <= limit else 2.0], 1.0)

    held, lost = await loops.highest_rate(step, 70.0, 14)
    assert held <= limit < lost
    assert lost / held <= loops.NARROW


async def test_a_client_that_cannot_keep_its_schedule_has_not_held_the_rate(module: Modules) -> None:
    loops, numbers = module("loops"), itertools.count()
    assert loops.Sample([0.1], 1.0, behind=0.04).held
    assert not loops.Sample([0.1], 1.0, behind=0.06).held

    async def hogs_the_client(_number: int) -> None:
        time.sleep(0.01)  # noqa: ASYNC251 - what a client without a core of its own does

    missed = await loops.open_loop(hogs_the_client, numbers, 1000, 0.1)
    assert missed.p99 < loops.HELD_P99_S
    assert not missed.held


def test_every_other_round_goes_the_other_way_and_each_starts_elsewhere(module: Modules) -> None:
    order = module("measure").round_order
    orders = ["".join(order("abcd", number)) for number in range(5)]
    assert orders == ["abcd", "badc", "cdab", "dcba", "abcd"]


def test_what_was_given_up_under_load_is_counted(module: Modules) -> None:
    embedded, by_words = {"scorer": "answer_relevance/2"}, {"scorer": "answer_relevance/2 lexical"}
    bodies = [
        {"status": "answered", "scores": [embedded], "degraded": ["eval.length"]},
        {"status": "answered", "scores": [by_words], "degraded": ["retrieval.dense", "eval.embeddings"]},
        {"status": "answered", "scores": [by_words], "answer_kind": "cached"},
        {"status": "abstained", "scores": []},
        {"status": "answered", "scores": [by_words]},
    ]
    sample = module("loops").Sample(bodies=bodies)
    assert module("phases").given_up(sample) == {"search": 1, "embedding": 2}


def span(number: int, parent: int | None, name: str, service: str, start: int, took: int) -> dict[str, Any]:
    above = [{"refType": "CHILD_OF", "spanID": str(parent)}] if parent else []
    tags = [{"key": "db.system", "value": "postgresql"}] if name == "SELECT" else []
    return {
        "spanID": str(number),
        "operationName": name,
        "references": above,
        "startTime": start,
        "duration": took,
        "processID": service,
        "tags": tags,
        "logs": [],
    }


def test_a_request_s_time_is_transit_chassis_and_work_and_nothing_twice(module: Modules) -> None:
    """Times in microseconds; the client calls at 1 s, both searches overlap by half."""
    guardrails, retrieval, evaluation = "septet-guardrails", "septet-retrieval", "septet-eval"
    spans = [
        span(1, None, "process septet.requests.v1", guardrails, 1_002_000, 4_000),
        span(2, 1, "send septet.missed.v1", guardrails, 1_005_000, 1_000),
        span(3, 2, "process septet.missed.v1", retrieval, 1_007_000, 12_000),
        span(4, 3, "retrieval lexical", retrieval, 1_008_000, 4_000),
        span(5, 3, "retrieval dense", retrieval, 1_010_000, 4_000),
        span(6, 3, "send septet.outcomes.v1", retrieval, 1_017_000, 1_000),
        span(7, 6, "process septet.outcomes.v1", evaluation, 1_019_000, 8_000),
        span(8, 7, "SELECT", evaluation, 1_021_000, 3_000),
        span(9, 7, "send septet.responses.v2", evaluation, 1_025_000, 2_000),
    ]
    services = {name: {"serviceName": name} for name in (guardrails, retrieval, evaluation)}
    answer = {"verdicts": [{"rail": "pii", "stage": "input", "latency_ms": 1.0}]}
    way = module("spans").journey({"spans": spans, "processes": services}, answer, 1.0)
    assert [hop.topic for hop in way.hops] == ["requests", "missed", "outcomes"]
    assert [hop.transit for hop in way.hops] == pytest.approx([2, 2, 2])
    assert [sum(hop.work.values()) for hop in way.hops] == pytest.approx([1, 6, 2])
    assert [hop.chassis for hop in way.hops] == pytest.approx([2, 4, 4])
    assert way.total == pytest.approx(25 + 2)


def test_a_trace_with_a_hop_missing_is_not_taken_for_a_journey(module: Modules) -> None:
    spans = [
        span(7, 6, "process septet.outcomes.v1", "septet-eval", 1_019_000, 8_000),
        span(9, 7, "send septet.responses.v2", "septet-eval", 1_025_000, 2_000),
    ]
    services = {"septet-eval": {"serviceName": "septet-eval"}}
    assert module("spans").journey({"spans": spans, "processes": services}, {"verdicts": []}, 1.0) is None
