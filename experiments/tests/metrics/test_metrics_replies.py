"""Metrics that are read from the response: scores, abstention, refusals, latency, tokens and cost."""

from __future__ import annotations

from typing import Any

import pytest
from septet_contracts import Answerability, ErrorInfo, Score, Usage
from septet_experiments.cases import Case
from septet_experiments.errors import NotComputable
from septet_experiments.metrics import Aggregates, RiskPoint, aggregate, risk_coverage
from septet_experiments.metrics.metric import Observed
from septet_experiments.runs import Sample

from .support import observed, one, response

SCORES = ["groundedness", "citation_precision", "citation_recall", "answer_relevance", "context_relevance"]


def scored(**values: float) -> dict[str, Any]:
    return {"scores": tuple(Score(name=name, value=value) for name, value in values.items())}


def expecting(expected: str | None, status: str, declines: bool | None = None, **fields: Any) -> Observed:
    """A response to a case with an expectation; ``declines`` is eval's score `refusal`."""
    scores = {} if declines is None else scored(refusal=float(declines))
    return observed("text", case={"expected": expected}, status=status, **scores, **fields)


@pytest.mark.parametrize("name", SCORES)
def test_scores_of_eval_are_taken_over(name: str) -> None:
    metric = one(name)
    assert metric.context == "context-dependent"
    assert metric.value(observed("x", **scored(other=0.1, **{name: 0.25}))) == 0.25
    assert metric.value(observed("x", **scored(**{name: 0.0}))) == 0.0
    with pytest.raises(NotComputable, match=rf"response \(answered\) has no score `{name}`"):
        metric.value(observed("x"))
    with pytest.raises(NotComputable, match="did not compute the score"):
        metric.value(observed("x", degraded=(f"eval.{name}",)))
    error = ErrorInfo(code="model_timeout", message="x")
    with pytest.raises(NotComputable, match=r"status is failed \(model_timeout\)"):
        metric.value(observed("x", status="failed", error=error, **scored(**{name: 0.5})))


@pytest.mark.parametrize(
    ("expected", "status", "declines", "value"),
    [
        ("abstain", "abstained", None, 1.0),
        ("abstain", "answered", True, 1.0),
        ("abstain", "answered", False, 0.0),
        ("abstain", "refused", None, 0.0),
        ("abstain", "blocked", None, 0.0),
        ("answer", "answered", False, 1.0),
        ("answer", "answered", True, 0.0),
        ("answer", "abstained", None, 0.0),
        ("answer", "blocked", None, 0.0),
    ],
)
def test_abstention(expected: str, status: str, declines: bool | None, value: float) -> None:
    assert one("abstention").value(expecting(expected, status, declines)) == value


@pytest.mark.parametrize(
    ("expected", "status", "reason"),
    [
        (None, "answered", "no `expected`"),
        ("refuse", "answered", "no `expected`"),
        ("answer", "answered", "no score `refusal`"),
        ("answer", "failed", "status is failed"),
        ("abstain", "cancelled", "status is cancelled"),
    ],
)
def test_abstention_has_no_value(expected: str | None, status: str, reason: str) -> None:
    with pytest.raises(NotComputable, match=reason):
        one("abstention").value(expecting(expected, status))


def test_a_json_answer_does_not_decline_in_words() -> None:
    assert one("abstention").value(expecting("answer", "answered", answer_json={"a": 1})) == 1.0


def run_of(*responses: Observed) -> Aggregates:
    cases = [Case(id=f"c{n}", question="?", expected=o.case.expected) for n, o in enumerate(responses)]
    samples = [Sample(case_id=f"c{n}", response=o.response) for n, o in enumerate(responses)]
    return aggregate(cases, samples, [one("abstention")])


def answerable(score: float) -> dict[str, Any]:
    return {"answerability": Answerability(score=score, threshold=0.5, answerable=score >= 0.5)}


