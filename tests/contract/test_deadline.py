"""The deadline of a request has one owner: eval never expires what guardrails still lets through."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from septet_contracts import Request, Screened, encode
from septet_eval.domain.response import Pending
from septet_eval.handlers import RequestsHandler as EvalRequests
from septet_eval.ports import ReleaseResult, Substitutes
from septet_guardrails.adapters.language import FastTextLanguage
from septet_guardrails.adapters.names import PresidioNames
from septet_guardrails.adapters.policies import PolicyFiles
from septet_guardrails.adapters.profanity import ProfanityModel
from septet_guardrails.adapters.weights import injection_curve, injection_model
from septet_guardrails.domain.rails import input_rails
from septet_guardrails.handlers import RequestsHandler as GuardrailsRequests
from septet_kit import DEFAULT_DEADLINE, MAX_DEADLINE
from septet_kit.testing import context


class Registry:
    """Keeps what eval registers."""

    def __init__(self) -> None:
        self.pending: list[Pending] = []

    async def register(self, pending: Pending, _: Substitutes) -> ReleaseResult:
        self.pending.append(pending)
        return ReleaseResult()


@pytest.mark.parametrize(
    ("given", "due"),
    [
        (None, DEFAULT_DEADLINE),
        (timedelta(seconds=90), timedelta(seconds=90)),
        (timedelta(days=2), MAX_DEADLINE),
    ],
)
async def test_guardrails_and_eval_agree_on_the_deadline(
    given: timedelta | None, due: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    for service in ("GUARDRAILS_", "EVAL_", ""):
        monkeypatch.setenv(f"SEPTET_{service}DEFAULT_DEADLINE", "PT1H")
    now = datetime.now(UTC)
    deadline = None if given is None else now + given
    request = Request(request_id="r-1", question="What is a deque?", deadline=deadline)
    ctx = context("requests", value=encode(request), timestamp=now)
    assert await _registered(request, ctx) == await _screened(request, ctx) == now + due


async def _registered(request: Request, ctx: Any) -> datetime:
    registry: Any = Registry()
    await EvalRequests(registry)(request, ctx)
    deadline: datetime = registry.pending[0].deadline
    return deadline


async def _screened(request: Request, ctx: Any) -> datetime:
    rails = input_rails(injection_model(), injection_curve(), PresidioNames(), ProfanityModel())
    [emit] = await GuardrailsRequests(PolicyFiles.load(), rails, FastTextLanguage())(request, ctx)
    assert isinstance(emit.event, Screened)
    return emit.event.deadline
