"""Selection, budget, circuit breaker and event of judge."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from septet_contracts import EvaluationSample, Verdict, decode, encode, topic
from septet_experiments.judges import ChatCall, EndpointSettings, JudgeModel, Judgment, Rubric, Usage
from septet_judge.domain.breaker import Breaker
from septet_judge.domain.budget import Spend, spent, upper_bound
from septet_judge.domain.evaluation import CalibratedProtocol, evaluation_of
from septet_judge.domain.selection import Sampling, Selection, position

from .support import response

ALL = Selection(Sampling(1.0), "large", False)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, None),
        ({"status": "refused"}, "no_answer"),
        ({"status": "something new"}, "no_answer"),
        ({"answer": None}, "no_answer"),
        ({"answer": ""}, "no_answer"),
        ({"answer_kind": "none"}, "no_answer"),
        ({"answer_kind": "cached"}, None),
        ({"model": "large"}, "self"),
        ({"verdicts": (Verdict(rail="pii", stage="input", decision="mask"),)}, "personal_data"),
        ({"verdicts": (Verdict(rail="pii", stage="output", decision="mask"),)}, None),
    ],
)
def test_which_responses_are_judged(fields: dict[str, object], reason: str | None) -> None:
    assert ALL.refuse(response(**fields)) == reason


def test_a_response_of_an_evaluation_run_is_judged_by_its_run() -> None:
    assert ALL.refuse(response(evaluation=EvaluationSample(run="r", case="c"))) == "evaluation"


def test_a_judge_may_be_allowed_to_judge_itself() -> None:
    assert Selection(Sampling(1.0), "small", True).refuse(response()) is None


def test_the_sample_has_its_share_and_depends_on_the_request_alone() -> None:
    sampling = Sampling(0.2)
    chosen = [n for n in range(4000) if sampling.includes(response(f"r-{n}"))]
    assert 700 < len(chosen) < 900
    assert chosen == [n for n in range(4000) if sampling.includes(response(f"r-{n}", answer="another"))]
    other = [n for n in range(4000) if sampling.includes(response(f"r-{n}", tenant="acme"))]
    assert chosen != other


def test_a_larger_share_contains_the_smaller_one() -> None:
    small, large = Sampling(0.1), Sampling(0.3)
    assert all(large.includes(r) for r in (response(f"r-{n}") for n in range(500)) if small.includes(r))


def test_shares_by_policy_and_tenant() -> None:
    sampling = Sampling(0.0, {"strict": 1.0}, {"acme": 0.0, "globex": 1.0})
    assert not sampling.includes(response())
    assert sampling.includes(response(policy="strict"))
    assert not sampling.includes(response(policy="strict", tenant="acme"))
    assert sampling.includes(response(policy=None, tenant="globex"))
    assert 0 <= position("t", "r") < 1


def test_the_upper_bound_covers_every_language() -> None:
    call = ChatCall(model="m", prompt="p", system="가나다", user="abc", max_tokens=100)
    bound = upper_bound([call, call], EndpointSettings(attempts=2, prompt_usd=1.0, completion_usd=2.0))
    assert bound.calls == 4
    assert bound.tokens == 2 * 2 * (9 + 3 + 32 + 100)
    assert bound.micro_usd == 2 * 2 * (44 + 200)


def test_what_the_endpoint_does_not_report_counts_as_the_reservation() -> None:
    reserved = Spend(4, 1000, 500)
    reported = Usage(calls=2, prompt_tokens=10, completion_tokens=5, cost_usd=0.000_1)
    assert spent(reported, reserved) == Spend(2, 15, 100)
    assert spent(reported + Usage(calls=1, unreported=1), reserved) == Spend(3, 1000, 500)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_breaker_opens_after_failures_in_a_row_and_tries_again() -> None:
    clock = Clock()
    breaker = Breaker(3, pause=10, longest=30, clock=clock)
    for _ in range(2):
        breaker.failed()
    breaker.succeeded()
    for _ in range(3):
        assert breaker.allows()
        breaker.failed()
    assert not breaker.allows()
    clock.now = 10
    assert breaker.allows()
    assert not breaker.allows(), "one trial at a time"
    breaker.failed()
    clock.now = 29
    assert not breaker.allows(), "the pause doubles"
    clock.now = 30
    assert breaker.allows()
    breaker.succeeded()
    assert breaker.allows()
    assert breaker.allows()


def test_calls_that_began_before_the_breaker_opened_do_not_lengthen_the_pause() -> None:
    clock = Clock()
    breaker = Breaker(1, pause=10, longest=600, clock=clock)
    for _ in range(8):
        assert breaker.allows()
    clock.now = 1
    for _ in range(8):
        breaker.failed()
    clock.now = 11
    assert breaker.allows()


def test_the_pause_has_a_limit_and_follows_retry_after() -> None:
    clock = Clock()
    breaker = Breaker(1, pause=10, longest=30, clock=clock)
    breaker.failed(retry_after=20)
    clock.now = 19
    assert not breaker.allows()
    clock.now = 20
    assert breaker.allows()
    breaker.failed(retry_after=3600)
    clock.now = 50
    assert breaker.allows()


def test_a_trial_without_a_call_does_not_block_the_next_one() -> None:
    clock = Clock()
    breaker = Breaker(1, pause=10, longest=30, clock=clock)
    breaker.failed()
    clock.now = 10
    assert breaker.allows()
    breaker.abandoned()
    assert breaker.allows()


def test_the_event_names_the_judge_and_its_id_follows_from_response_and_judge() -> None:
    def made(protocol: Rubric, request_id: str = "r-1") -> object:
        judgments = {CalibratedProtocol(protocol): Judgment(0.75, reason="fine")}
        return evaluation_of(response(request_id), "judge:large", judgments, datetime.now(UTC))

    rubric = Rubric(JudgeModel("large"))
    first, again = made(rubric), made(rubric)
    assert first.event_id == again.event_id  # type: ignore[attr-defined]
    assert first.event_id.version == 5  # type: ignore[attr-defined]
    assert first.event_id != made(rubric, "r-2").event_id  # type: ignore[attr-defined]
    assert first.event_id != made(Rubric(JudgeModel("larger"))).event_id  # type: ignore[attr-defined]
    (score,) = first.scores  # type: ignore[attr-defined]
    assert (score.name, score.value, score.explanation) == ("judge_rubric", 0.75, "fine")
    assert score.scorer == f"{rubric.signature} calibration=none"
    assert first.causation_id == response().event_id  # type: ignore[attr-defined]


def test_a_reason_that_is_no_valid_unicode_is_published() -> None:
    judgments = {
        CalibratedProtocol(Rubric(JudgeModel("large"))): Judgment(0.75, reason="좋음 \ud83d" + "x" * 2000)
    }
    made = evaluation_of(response(), "judge:large", judgments, datetime.now(UTC))
    (score,) = decode(topic("evaluations"), encode(made)).scores
    assert score.explanation == "좋음 ?" + "x" * 996
