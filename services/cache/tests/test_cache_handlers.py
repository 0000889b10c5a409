"""The cache's handlers from end to end, with a store in memory."""

from __future__ import annotations

import asyncio
import gc
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from septet_cache.adapters.memory import MemoryEntries
from septet_cache.domain.admission import is_volatile, refusal
from septet_cache.handlers import Handlers
from septet_cache.lookup import Lookup
from septet_cache.settings import CacheSettings
from septet_contracts import (
    Ask,
    CacheInfo,
    CacheOptions,
    DocumentChanged,
    Label,
    Missed,
    Outcome,
    Release,
    Screened,
    Source,
    Verdict,
    decode,
    encode,
    topic,
)
from septet_kit import Transient
from septet_kit.testing import context, flow

QUESTION = "How do I sort a list in Python?"
ANSWER = "Use sorted() [1]."
NOW = datetime.now(UTC)


class Down:
    """An embedder, or a store, that is not there."""

    model = "all-MiniLM-L6-v2"

    async def embed(self, texts: Any) -> Any:
        raise Transient("embeddings_unavailable", "down")

    async def by_slot(self, *args: Any) -> Any:
        raise Transient("store_unavailable", "down")


class Hanging:
    """An embedder that never replies."""

    model = "all-MiniLM-L6-v2"

    async def embed(self, texts: Any) -> Any:
        await asyncio.Event().wait()


class Cache:
    """The service without its broker: events go in, events come out."""

    def __init__(self, embedder: Any, store: Any = None, **settings: Any) -> None:
        self.store = store or MemoryEntries()
        chosen = CacheSettings(**settings)
        self.handlers = Handlers(Lookup(self.store, embedder, chosen, calibrated=True), self.store, chosen)

    async def ask(
        self, question: str = QUESTION, *, request_id: str = "r-2", **fields: Any
    ) -> Missed | Outcome:
        ask = Ask(
            question=question, **{k: fields.pop(k) for k in ("cache", "messages", "model") if k in fields}
        )
        event = flow(Screened, request_id=request_id, ask=ask, **fields)
        (emit,) = await self.handlers.screened(event, context("screened", event))
        assert isinstance(emit.event, Missed | Outcome)
        assert emit.topic == ("missed" if isinstance(emit.event, Missed) else "outcomes")
        return emit.event

    async def admit(self, missed: Missed | Outcome, **fields: Any) -> Release:
        response = released(missed, **fields)
        await self.handlers.releases(response, context("releases"))
        return response

    async def fill(self, question: str = QUESTION, **fields: Any) -> Release:
        language = fields.get("language", "en")
        return await self.admit(await self.ask(question, request_id="r-1", language=language), **fields)


def released(missed: Missed | Outcome, **fields: Any) -> Release:
    base: dict[str, Any] = {
        "request_id": missed.request_id, "tenant": missed.tenant, "event_id": uuid4(), "response_event_id": uuid4(),
        "occurred_at": NOW, "status": "answered", "question": missed.ask.query, "answer": ANSWER, "answer_kind": "generated",
        "sources": (source("h1"),),
        "cache": missed.cache, "model": "small", "prompt_version": "answer@1", "admissible": True,
        "cache_key": missed.ask.cache.key, "question_vector": missed.embedding,
    }  # fmt: skip
    return Release(**(base | fields))


def source(content_hash: str) -> Source:
    return Source(
        number=1, passage_id="d1#0", document_id="d1", content_hash=content_hash, passage="sorted() …"
    )


def changed(change: str, content_hash: str | None) -> DocumentChanged:
    fields = {"request_id": "doc", "event_id": uuid4(), "occurred_at": NOW, "document_id": "d1"}
    return DocumentChanged.model_validate({**fields, "change": change, "content_hash": content_hash})


def label(response: Release, **fields: Any) -> Label:
    base: dict[str, Any] = {
        "request_id": response.request_id, "tenant": response.tenant, "event_id": uuid4(), "occurred_at": NOW,
        "feedback_id": "f", "kind": "thumbs", "explicit": True, "polarity": "negative", "weight": 1.0,
        "question": response.question, "answer": response.answer, "response_event_id": str(response.response_event_id),
        "cache_entry_id": response.cache.entry_id if response.cache else None,
    }  # fmt: skip
    return Label(**(base | fields))


@pytest.fixture
def cache(embedder: Any) -> Cache:
    return Cache(embedder)


async def test_a_first_question_misses_and_takes_its_embedding_along(cache: Cache) -> None:
    missed = await cache.ask()
    assert isinstance(missed, Missed)
    assert missed.cache.status == "miss"
    assert missed.embedding is not None
    assert len(missed.embedding.vector) == 384
    assert [t.stage for t in missed.timings] == ["cache"]


async def test_the_same_question_is_served_without_an_embedding(cache: Cache, embedder: Any) -> None:
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


async def test_a_paraphrase_is_served_with_every_check_named(cache: Cache) -> None:
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


