"""Records of evaluation runs are told apart from live traffic, in metrics and in spans."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from septet_contracts import Ask, Draft, EvaluationSample, Missed, Outcome, Release, Request, TokenChunk
from septet_kit.observe.traffic import evaluation_of, traffic, traffic_of
from septet_kit.testing import flow

SAMPLE = EvaluationSample(run="run-1", case="c", draw=1)
ASK = Ask(question="What is a deque?", evaluation=SAMPLE)


def _release() -> Release:
    given: dict[str, Any] = {
        "event_id": uuid4(),
        "response_event_id": uuid4(),
        "occurred_at": datetime.now(UTC),
    }
    return Release(request_id="r", status="answered", evaluation=SAMPLE, **given)


def _chunk() -> TokenChunk:
    draft = flow(Draft, ask=ASK)
    known = {name: getattr(draft, name) for name in ("request_id", "event_id", "occurred_at")}
    return TokenChunk(epoch=1, sequence=0, text="A", draft=draft, **known)


@pytest.mark.parametrize(
    "event",
    [
        Request(request_id="r", question="What is a deque?", evaluation=SAMPLE),
        flow(Missed, ask=ASK),
        flow(Outcome, ask=ASK),
        _release(),
        _chunk(),
    ],
    ids=lambda event: type(event).__name__,
)
def test_each_event_of_a_run_has_its_sample(event: Any) -> None:
    assert evaluation_of(event) == SAMPLE
    assert traffic() == "live"
    with traffic_of(event) as sample:
        assert (traffic(), sample) == ("evaluation", SAMPLE)
    assert traffic() == "live"


@pytest.mark.parametrize("event", [None, object(), flow(Missed), Request(request_id="r", question="?")])
def test_any_other_event_is_live_traffic(event: Any) -> None:
    with traffic_of(event) as sample:
        assert (traffic(), sample) == ("live", None)
