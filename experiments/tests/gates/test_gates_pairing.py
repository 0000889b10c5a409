"""Joining two runs by case."""

from __future__ import annotations

import math

import numpy as np
import pytest
from septet_experiments.cases import Case
from septet_experiments.errors import InvalidRun, NotComparable
from septet_experiments.gates import GateRule, decide, pair
from septet_experiments.runs import Sample

from .conftest import MakePairs, MakeRun


def test_cases_are_joined_by_id_and_sorted(make_run: MakeRun) -> None:
    pairs = pair(make_run({"b": 1.0, "a": 0.0}), make_run({"a": 0.5, "b": 0.25}), "score")
    assert pairs.case_ids == ("a", "b")
    assert pairs.differences.tolist() == [0.5, -0.75]
    assert (pairs.cases, pairs.unpaired, pairs.not_applicable) == (2, 0, 0)


def test_draws_are_averaged_and_their_number_may_differ(make_run: MakeRun) -> None:
    pairs = pair(make_run({"a": [1.0, 0.0, 0.0]}, draws=3), make_run({"a": [1.0]}), "score")
    assert pairs.baseline.tolist() == [pytest.approx(1 / 3)]
    assert pairs.candidate.tolist() == [1.0]
    assert (pairs.baseline_counts.draws, pairs.candidate_counts.draws) == (3, 1)


def test_the_order_of_draws_changes_nothing(make_run: MakeRun) -> None:
    old, new = make_run({"a": [0.1, 0.2, 0.3]}, draws=3), make_run({"a": [0.3, 0.2, 0.1]}, draws=3)
    assert pair(old, new, "score").differences.tolist() == [0.0]


def test_the_last_sample_of_a_draw_counts(make_run: MakeRun) -> None:
    info, cases, samples = make_run({"a": 0.0})
    again = [*samples, Sample(case_id="a", draw=0, values={"score": 1.0})]
    assert pair((info, cases, again), make_run({"a": 1.0}), "score").differences.tolist() == [0.0]


def test_lower_is_better_turns_the_sign(make_run: MakeRun) -> None:
    pairs = pair(make_run({"a": 2.0}), make_run({"a": 3.0}), "score", higher_is_better=False)
    assert pairs.differences.tolist() == [-1.0]


def test_clusters_are_conversations_or_documents(make_run: MakeRun) -> None:
    info, _, samples = make_run({"a": 1.0, "b": 1.0, "c": 1.0, "d": 1.0})
    cases = [
        Case(id="a", question="q", conversation="x"),
        Case(id="b", question="q", conversation="x"),
        Case(id="c", question="q", document="x"),
        Case(id="d", question="q"),
    ]
    pairs = pair((info, cases, samples), (info, cases, samples), "score")
    assert pairs.clusters.tolist() == ["conversation:x", "conversation:x", "document:x", "case:d"]


def test_other_cases_are_refused_with_reason_and_fix(make_run: MakeRun) -> None:
    with pytest.raises(NotComparable, match="runs a and b have different cases") as refused:
        pair(make_run({"a": 1.0}), make_run({"b": 1.0}, "b"), "score")
    assert refused.value.fix == "run the baseline again on the present cases"


def test_a_damaged_copy_of_the_cases_is_refused(make_run: MakeRun) -> None:
    with pytest.raises(InvalidRun, match="same dataset digest and different cases"):
        pair(make_run({"a": 1.0}, dataset_digest="d"), make_run({"b": 1.0}, dataset_digest="d"), "score")


def test_a_sample_of_an_unknown_case_is_refused(make_run: MakeRun) -> None:
    info, cases, samples = make_run({"a": 1.0})
    with pytest.raises(InvalidRun, match="unknown case z"):
        pair((info, cases, [*samples, Sample(case_id="z")]), (info, cases, samples), "score")


def test_another_version_of_the_metric_is_refused(make_run: MakeRun) -> None:
    with pytest.raises(NotComparable, match="different versions of score: score/1 and score/2"):
        pair(make_run({"a": 1.0}), make_run({"a": 1.0}, metrics={"score": "score/2"}), "score")