async def test_a_near_identical_question_is_not_served_and_says_why(cache: Cache) -> None:
    await cache.fill()
    missed = await cache.ask("How do I sort a list in Java?")
    assert isinstance(missed, Missed)
    assert missed.cache.matched_question == QUESTION
    assert missed.cache.similarity is not None
    assert "java" in missed.cache.reason
    assert not next(c for c in missed.cache.checks if c.name == "entities").passed


async def test_korean_is_served_and_refused_alike(cache: Cache) -> None:
    await cache.fill("리스트를 정렬하는 방법은 무엇인가요?", language="ko")
    assert isinstance(await cache.ask("리스트를 정렬하는 방법은 무엇인가요", language="ko"), Outcome)
    refused = await cache.ask("튜플을 정렬하는 방법은 무엇인가요?", language="ko")
    assert isinstance(refused, Missed)
    assert refused.cache.matched_question == "리스트를 정렬하는 방법은 무엇인가요?"


@pytest.mark.parametrize(
    "fields",
    [{"tenant": "other"}, {"policy_version": "2"}, {"model": "large"},
     {"messages": ({"role": "user", "content": "I mean C++"},)}],
)  # fmt: skip
async def test_answers_cross_neither_tenants_nor_scopes(cache: Cache, fields: dict[str, Any]) -> None:
    await cache.fill()
    missed = await cache.ask(**fields)
    assert isinstance(missed, Missed)
    assert missed.cache.matched_question is None


async def test_bypass_and_refresh_read_nothing_and_only_refresh_writes(cache: Cache) -> None:
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


async def test_a_key_stands_for_the_question(cache: Cache) -> None:
    keyed: dict[str, Any] = {"cache": CacheOptions(key="item-7")}
    await cache.admit(await cache.ask("Describe it.", request_id="r-1", **keyed))
    hit = await cache.ask("Tell me about it.", **keyed)
    assert isinstance(hit, Outcome)
    assert hit.cache is not None
    assert hit.cache.status == "hit_key"
    assert isinstance(await cache.ask("Describe it."), Missed)
    assert isinstance(await cache.ask("Describe it.", cache=CacheOptions(key="item-8")), Missed)


async def test_masked_questions_are_neither_looked_up_nor_kept(cache: Cache) -> None:
    masked = (Verdict(rail="pii", stage="input", decision="mask"),)
    missed = await cache.ask(verdicts=masked)
    assert isinstance(missed, Missed)
    assert missed.cache.status == "bypass"
    await cache.admit(missed, verdicts=masked)
    assert isinstance(await cache.ask(), Missed)


async def test_without_embeddings_exact_hits_go_on_and_the_rest_is_marked_degraded(embedder: Any) -> None:
    cache = Cache(embedder)
    await cache.fill()
    down = Cache(Down(), cache.store)
    assert isinstance(await down.ask(), Outcome)
    missed = await down.ask("In Python, how do I sort a list?")
    assert isinstance(missed, Missed)
    assert missed.degraded == ("cache.semantic",)
    assert missed.embedding is None


async def test_a_part_that_hangs_makes_a_miss_in_time(embedder: Any) -> None:
    cache = Cache(embedder, patience=timedelta(milliseconds=20))
    await cache.fill()
    hanging = Cache(Hanging(), cache.store, patience=timedelta(milliseconds=20))
    missed = await asyncio.wait_for(hanging.ask("In Python, how do I sort a list?"), 2)
    assert isinstance(missed, Missed)
    assert missed.degraded == ("cache.semantic",)


async def test_a_part_that_fails_after_its_time_leaves_no_unretrieved_exception(embedder: Any) -> None:
    class LateFailure(Hanging):
        async def embed(self, texts: Any) -> Any:
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


async def test_without_the_store_questions_are_passed_on(embedder: Any) -> None:
    missed = await Cache(embedder, Down()).ask()
    assert isinstance(missed, Missed)
    assert missed.degraded == ("cache.store",)


@pytest.mark.parametrize(
    "fields",
    [
        {"admissible": False, "admission_reason": "groundedness is below its floor"},
        {"status": "abstained"},
        {"answer_kind": "cached"},
        {"answer_kind": "none"},
        {"answer": None},
        {"degraded": ("retrieval.dense",)},
        {"verdicts": (Verdict(rail="pii", stage="output", decision="mask"),)},
        {"cache": None},
        {"cache": CacheInfo(status="hit_exact", entry_id="x")},
        {"question": "Another question?"},
        {"sources": (source("h1"), source("h2"))},
        {"question": None},
        {"occurred_at": NOW - timedelta(days=3)},
    ],
)
async def test_what_may_not_be_kept_is_not_kept(cache: Cache, fields: dict[str, Any]) -> None:
    await cache.admit(await cache.ask(request_id="r-1"), **fields)
    assert isinstance(await cache.ask(), Missed)


