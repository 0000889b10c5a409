"""Admission and revocation of answers, with an in-memory store."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from septet_cache.domain.admission import is_volatile, refusal
from septet_contracts import (
    CacheInfo,
    EvaluationSample,
    Missed,
    Outcome,
    Verdict,
    decode,
    encode,
    topic,
)
from septet_kit.testing import context, flow

from .harness import NOW, Cache, changed, label, released, source


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
        {"verdicts": (Verdict(rail="injection", stage="input", decision="contain"),)},
        {"cache": None},
        {"cache": CacheInfo(status="hit_exact", entry_id="x")},
        {"question": "Another question?"},
        {"sources": (source("h1"), source("h2"))},
        {"question": None},
        {"evaluation": EvaluationSample(run="r", case="c")},
        {"occurred_at": NOW - timedelta(days=3)},
    ],
)
async def test_refused_release_is_not_admitted(cache: Cache, fields: dict[str, Any]) -> None:
    await cache.admit(await cache.ask(request_id="r-1"), **fields)
    assert isinstance(await cache.ask(), Missed)


async def test_volatile_answers_expire_after_volatile_ttl(embedder: Any) -> None:
    cache = Cache(embedder, volatile_ttl=timedelta(minutes=5))
    for question in ("What is the latest version?", "현재 버전은 뭐야?"):
        assert is_volatile(question)
        await cache.fill(question, occurred_at=NOW - timedelta(minutes=6))
        assert isinstance(await cache.ask(question), Missed)
    await cache.fill(occurred_at=NOW - timedelta(minutes=6))
    assert isinstance(await cache.ask(), Outcome)


@pytest.mark.parametrize(("change", "content_hash"), [("deleted", None), ("updated", "h2")])
async def test_document_change_revokes_the_answer(
    cache: Cache, change: str, content_hash: str | None
) -> None:
    await cache.fill()
    await cache.documents_changed(changed("unchanged", "h1"), context("documents-changed"))
    assert isinstance(await cache.ask(), Outcome)
    await cache.documents_changed(changed(change, content_hash), context("documents-changed"))
    assert isinstance(await cache.ask(), Missed)


async def test_thumbs_down_on_a_hit_revokes_the_entry_permanently(cache: Cache) -> None:
    first = await cache.fill()
    hit = await cache.ask("In Python, how do I sort a list?")
    await cache.labels(label(released(hit, answer_kind="cached")), context("labels"))
    assert isinstance(await cache.ask(), Missed)
    await cache.releases(
        first.model_copy(update={"event_id": uuid4(), "response_event_id": uuid4()}), context("releases")
    )
    assert isinstance(await cache.ask(), Missed)


@pytest.mark.parametrize("fields", [{"polarity": "positive"}, {"explicit": False}, {"tenant": "other"}])
async def test_other_labels_do_not_revoke(cache: Cache, fields: dict[str, Any]) -> None:
    response = await cache.fill()
    await cache.labels(label(response, **fields), context("labels"))
    assert isinstance(await cache.ask(), Outcome)


async def test_flagged_source_revokes_its_answers(cache: Cache) -> None:
    response = await cache.fill()
    other = label(
        response, request_id="r-9", question=None, answer=None, cache_entry_id=None, flagged_document_id="d1"
    )
    await cache.labels(other, context("labels"))
    assert isinstance(await cache.ask(), Missed)


def test_refusal_has_a_reason() -> None:
    missed = flow(Missed, cache=CacheInfo(status="miss"))
    assert refusal(released(missed)) == "the question differs from the question of the lookup"
    assert refusal(released(missed, admissible=False, admission_reason="a rail failed")) == "a rail failed"


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "deferred"},
        {"verdicts": (Verdict(rail="new", stage="output", decision="quarantine"),)},
        {"answer_kind": "translated"},
    ],
    ids=["status", "decision", "kind"],
)
async def test_release_with_an_unknown_value_is_not_admitted(cache: Cache, fields: dict[str, Any]) -> None:
    release = await cache.fill(**fields)
    assert decode(topic("releases"), encode(release)) == release
    assert isinstance(await cache.ask(), Missed)


async def test_release_with_an_unknown_cache_status_is_not_admitted(cache: Cache) -> None:
    missed = await cache.ask(request_id="r-1")
    assert missed.cache is not None
    unknown = missed.cache.model_copy(update={"status": "hit_federated"})
    await cache.admit(missed, cache=unknown)
    assert isinstance(await cache.ask(), Missed)


async def test_response_is_admitted_once_for_all_events_about_it(cache: Cache) -> None:
    """Two events about one response have the same cause, the response's event id."""
    release = await cache.fill()
    await cache.documents_changed(changed("deleted", None), context("documents-changed"))
    again = release.model_copy(update={"event_id": uuid4()})
    await cache.releases(again, context("releases"))
    assert isinstance(await cache.ask(), Missed)
