"""Selection of metrics, and what becomes of values that are none."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from septet_contracts import Answerability, Score, Usage
from septet_experiments.cases import Case
from septet_experiments.errors import InvalidSuite
from septet_experiments.metrics import METRICS, Metric, Observed, aggregate, resources_of, score, select
from septet_experiments.metrics.metric import Aggregate, Context, Selective
from septet_experiments.runs import Sample

from .support import found, observed, response
from .token_vectors import HashedVectors

METRICS_OF_ALL = select(
    [*METRICS, "ndcg@3", "recall@1"], token_vectors=HashedVectors(), idf_texts=("a b", "b c")
)


@dataclass(frozen=True)
class Fixed:
    """A metric that always has the same value."""

    number: Any
    binary: bool = False
    name: str = "fixed"
    signature: str = "fixed|v:1"
    context: Context = "context-free"
    higher_is_better: bool = True
    aggregates: Mapping[str, Aggregate] = field(default_factory=dict)

    def value(self, observed: Observed) -> float:
        return self.number


def is_applicable(metric: Metric, case: Case) -> bool:
    return not isinstance(metric, Selective) or metric.applies_to(case)


CASE = Case(id="c", question="?", references=("a",))
SAMPLE = Sample(case_id="c", response=response("a"))


def test_metrics_keep_the_order_and_the_names_of_the_suite() -> None:
    chosen = select(["mrr", "ndcg@3", "exact_match", "ndcg", "mrr"])
    assert [metric.name for metric in chosen] == ["mrr", "ndcg@3", "exact_match", "ndcg"]
    assert [metric.signature.split("|")[1] for metric in (chosen[1], chosen[3])] == [
        "measure:nDCG@3",
        "measure:nDCG@10",
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("bleurt", "unknown metric bleurt"),
        ("", "unknown metric"),
        ("mrr@5", "invalid cutoff in mrr@5"),
        ("ndcg@", "invalid cutoff"),
        ("ndcg@0", "invalid cutoff"),
        ("ndcg@-1", "invalid cutoff"),
        ("ndcg@²", "invalid cutoff"),
        ("bertscore", "needs `token_vectors`"),
    ],
)
def test_a_suite_with_an_impossible_metric_is_rejected(name: str, message: str) -> None:
    with pytest.raises(InvalidSuite, match=message) as raised:
        select(["exact_match", name])
    assert raised.value.fix


def test_resources_of_metrics() -> None:
    assert resources_of(["exact_match", "ndcg@5"]) == frozenset()
    assert resources_of(["bleu", "bertscore"]) == {"token_vectors"}


def test_libraries_are_imported_when_a_metric_needs_them() -> None:
    code = (
        "import sys; from septet_experiments.metrics import select; select(['exact_match', 'latency_ms', 'refusal']);"
        "print([m for m in ('sacrebleu', 'rouge_score', 'nltk', 'scipy', 'ir_measures', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, np.float32("nan")])
def test_a_value_that_is_not_finite_is_a_failure(number: float) -> None:
    scored = score(CASE, SAMPLE, [Fixed(number)])
    assert scored.values == {}
    assert "not a number to compare" in scored.failures["fixed"]
    metric = Fixed(1.0, aggregates={"all": lambda _: number})
    assert list(aggregate([CASE], [SAMPLE], [metric]).failures) == ["fixed.all"]


def test_a_binary_metric_has_two_values() -> None:
    assert score(CASE, SAMPLE, [Fixed(True, binary=True)]).values == {"fixed": 1.0}
    scored = score(CASE, SAMPLE, [Fixed(0.5, binary=True)])
    assert scored.failures == {"fixed": "the value of a binary metric is 0.5, not 0 or 1"}


def test_values_are_floats() -> None:
    assert type(score(CASE, SAMPLE, [Fixed(np.float64(0.5))]).values["fixed"]) is float


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        (Sample(case_id="c"), "no usable response: none arrived"),
        (Sample(case_id="c", error="no_response"), "no usable response: no_response"),
        (Sample(case_id="c", error="failed", response=response("a")), "no usable response: failed"),
    ],
)
def test_a_sample_without_a_usable_response_has_no_value(sample: Sample, reason: str) -> None:
    scored = score(CASE, sample, METRICS_OF_ALL)
    assert scored.values == {}
    applying = [metric.name for metric in METRICS_OF_ALL if is_applicable(metric, CASE)]
    assert scored.failures == dict.fromkeys(applying, reason)
    assert {"exact_match", "latency_ms"} <= {*applying}
    assert aggregate([CASE], [sample], METRICS_OF_ALL).values == {}


@pytest.mark.parametrize(
    ("fields", "applying"),
    [
        (
            {},
            {
                "groundedness",
                "citation_precision",
                "citation_recall",
                "answer_relevance",
                "context_relevance",
            },
        ),
        ({"expected": "refuse", "references": ("a",)}, {"refusal", "exact_match"}),
        ({"expected": "abstain", "relevant": {"a": 1}}, {"abstention", "mrr", "context_relevance"}),
        (
            {"expected": "answer", "request": {"retrieval": {"mode": "off"}}, "relevant": {"a": 1}},
            {"abstention", "over_refusal", "answer_relevance"},
        ),
        ({"expected": "refuse", "choices": ("a", "b"), "answer_index": 1}, {"refusal", "multiple_choice"}),
        ({"expected": "refuse", "choices": ("a", "b"), "relevant": {"a": 0}}, {"refusal"}),
    ],
)
def test_a_metric_that_does_not_apply_to_a_case_has_no_entry(
    fields: dict[str, Any], applying: set[str]
) -> None:
    names = [
        *("exact_match", "multiple_choice", "mrr", "abstention", "refusal", "over_refusal"),
        *("groundedness", "citation_precision", "citation_recall", "answer_relevance", "context_relevance"),
    ]
    case = Case(id="c", question="?", **fields)
    # The response does not decide: the same holds without one.
    for sample in (SAMPLE, Sample(case_id="c", error="no_response")):
        scored = score(case, sample, select(names))
        assert {*scored.values, *scored.failures, *scored.not_applicable} == applying


def test_scoring_again_replaces_only_the_entries_of_its_metrics() -> None:
    entries = {"values": {"fixed": 1.0, "judge": 0.5}, "failures": {"exact_match": "old", "mrr": "old"}}
    scored = score(
        CASE, SAMPLE.model_copy(update=entries), [Fixed(math.nan), *select(["exact_match", "mrr"])]
    )
    assert scored.values == {"judge": 0.5, "exact_match": 1.0}
    assert scored.failures.keys() == {"fixed"}
    with pytest.raises(ValueError, match="of the case c, not of d"):
        score(Case(id="d", question="?"), SAMPLE, [])


TEXTS = st.text("ab .,[1]가나다①B(é\n", max_size=30) | st.sampled_from(["The answer is (B).", "정답: ②"])
NUMBERS = st.floats(allow_nan=True, allow_infinity=True)
NAMES = st.sampled_from(["refusal", "groundedness", "citation_recall", "answer_relevance"])


@st.composite
def any_observed(draw: st.DrawFn) -> Observed:
    case = {
        "references": draw(st.lists(TEXTS, max_size=2)),
        "choices": draw(st.sampled_from([(), ("a", "b"), ("가", "나", "다")])),
        "expected": draw(st.sampled_from([None, "answer", "abstain", "refuse"])),
        "relevant": draw(st.dictionaries(st.sampled_from("abc"), st.integers(0, 2), max_size=2)),
    }
    case["answer_index"] = 0 if case["choices"] else None
    status = st.sampled_from(
        ["answered"] * 4 + ["abstained", "refused", "blocked", "failed", "expired", "new"]
    )
    scores = draw(st.lists(st.builds(Score, name=NAMES, value=NUMBERS), max_size=3))
    answerability = Answerability(score=draw(NUMBERS), threshold=0.5, answerable=True)
    usage = Usage(
        prompt_tokens=draw(st.integers(0, 9)), model_calls=draw(st.integers(0, 2)), cost_usd=draw(NUMBERS)
    )
    return observed(
        draw(st.none() | TEXTS),
        case=case,
        status=draw(status),
        scores=tuple(scores),
        answerability=draw(st.sampled_from([None, answerability])),
        sources=found(*draw(st.lists(st.sampled_from("abcd"), max_size=3))),
        usage=usage,
        total_ms=draw(st.none() | NUMBERS),
    )


@given(st.lists(any_observed(), min_size=1, max_size=4))
def test_every_metric_has_a_finite_value_or_a_reason(run: Sequence[Observed]) -> None:
    cases = [one.case.model_copy(update={"id": f"c{n}"}) for n, one in enumerate(run)]
    samples = [Sample(case_id=f"c{n}", response=one.response) for n, one in enumerate(run)]
    for case, sample in zip(cases, samples, strict=True):
        scored = score(case, sample, METRICS_OF_ALL)
        assert all(math.isfinite(value) for value in scored.values.values())
        assert all(scored.failures.values())
        applying = {metric.name for metric in METRICS_OF_ALL if is_applicable(metric, case)}
        assert {*scored.values, *scored.failures, *scored.not_applicable} == applying
        assert not scored.values.keys() & scored.failures.keys()
        for metric in METRICS_OF_ALL:
            if metric.binary and metric.name in scored.values:
                assert scored.values[metric.name] in (0.0, 1.0)
    whole = aggregate(cases, samples, METRICS_OF_ALL)
    assert all(math.isfinite(value) for value in whole.values.values())
    assert not whole.values.keys() & whole.failures.keys()


def test_declarations_are_complete() -> None:
    for name, definition in METRICS.items():
        assert definition.name == name
        assert all((definition.measures, definition.value_range, definition.needs, definition.source)), name
    for metric in METRICS_OF_ALL:
        definition = METRICS[metric.name.partition("@")[0]]
        assert getattr(metric, "aggregates", {}).keys() == definition.aggregates.keys()
        assert metric.signature.startswith(f"{definition.name}|")
        assert metric.signature.endswith(f"|v:{definition.version}")
