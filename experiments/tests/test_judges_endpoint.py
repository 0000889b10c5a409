"""Calls to a judge's endpoint, and their records."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from septet_experiments.errors import ExperimentError
from septet_experiments.judges import (
    ChatCall,
    JudgeRejected,
    JudgeUnavailable,
    JudgmentStore,
    MissingJudgment,
    ModelIdentity,
    Pairwise,
    Reply,
    SelfJudge,
    check_not_generator,
    is_same_model,
    record,
)
from septet_experiments.judges.probing import probe, weighting_of

from .judge_support import JUDGE, completion, endpoint, item

(CALL, OTHER_CALL) = Pairwise(JUDGE).calls(item(other="x"))


class Answers:
    """Answers calls in order; the last answer repeats."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.bodies: list[dict[str, Any]] = []

    def __call__(self, body: dict[str, Any]) -> httpx.Response:
        self.bodies.append(body)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def ok(text: str = "[[A]]", **choice: Any) -> httpx.Response:
    return httpx.Response(200, json=completion(text, **choice))


async def test_a_reply_has_its_usage_and_cost() -> None:
    client = endpoint(Answers(ok()), prompt_usd=2.0, completion_usd=10.0)
    found = await client.reply(CALL)
    assert (found.text, found.model) == ("[[A]]", "judge-large-2026")
    assert found.usage.cost_usd == pytest.approx((100 * 2 + 20 * 10) / 1e6)
    assert client.usage == found.usage


async def test_a_reply_without_usage_is_counted() -> None:
    body = completion("[[A]]")
    del body["usage"]
    client = endpoint(Answers(httpx.Response(200, json=body)))
    assert (await client.reply(CALL)).usage.unreported == 1


async def test_token_probabilities_are_read_when_offered() -> None:
    content = [{"token": "4", "logprob": -0.1, "top_logprobs": [{"token": "4", "logprob": -0.1}]}]
    client = endpoint(Answers(ok("4", logprobs={"content": content}), ok("4", logprobs=None)))
    call = probe(JUDGE)
    with_tokens, without = await client.reply(call), await client.reply(call)
    assert with_tokens.tokens is not None
    assert with_tokens.tokens[0].alternatives == (("4", -0.1),)
    assert without.tokens is None


async def test_busy_endpoints_are_retried_with_growing_pauses() -> None:
    busy = httpx.Response(503, text="loading")
    client = endpoint(Answers(busy, busy, ok()))
    assert (await client.reply(CALL)).text == "[[A]]"
    assert client.waits == [0.5, 1.0]
    assert client.usage.calls == 3


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_retry_after_is_honoured(form: str) -> None:
    at = datetime.now(UTC) + timedelta(seconds=20)
    value = "20" if form == "seconds" else format_datetime(at, usegmt=True)
    client = endpoint(Answers(httpx.Response(429, headers={"retry-after": value}), ok()))
    await client.reply(CALL)
    assert 10 <= client.waits[0] <= 20


async def test_a_long_retry_after_ends_the_call() -> None:
    client = endpoint(Answers(httpx.Response(429, headers={"retry-after": "3600"})))
    with pytest.raises(JudgeUnavailable) as caught:
        await client.reply(CALL)
    assert (caught.value.retry_after, client.waits) == (3600.0, [])


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow")])
async def test_a_dead_endpoint_is_unavailable_after_all_attempts(error: Exception) -> None:
    client = endpoint(Answers(error), attempts=3)
    with pytest.raises(JudgeUnavailable, match=type(error).__name__):
        await client.reply(CALL)
    assert client.usage.calls == 3


async def test_a_rejected_call_is_not_retried() -> None:
    answers = Answers(httpx.Response(404, json={"error": {"message": "no such model"}}))
    with pytest.raises(JudgeRejected, match="no such model"):
        await endpoint(answers).reply(CALL)
    assert len(answers.bodies) == 1


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"choices": []}', b'{"choices": [{"message": null}]}'])
async def test_a_reply_that_is_no_completion_is_rejected(body: bytes) -> None:
    with pytest.raises(JudgeRejected, match="no chat completion"):
        await endpoint(Answers(httpx.Response(200, content=body))).reply(CALL)


async def test_the_key_is_sent_and_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answers = Answers(httpx.Response(401, json={"error": {"message": "wrong key sk-secret-1 given"}}))
    client = endpoint(answers, api_key="sk-secret-1")
    with pytest.raises(JudgeRejected) as caught:
        await client.reply(CALL)
    assert answers.bodies[0]["headers"]["authorization"] == "Bearer sk-secret-1"
    shown = f"{caught.value!r} {caught.value.__cause__!r} {client!r} {client.settings!r} {caplog.text}"
    assert "sk-secret-1" not in shown


