"""Lookups, with an in-memory store."""

from __future__ import annotations

import asyncio
import gc
from datetime import timedelta
from typing import Any

import pytest
from septet_cache.application.lookup import Lookup
from septet_cache.handlers import ScreenedHandler
from septet_cache.settings import CacheSettings
from septet_contracts import (
    CacheOptions,
    EvaluationSample,
    Missed,
    Outcome,
    Verdict,
)

from .harness import ANSWER, NOW, QUESTION, Cache, Down, Hanging


async def test_miss_carries_the_embedding(cache: Cache) -> None:
    missed = await cache.ask()
    assert isinstance(missed, Missed)
    assert missed.cache.status == "miss"
    assert missed.embedding is not None
    assert len(missed.embedding.vector) == 384
    assert [t.stage for t in missed.timings] == ["cache"]


async def test_exact_hit_computes_no_embedding(cache: Cache, embedder: Any) -> None:
    await cache.fill()
    calls = embedder.calls
    hit = await cache.ask("how do i sort a list in python")
    assert isinstance(hit, Outcome)
    assert (hit.status, hit.answer, hit.answer_kind, hit.origin) == ("answered", ANSWER, "cached", "cache")
    assert hit.usage.model_calls == 0
    assert (hit.model, hit.prompt_version) == ("small", "answer@1")
    assert [p.text for p in hit.passages] == ["sorted() …"]
    assert hit.cache is not None
    assert hit.cache.status == "hit_exact"
    assert "same question" in hit.cache.reason
    assert embedder.calls == calls


@pytest.mark.parametrize("use", ["default", "refresh", "bypass"])
async def test_an_evaluation_run_bypasses_the_cache(cache: Cache, use: Any) -> None:
    await cache.fill()
    sample = EvaluationSample(run="r", case="c")
    missed = await cache.ask(QUESTION, evaluation=sample, cache=CacheOptions(use=use))
    assert isinstance(missed, Missed)
    assert (missed.cache.status, missed.cache.entry_id) == ("bypass", None)
    assert missed.ask.evaluation == sample


async def test_semantic_hit_lists_all_checks(cache: Cache) -> None:
    await cache.fill()
    hit = await cache.ask("In Python, how do I sort a list?")
    assert isinstance(hit, Outcome)
    assert hit.cache is not None
    assert hit.cache.status == "hit_semantic"
    assert hit.cache.matched_question == QUESTION
    assert {c.name for c in hit.cache.checks} >= {
        "entities",
        "numbers",
        "negation",
        "order",
        "second_opinion",
    }
    assert all(c.passed for c in hit.cache.checks)


async def test_miss_names_the_check_that_failed(cache: Cache) -> None:
    await cache.fill()
    missed = await cache.ask("How do I sort a list in Java?")
    assert isinstance(missed, Missed)
    assert missed.cache.matched_question == QUESTION
    assert missed.cache.similarity is not None
    assert "java" in missed.cache.reason
    assert not next(c for c in missed.cache.checks if c.name == "entities").passed


async def test_korean_hit_and_miss(cache: Cache) -> None:
    await cache.fill("리스트를 정렬하는 방법은 무엇인가요?", language="ko")
    assert isinstance(await cache.ask("리스트를 정렬하는 방법은 무엇인가요", language="ko"), Outcome)
    refused = await cache.ask("튜플을 정렬하는 방법은 무엇인가요?", language="ko")
    assert isinstance(refused, Missed)
    assert refused.cache.matched_question == "리스트를 정렬하는 방법은 무엇인가요?"


@pytest.mark.parametrize(
    "fields",
    [
        {"tenant": "other"},
        {"policy_version": "2"},
        {"model": "large"},
        {"messages": ({"role": "user", "content": "I mean C++"},)},
    ],
)
async def test_answers_are_not_shared_between_tenants_and_scopes(
    cache: Cache, fields: dict[str, Any]
) -> None:
    await cache.fill()
    missed = await cache.ask(**fields)
    assert isinstance(missed, Missed)
    assert missed.cache.matched_question is None


async def test_bypass_and_refresh_skip_the_lookup_and_only_refresh_admits(cache: Cache) -> None:
    await cache.fill()
    bypass = await cache.ask(cache=CacheOptions(use="bypass"))
    refresh = await cache.ask(cache=CacheOptions(use="refresh"), request_id="r-3")
    assert isinstance(bypass, Missed)
    assert isinstance(refresh, Missed)
    assert (bypass.cache.status, refresh.cache.status) == ("bypass", "refresh")
    await cache.admit(bypass, answer="bypassed", occurred_at=NOW + timedelta(seconds=1))
    await cache.admit(refresh, answer="refreshed", occurred_at=NOW + timedelta(seconds=2))
    hit = await cache.ask()
    assert isinstance(hit, Outcome)
    assert hit.answer == "refreshed"


