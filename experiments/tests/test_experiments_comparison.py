"""Building a comparison, and its JSON and text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from septet_experiments.cases import Case
from septet_experiments.reports import Comparison, compare, to_json, to_text
from septet_experiments.reports.words import MAX_WORDS, word_difference

from tests.support.report_runs import CASES, comparison, decision, gate, sample, two_runs, write_run


def test_cases_are_worst_first_and_lost_values_lead(tmp_path: Path) -> None:
    cases = comparison(tmp_path).cases
    assert [case.case_id for case in cases] == ["lost", "휴가", "leave", "hostile"]
    assert cases[0].lost
    assert cases[0].differences == {}
    assert cases[1].differences == {"f1": pytest.approx(-0.8)}
    assert [case.case_id for case in comparison(tmp_path).worse] == ["lost", "휴가", "leave"]


def test_slices_are_own_values_and_those_of_the_baselines_response(tmp_path: Path) -> None:
    slices = {(s.key, s.value): s for s in comparison(tmp_path).slices}
    assert set(slices) == {("language", "en"), ("language", "ko"), ("topic", "hr"), ("topic", "maths")}
    assert slices["language", "ko"].difference == pytest.approx(-0.8)
    assert slices["topic", "hr"].n == 2, "the case without a value is in no mean"


def test_errors_are_counted_by_reason(tmp_path: Path) -> None:
    cases = [Case(id=str(number), question="?") for number in range(4)]
    before = write_run(tmp_path / "a", cases, [sample(case.id, "x", {"f1": 1.0}) for case in cases])
    failed = [sample(case.id, "x", {}, failures={"f1": "no reference"}) for case in cases[:2]]
    lost = [
        sample(case.id, None, {}, error="no_response", failures={"f1": "no answer"}) for case in cases[2:3]
    ]
    after = write_run(tmp_path / "b", cases, [*failed, *lost])
    errors = {(e.side, e.metric, e.reason): e.count for e in compare(before, after, gate()).errors}
    assert errors == {("candidate", "f1", "no reference"): 2, ("candidate", None, "no_response"): 1}


def test_draws_are_averaged_and_the_worst_one_is_shown(tmp_path: Path) -> None:
    before = write_run(
        tmp_path / "a", CASES[:1], [sample("leave", f"good {d}", {"f1": 1.0}, d) for d in range(3)]
    )
    after = write_run(tmp_path / "b", CASES[:1], [sample("leave", f"draw {d}", {"f1": v}, d) for d, v in enumerate((0.9, 0.3, 0.6))])  # fmt: skip
    (case,) = compare(before, after, gate()).cases
    assert case.differences["f1"] == pytest.approx(-0.4)
    assert (case.candidate.answer, case.baseline.answer) == ("draw 1", "good 1")


def test_lower_values_are_better_where_the_result_says_so(tmp_path: Path) -> None:
    cases = [Case(id=str(number), question="?") for number in range(2)]
    before = write_run(
        tmp_path / "a", cases, [sample("0", "x", {"ms": 10.0}), sample("1", "x", {"ms": 10.0})]
    )
    after = write_run(tmp_path / "b", cases, [sample("0", "x", {"ms": 5.0}), sample("1", "x", {"ms": 30.0})])
    found = compare(before, after, gate(decision(metric="ms")), lower_is_better=["ms"])
    assert [(case.case_id, case.differences["ms"]) for case in found.cases] == [("1", -20.0), ("0", 5.0)]


def test_cases_of_one_run_only_are_listed(tmp_path: Path) -> None:
    before = write_run(
        tmp_path / "a", CASES, [sample("leave", "x", {"f1": 1}), sample("lost", "x", {"f1": 1})]
    )
    after = write_run(tmp_path / "b", CASES, [sample("leave", "x", {"f1": 1})])
    found = compare(before, after, gate(decision("PASS")))
    assert (found.only_baseline, found.only_candidate) == (("lost",), ())
    assert "not paired: 1 cases of the baseline, 0 of the candidate" in to_text(found)


def test_the_gates_verdict_is_that_of_all_metrics(tmp_path: Path) -> None:
    found = comparison(tmp_path, decision("PASS"), decision("FAIL", "recall"), verdict="FAIL")
    assert (found.verdict, found.exit_code) == ("FAIL", 1)
    assert [(r.metric, r.primary, r.verdict, r.signature) for r in found.metrics] == [
        ("f1", True, "PASS", "f1/1"),
        ("recall", False, "FAIL", ""),
    ]


def test_json_holds_the_whole_comparison(tmp_path: Path) -> None:
    found = comparison(tmp_path)
    assert Comparison.model_validate_json(to_json(found)) == found
    assert json.loads(to_json(found))["cases"][1]["candidate"]["answer"] == "휴가는 30일입니다."


def test_text_has_the_verdict_the_figures_and_the_errors(tmp_path: Path) -> None:
    shown = to_text(comparison(tmp_path, decision("INCONCLUSIVE", cases_needed=210)))
    assert shown.startswith("INCONCLUSIVE: f1 is below the baseline\nsupport: base → cand\n")
    assert (
        "f1 (primary): 0.800 → 0.600, difference −0.200 [−0.400, −0.010], margin 0.020, n = 4 in 4 clusters"
        in shown
    )
    assert "about 210 cases would decide" in shown
    assert "1 × candidate, no usable response: no_response" in shown


def test_words_that_differ_are_marked_and_the_text_is_kept() -> None:
    before, after = word_difference("연차는 31일입니다 [1].\n끝", "연차는 30일입니다.\n끝")
    assert "".join(piece.text for piece in before) == "연차는 31일입니다 [1].\n끝"
    assert [piece.text for piece in before if piece.changed] == ["31일입니다 [1].\n"]
    assert [piece.text for piece in after if piece.changed] == ["30일입니다.\n"]


def test_very_long_texts_are_not_compared() -> None:
    before, after = word_difference("a " * (MAX_WORDS + 1), "b")
    assert not any(piece.changed for piece in (*before, *after))


def test_a_folder_without_a_run_is_reported(tmp_path: Path) -> None:
    from septet_experiments.errors import InvalidRun
    from septet_experiments.runs import RunFolder

    baseline, _ = two_runs(tmp_path)
    with pytest.raises(InvalidRun, match="cannot be read"):
        compare(baseline, RunFolder(tmp_path / "none"), gate())