async def test_the_body_follows_call_and_settings() -> None:
    answers = Answers(ok())
    client = endpoint(answers, seed=7, token_limit_field="max_completion_tokens", extra_body={"top_p": 0.9})
    await client.reply(CALL.model_copy(update={"draw": 2, "temperature": None}))
    (body,) = answers.bodies
    assert (body["seed"], body["max_completion_tokens"], body["top_p"]) == (9, 512, 0.9)
    assert "temperature" not in body
    assert "logprobs" not in body


async def test_recorded_replies_are_replayed_without_a_model(tmp_path: Path) -> None:
    store = JudgmentStore(tmp_path)
    report = await record([CALL, OTHER_CALL, CALL], endpoint(Answers(ok())), store)
    assert (report.asked, report.recorded, report.usage.tokens) == (2, 2, 240)
    replayed = JudgmentStore(tmp_path)
    assert [replayed.get(call).text for call in (CALL, OTHER_CALL)] == ["[[A]]", "[[A]]"]
    again = await record([CALL, OTHER_CALL], endpoint(Answers(httpx.ConnectError("down"))), replayed)
    assert again.asked == 0


def test_a_missing_judgment_names_the_command(tmp_path: Path) -> None:
    store = JudgmentStore(tmp_path, "septet eval run faq --record judgments")
    with pytest.raises(MissingJudgment) as caught:
        store.get(CALL)
    assert caught.value.fix == "record it: septet eval run faq --record judgments"


@pytest.mark.parametrize(
    "field", ["model", "model_digest", "system", "user", "max_tokens", "draw", "top_logprobs"]
)
def test_a_change_of_the_call_is_another_judgment(field: str) -> None:
    value = getattr(CALL, field)
    changed = ChatCall(**(CALL.model_dump() | {field: value + "x" if isinstance(value, str) else value + 1}))
    assert changed.digest != CALL.digest


def test_a_torn_last_line_is_dropped_and_overwritten(tmp_path: Path) -> None:
    JudgmentStore(tmp_path).add(CALL, Reply(text="one"))
    path = tmp_path / "judgments.jsonl"
    path.write_bytes(path.read_bytes() + b'{"digest": "torn')
    store = JudgmentStore(tmp_path)
    store.add(OTHER_CALL, Reply(text="two"))
    assert len(JudgmentStore(tmp_path)) == 2


def test_a_broken_line_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "judgments.jsonl").write_text("{}\n")
    with pytest.raises(ExperimentError, match="line 1"):
        JudgmentStore(tmp_path)


async def test_failed_calls_are_counted_and_leave_the_others(tmp_path: Path) -> None:
    store = JudgmentStore(tmp_path)
    answers = Answers(httpx.Response(404, json={"error": "no"}), ok())
    report = await record([CALL, OTHER_CALL], endpoint(answers), store, in_flight=1)
    assert (report.recorded, list(report.failed.values())) == (1, [1])
    assert CALL not in store


async def test_the_weighting_is_found_by_a_recorded_probe(tmp_path: Path) -> None:
    store = JudgmentStore(tmp_path)
    with pytest.raises(MissingJudgment):
        weighting_of(store, JUDGE)
    await record([probe(JUDGE)], endpoint(Answers(ok("5"))), store)
    assert weighting_of(JudgmentStore(tmp_path), JUDGE) == "samples"


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (ModelIdentity("judge", "http://127.0.0.1:8080/v1/"), True),
        (ModelIdentity("judge", "http://LOCALHOST:8080/other"), True),
        (ModelIdentity("judge"), True),
        (ModelIdentity("judge", "https://elsewhere:8080/v1"), False),
        (ModelIdentity("other", "http://localhost:8080/v1"), False),
        (ModelIdentity("other", "https://elsewhere/v1", "sha256:1"), True),
        (ModelIdentity("other", "https://elsewhere/v1", "sha256:2"), False),
        (ModelIdentity(""), False),
    ],
)
def test_a_judge_that_is_the_generator_is_refused(other: ModelIdentity, same: bool) -> None:
    judge = ModelIdentity("judge", "http://localhost:8080/v1", "sha256:1")
    assert is_same_model(judge, other) is same
    if same:
        with pytest.raises(SelfJudge):
            check_not_generator(judge, other)
    check_not_generator(judge, other, allowed=True)