async def test_key_replaces_the_question(cache: Cache) -> None:
    keyed: dict[str, Any] = {"cache": CacheOptions(key="item-7")}
    await cache.admit(await cache.ask("Describe it.", request_id="r-1", **keyed))
    hit = await cache.ask("Tell me about it.", **keyed)
    assert isinstance(hit, Outcome)
    assert hit.cache is not None
    assert hit.cache.status == "hit_key"
    assert isinstance(await cache.ask("Describe it."), Missed)
    assert isinstance(await cache.ask("Describe it.", cache=CacheOptions(key="item-8")), Missed)


async def test_masked_questions_are_neither_looked_up_nor_admitted(cache: Cache) -> None:
    masked = (Verdict(rail="pii", stage="input", decision="mask"),)
    await cache.fill()
    missed = await cache.ask(verdicts=masked, sealed="values")
    assert isinstance(missed, Missed)
    assert (missed.cache.status, missed.sealed) == ("bypass", "values")
    other = "Who is <PERSON_1>?"
    masked_question = await cache.ask(other, verdicts=masked)
    await cache.admit(masked_question, verdicts=masked)
    assert isinstance(await cache.ask(other), Missed)


async def test_without_embeddings_only_exact_hits_are_served(embedder: Any) -> None:
    cache = Cache(embedder)
    await cache.fill()
    down = Cache(Down(), cache.store)
    assert isinstance(await down.ask(), Outcome)
    missed = await down.ask("In Python, how do I sort a list?")
    assert isinstance(missed, Missed)
    assert missed.degraded == ("cache.semantic",)
    assert missed.embedding is None


async def test_hanging_embedder_makes_a_miss(embedder: Any) -> None:
    cache = Cache(embedder, patience=timedelta(milliseconds=20))
    await cache.fill()
    hanging = Cache(Hanging(), cache.store, patience=timedelta(milliseconds=20))
    missed = await asyncio.wait_for(hanging.ask("In Python, how do I sort a list?"), 2)
    assert isinstance(missed, Missed)
    assert missed.degraded == ("cache.semantic",)


async def test_late_failure_of_an_embedder_leaves_no_unretrieved_exception(embedder: Any) -> None:
    class LateFailure(Hanging):
        async def embed(self, texts: Any, kind: Any) -> Any:
            try:
                await asyncio.Event().wait()
            finally:
                raise RuntimeError("the connection was reset")

    reported: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    try:
        late = Cache(LateFailure(), Cache(embedder).store, patience=timedelta(milliseconds=20))
        assert isinstance(await late.ask(), Missed)
        await asyncio.sleep(0)
        gc.collect()
    finally:
        asyncio.get_running_loop().set_exception_handler(None)
    assert reported == []


async def test_without_the_store_a_lookup_is_a_degraded_miss(embedder: Any) -> None:
    missed = await Cache(embedder, Down()).ask()
    assert isinstance(missed, Missed)
    assert missed.degraded == ("cache.store",)


async def test_disabled_cache_neither_looks_up_nor_admits(embedder: Any) -> None:
    cache = Cache(embedder, enabled=False)
    await cache.fill()
    missed = await cache.ask()
    assert isinstance(missed, Missed)
    assert missed.cache.status == "disabled"


async def test_uncalibrated_embeddings_model_gets_no_semantic_hits(embedder: Any) -> None:
    cache = Cache(embedder)
    await cache.fill()
    settings = CacheSettings()
    cache.screened = ScreenedHandler(Lookup(cache.store, embedder, settings, calibrated=False))
    assert isinstance(await cache.ask("In Python, how do I sort a list?"), Missed)
    assert isinstance(await cache.ask(), Outcome)


async def test_contained_question_gets_no_stored_answer(cache: Cache) -> None:
    await cache.fill()
    contained = Verdict(rail="injection", stage="input", decision="contain")
    event = await cache.ask(verdicts=(contained,))
    assert isinstance(event, Missed)
    assert (event.cache.status, "may be an attack" in event.cache.reason) == ("bypass", True)
    assert event.contained


async def test_question_with_an_unknown_decision_is_not_looked_up(cache: Cache) -> None:
    await cache.fill()
    assert isinstance(await cache.ask(), Outcome)
    unknown = Verdict(rail="new", stage="input", decision="quarantine")
    event = await cache.ask(verdicts=(unknown,))
    assert isinstance(event, Missed)
    assert (event.cache.status, "'quarantine'" in event.cache.reason) == ("bypass", True)
    assert event.verdicts == (unknown,)