def test_a_metric_that_one_run_lacks_is_refused(make_run: MakeRun) -> None:
    with pytest.raises(NotComparable, match="run b has no metric score"):
        pair(make_run({"a": 1.0}), make_run({"a": 1.0}, "b", metric="other"), "score")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_are_no_numbers_are_refused(
    value: float, make_run: MakeRun, make_pairs: MakePairs
) -> None:
    with pytest.raises(NotComparable, match="for case a"):
        pair(make_run({"a": 1.0}), make_run({"a": value}), "score")
    with pytest.raises(NotComparable, match="not a finite number"):
        make_pairs([0.0], [value])


def test_errors_are_counted_by_reason_and_are_no_values(make_run: MakeRun) -> None:
    old = make_run({"a": [1.0, "unparsed"], "b": [1.0, 1.0], "c": [1.0, 1.0]}, draws=2)
    new = make_run({"a": [1.0, 1.0], "b": ["no_response", "unparsed"], "c": [0.0]}, draws=2)
    pairs = pair(old, new, "score")
    assert pairs.case_ids == ("a", "c")
    assert pairs.baseline.tolist() == [1.0, 1.0]
    assert (pairs.cases, pairs.unpaired) == (3, 1)
    assert pairs.baseline_counts.model_dump() == {
        "draws": 6,
        "errors": 1,
        "missing": 0,
        "reasons": {"unparsed": 1},
    }
    assert pairs.candidate_counts.model_dump() == {
        "draws": 6,
        "errors": 2,
        "missing": 1,
        "reasons": {"no_response": 1, "unparsed": 1},
    }
    assert pairs.candidate_counts.share == 0.5


def test_cases_without_a_sample_are_missing(make_run: MakeRun) -> None:
    info, cases, samples = make_run({"a": 1.0, "b": 1.0})
    pairs = pair((info, cases, samples), (info, cases, samples[:1]), "score")
    assert (pairs.n, pairs.unpaired, pairs.candidate_counts.missing) == (1, 1, 1)
    assert decide(pairs, GateRule(metric="score", margin=0.1)).unpaired == 1


def test_cases_that_the_metric_does_not_apply_to_are_left_out(make_run: MakeRun) -> None:
    old, new = make_run({"a": 1.0, "b": None, "c": None}), make_run({"a": 1.0, "b": None, "c": 1.0})
    pairs = pair(old, new, "score")
    assert (pairs.case_ids, pairs.cases, pairs.not_applicable) == (("a",), 2, 1)
    assert pairs.baseline_counts.reasons == {"not scored": 1}


def test_responses_that_decline_are_no_errors(make_run: MakeRun) -> None:
    old = make_run(
        {"a": [1.0, 1.0], "b": [1.0, 1.0], "c": ["declined", "declined"], "d": [1.0, 1.0]}, draws=2
    )
    new = make_run(
        {"a": [1.0, 1.0], "b": ["declined", "declined"], "c": [1.0, 1.0], "d": ["declined", 0.5]}, draws=2
    )
    pairs = pair(old, new, "score")
    assert (pairs.case_ids, pairs.cases, pairs.not_applicable) == (("a", "d"), 2, 2)
    assert pairs.candidate.tolist() == [1.0, 0.5]
    assert (pairs.candidate_counts.draws, pairs.candidate_counts.errors, pairs.candidate_counts.missing) == (
        3,
        0,
        0,
    )


def test_all_errors_are_inconclusive(make_run: MakeRun) -> None:
    run = make_run({"a": "unparsed", "b": "no_response"})
    decision = decide(pair(run, run, "score"), GateRule(metric="score", margin=0.1))
    assert (decision.verdict, decision.exit_code, decision.n, decision.complete) == (
        "INCONCLUSIVE",
        2,
        0,
        False,
    )
    assert decision.reason == "2 of 2 draws of the baseline have no value (100.0%); the limit is 2.0%"


def test_a_run_without_any_response_has_errors_and_no_missing_metric(make_run: MakeRun) -> None:
    run = make_run({"a": "no_response"}, metrics={})
    assert pair(run, run, "score").baseline_counts.reasons == {"no_response": 1}


def test_arrays_of_different_lengths_are_refused(make_pairs: MakePairs) -> None:
    with pytest.raises(ValueError, match="differ in length"):
        make_pairs([0.0], [0.0, 1.0])


def test_rounding_is_no_difference(make_pairs: MakePairs) -> None:
    assert not np.any(make_pairs([0.1 + 0.2], [0.3]).differences)
