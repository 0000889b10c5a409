"""Judging one response within the budget."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from septet_experiments.judges import (
    ChatCall,
    EndpointSettings,
    Groundedness,
    JudgeModel,
    JudgeRejected,
    JudgeUnavailable,
    Reply,
    Rubric,
    Usage,
)
from septet_judge.application.judging import ResponseJudge
from septet_judge.domain.breaker import Breaker
from septet_judge.domain.budget import Spend
from septet_judge.domain.evaluation import CalibratedProtocol
from septet_judge.domain.selection import Skipped
from septet_kit import Transient

from .support import RATED, FakeEndpoint, MemoryBudget, response

MODEL = JudgeModel("large")
PLENTY = Spend(1000, 1_000_000, 1_000_000)


class Setup:
    def __init__(self, limits: Spend = PLENTY, timeout: float = 5.0) -> None:
        self.now = 0.0
        self.endpoint = FakeEndpoint()
        self.budget = MemoryBudget(limits)
        self.breaker = Breaker(2, 10, 60, lambda: self.now)
        self.judge = ResponseJudge(
            [CalibratedProtocol(Groundedness(MODEL)), CalibratedProtocol(Rubric(MODEL, samples=1))],
            self.endpoint,
            EndpointSettings(attempts=2),
            self.budget,
            self.breaker,
            timedelta(seconds=timeout),
        )

    async def skipped(self, **fields: Any) -> str:
        with pytest.raises(Skipped) as caught:
            await self.judge.judge(response(**fields))
        return caught.value.reason


async def test_a_response_is_judged_by_all_protocols_and_pays_what_they_cost() -> None:
    setup = Setup()
    found = await setup.judge.judge(response())
    assert {p.protocol.name: j.value for p, j in found.items()} == {"groundedness": 1.0, "rubric": 0.75}
    assert setup.budget.spent == Spend(2, 240, 2000)


async def test_groundedness_needs_sources() -> None:
    found = await Setup().judge.judge(response(sources=()))
    assert [p.protocol.name for p in found] == ["rubric"]


async def test_a_response_that_no_protocol_applies_to_neither_calls_nor_closes_the_breaker() -> None:
    setup = Setup()
    setup.judge._protocols = [CalibratedProtocol(Groundedness(MODEL))]
    setup.endpoint.error = JudgeUnavailable("down")
    for _ in range(2):
        assert await setup.skipped() == "outage"
        assert await setup.skipped(sources=()) == "no_sources"
    assert not setup.breaker.allows()
    assert setup.budget.spent.calls == 0


async def test_a_lost_reply_and_its_retry_both_count() -> None:
    """The first try times out after the model has worked on it; the second one reports its tokens."""
    setup = Setup()
    setup.judge._protocols = [CalibratedProtocol(Rubric(MODEL, samples=1))]
    lost = Usage(calls=1, unreported=1)
    reported = Usage(calls=1, prompt_tokens=100, completion_tokens=20)

    async def retried(call: ChatCall) -> Reply:
        setup.endpoint.calls.append(call)
        return Reply(text=RATED, usage=lost + reported)

    setup.endpoint.reply = retried  # type: ignore[method-assign]
    await setup.judge.judge(response())
    (call,) = setup.endpoint.calls
    one_try = len(f"{call.system}{call.user}".encode()) + call.max_tokens
    assert setup.budget.spent.tokens > 2 * one_try


async def test_a_reply_without_a_verdict_is_left_out() -> None:
    setup = Setup()
    setup.endpoint.texts["groundedness"] = "I am not sure."
    assert [p.protocol.name for p in await setup.judge.judge(response())] == ["rubric"]


@pytest.mark.parametrize("limits", [Spend(3, 1_000_000, 0), Spend(1000, 100, 0)])
async def test_nothing_is_called_over_the_budget(limits: Spend) -> None:
    setup = Setup(limits)
    assert await setup.skipped() == "budget"
    assert setup.endpoint.calls == []
    assert setup.budget.spent == Spend()


async def test_an_outage_skips_and_opens_the_breaker() -> None:
    setup = Setup()
    setup.endpoint.error = JudgeUnavailable("refused", usage=Usage(calls=2))
    assert [await setup.skipped() for _ in range(4)] == ["outage"] * 4
    assert len(setup.endpoint.calls) == 2
    assert setup.budget.spent == Spend(calls=4)
    setup.now, setup.endpoint.error = 10, None
    assert len(await setup.judge.judge(response())) == 2


async def test_a_rejected_call_is_its_own_reason() -> None:
    setup = Setup()
    setup.endpoint.error = JudgeRejected("no such model", usage=Usage(calls=1))
    assert await setup.skipped() == "rejected"


async def test_a_hanging_endpoint_is_cut_off_and_its_reservation_stays() -> None:
    setup = Setup(timeout=0.02)

    async def hang(call: object) -> Any:
        await asyncio.sleep(10)

    setup.endpoint.reply = hang  # type: ignore[method-assign]
    assert await setup.skipped() == "outage"
    assert setup.budget.spent.tokens > 1000


async def test_a_trial_that_finds_the_budget_spent_does_not_hold_the_breaker() -> None:
    setup = Setup()
    setup.endpoint.error = JudgeUnavailable("down")
    for _ in range(2):
        await setup.skipped()
    setup.now, setup.budget.limits = 10, Spend()
    assert await setup.skipped() == "budget"
    assert setup.breaker.allows()


async def test_a_database_outage_before_the_call_is_raised_and_one_after_it_keeps_the_judgment() -> None:
    setup = Setup()

    async def fail(*_: object) -> Any:
        raise Transient("store_unavailable", "down")

    setup.budget.settle = fail  # type: ignore[method-assign]
    assert len(await setup.judge.judge(response())) == 2
    setup.budget.reserve = fail  # type: ignore[method-assign]
    with pytest.raises(Transient):
        await setup.judge.judge(response())