async def test_answers_about_the_present_are_kept_for_minutes(embedder: Any) -> None:
    cache = Cache(embedder, volatile_ttl=timedelta(minutes=5))
    for question in ("What is the latest version?", "현재 버전은 뭐야?"):
        assert is_volatile(question)
        await cache.fill(question, occurred_at=NOW - timedelta(minutes=6))
        assert isinstance(await cache.ask(question), Missed)
    await cache.fill(occurred_at=NOW - timedelta(minutes=6))
    assert isinstance(await cache.ask(), Outcome)


@pytest.mark.parametrize(("change", "content_hash"), [("deleted", None), ("updated", "h2")])
async def test_a_changed_document_takes_the_answer_with_it(
    cache: Cache, change: str, content_hash: str | None
) -> None:
    await cache.fill()
    await cache.handlers.documents_changed(changed("unchanged", "h1"), context("documents-changed"))
    assert isinstance(await cache.ask(), Outcome)
    await cache.handlers.documents_changed(changed(change, content_hash), context("documents-changed"))
    assert isinstance(await cache.ask(), Missed)


async def test_thumbs_down_on_a_hit_revokes_the_entry_for_good(cache: Cache) -> None:
    first = await cache.fill()
    hit = await cache.ask("In Python, how do I sort a list?")
    await cache.handlers.labels(label(released(hit, answer_kind="cached")), context("labels"))
    assert isinstance(await cache.ask(), Missed)
    await cache.handlers.releases(
        first.model_copy(update={"event_id": uuid4(), "response_event_id": uuid4()}), context("releases")
    )
    assert isinstance(await cache.ask(), Missed)


@pytest.mark.parametrize("fields", [{"polarity": "positive"}, {"explicit": False}, {"tenant": "other"}])
async def test_other_labels_revoke_nothing(cache: Cache, fields: dict[str, Any]) -> None:
    response = await cache.fill()
    await cache.handlers.labels(label(response, **fields), context("labels"))
    assert isinstance(await cache.ask(), Outcome)


async def test_a_flagged_source_revokes_what_rests_on_it(cache: Cache) -> None:
    response = await cache.fill()
    other = label(
        response, request_id="r-9", question=None, answer=None, cache_entry_id=None, flagged_document_id="d1"
    )
    await cache.handlers.labels(other, context("labels"))
    assert isinstance(await cache.ask(), Missed)


async def test_a_disabled_cache_passes_everything_on(embedder: Any) -> None:
    cache = Cache(embedder, enabled=False)
    await cache.fill()
    missed = await cache.ask()
    assert isinstance(missed, Missed)
    assert missed.cache.status == "disabled"


async def test_an_uncalibrated_embeddings_model_serves_no_paraphrase(embedder: Any) -> None:
    cache = Cache(embedder)
    await cache.fill()
    settings = CacheSettings()
    lookup = Lookup(cache.store, embedder, settings, calibrated=False)
    cache.handlers = Handlers(lookup, cache.store, settings)
    assert isinstance(await cache.ask("In Python, how do I sort a list?"), Missed)
    assert isinstance(await cache.ask(), Outcome)


def test_a_refusal_says_why() -> None:
    missed = flow(Missed, cache=CacheInfo(status="miss"))
    assert refusal(released(missed)) == "the question is not the one that was looked up"
    assert refusal(released(missed, admissible=False, admission_reason="a guard failed")) == "a guard failed"


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "deferred"},
        {"verdicts": (Verdict(rail="new", stage="output", decision="quarantine"),)},
        {"answer_kind": "translated"},
    ],
    ids=["status", "decision", "kind"],
)
async def test_a_release_with_an_unknown_value_is_not_kept(cache: Cache, fields: dict[str, Any]) -> None:
    release = await cache.fill(**fields)
    assert decode(topic("releases"), encode(release)) == release
    assert isinstance(await cache.ask(), Missed)


async def test_an_unknown_cache_status_is_not_kept(cache: Cache) -> None:
    missed = await cache.ask(request_id="r-1")
    assert missed.cache is not None
    unknown = missed.cache.model_copy(update={"status": "hit_federated"})
    await cache.admit(missed, cache=unknown)
    assert isinstance(await cache.ask(), Missed)


async def test_a_question_with_an_unknown_decision_is_not_looked_up(cache: Cache) -> None:
    await cache.fill()
    assert isinstance(await cache.ask(), Outcome)
    unknown = Verdict(rail="new", stage="input", decision="quarantine")
    event = await cache.ask(verdicts=(unknown,))
    assert isinstance(event, Missed)
    assert (event.cache.status, "'quarantine'" in event.cache.reason) == ("bypass", True)
    assert event.verdicts == (unknown,)


async def test_the_same_response_is_admitted_once_whichever_event_told_of_it(cache: Cache) -> None:
    """Version 1 of the response was admitted under this id before release events existed."""
    release = await cache.fill()
    await cache.handlers.documents_changed(changed("deleted", None), context("documents-changed"))
    again = release.model_copy(update={"event_id": uuid4()})
    await cache.handlers.releases(again, context("releases"))
    assert isinstance(await cache.ask(), Missed)