def test_precision_recall_and_risk_of_a_run() -> None:
    found = run_of(
        expecting("abstain", "abstained", **answerable(0.1)),
        expecting("abstain", "abstained", **answerable(0.3)),
        expecting("abstain", "answered", False, **answerable(0.8)),
        expecting("answer", "abstained", **answerable(0.3)),
        expecting("answer", "answered", False, **answerable(0.9)),
        expecting("refuse", "answered", False, **answerable(0.99)),
        expecting("answer", "failed"),
    )
    # Two of three abstentions are expected; two of three expected ones occurred. Coverages 1/5, 2/5, 4/5 (a tie) and 1
    # have the risks 0, 1/2, 2/4 and 3/5.
    assert found.values == pytest.approx(
        {
            "abstention.precision": 2 / 3,
            "abstention.recall": 2 / 3,
            "abstention.aurc": (0 + 1 / 2 + 2 * 2 / 4 + 3 / 5) / 5,
        }
    )
    assert found.failures == {}


def test_numbers_of_a_run_without_abstentions_have_no_value() -> None:
    found = run_of(expecting("answer", "answered", False))
    assert found.values == {}
    assert found.failures == {
        "abstention.precision": "no response abstains",
        "abstention.recall": "no case expects an abstention",
        "abstention.aurc": "the answerability scores are not of both answerable and unanswerable questions",
    }


def test_risk_coverage_curve() -> None:
    given = [
        expecting("answer", "answered", **answerable(0.9)),
        expecting("abstain", "answered", **answerable(0.5)),
        expecting("answer", "answered", **answerable(0.5)),
        expecting("abstain", "abstained", **answerable(0.2)),
        expecting("answer", "answered"),
    ]
    assert risk_coverage(given) == [
        RiskPoint(0.9, 0.25, 0.0),
        RiskPoint(0.5, 0.75, 1 / 3),
        RiskPoint(0.2, 1.0, 0.5),
    ]


@pytest.mark.parametrize(
    ("status", "declines", "value"),
    [
        ("blocked", None, 1.0),
        ("refused", None, 1.0),
        ("answered", True, 1.0),
        ("answered", False, 0.0),
        ("abstained", None, 0.0),
    ],
)
def test_refusal_and_over_refusal(status: str, declines: bool | None, value: float) -> None:
    refusal, over_refusal = one("refusal"), one("over_refusal")
    assert refusal.value(expecting("refuse", status, declines)) == value
    assert over_refusal.value(expecting("answer", status, declines)) == value
    assert (refusal.higher_is_better, over_refusal.higher_is_better) == (True, False)
    with pytest.raises(NotComputable, match="does not expect a refusal"):
        refusal.value(expecting("answer", status, declines))
    with pytest.raises(NotComputable, match="does not expect an answer"):
        over_refusal.value(expecting("refuse", status, declines))


def test_latency_tokens_and_cost() -> None:
    usage = Usage(prompt_tokens=300, completion_tokens=20, model_calls=2, cost_usd=0.004)
    given = observed("x", total_ms=812.5, usage=usage)
    assert one("latency_ms").value(given) == 812.5
    assert one("tokens").value(given) == 320.0
    assert one("cost_usd").value(given) == 0.004
    assert not any(one(name).higher_is_better for name in ("latency_ms", "tokens", "cost_usd"))


def test_a_response_without_a_model_call_costs_nothing() -> None:
    given = observed("x", status="abstained")
    assert one("tokens").value(given) == 0.0
    assert one("cost_usd").value(given) == 0.0


@pytest.mark.parametrize(
    ("name", "fields", "reason"),
    [
        ("latency_ms", {}, "no `total_ms`"),
        ("latency_ms", {"total_ms": 5.0, "status": "failed"}, "status is failed"),
        ("tokens", {"usage": Usage(model_calls=1)}, "reported no tokens"),
        ("cost_usd", {"usage": Usage(model_calls=1)}, "reported no tokens"),
        ("cost_usd", {"status": "expired"}, "status is expired"),
    ],
)
def test_usage_that_is_not_known_has_no_value(name: str, fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(NotComputable, match=reason):
        one(name).value(observed("x", **fields))


def test_responses_of_unknown_statuses_are_failures() -> None:
    with pytest.raises(NotComputable, match="status is paused"):
        one("latency_ms").value(Observed(Case(id="c", question="?"), response(status="paused", total_ms=1.0)))
