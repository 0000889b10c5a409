from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from septet_contracts import Ask, CacheInfo, Draft, Grounded, Revision, Verdict, decode, encode, topic
from septet_generation.adapters.openai_chat import OpenAIChat
from septet_generation.adapters.postgres import PostgresEpochs
from septet_generation.adapters.templates import Templates
from septet_generation.application.cancellations import Cancellations
from septet_generation.application.drafting import Drafter
from septet_generation.domain.catalogue import Catalogue, Model
from septet_generation.handlers import DraftOnce, GroundedHandler, RevisionsHandler
from septet_kit import Permanent, Transient
from septet_kit.store import Ledger
from septet_kit.store.pool import StorePool
from septet_kit.testing import context, flow


@pytest.fixture
def cancellations() -> Cancellations:
    return Cancellations()


@pytest.fixture
async def draft_once(
    endpoint: Any, pool: StorePool, cancellations: Cancellations
) -> AsyncIterator[DraftOnce]:
    chat = OpenAIChat()
    catalogue = Catalogue({"default": Model(model="tiny", url=endpoint.url)})
    drafter = Drafter(catalogue, chat, Templates.load().render, PostgresEpochs(pool), lambda _: None)
    yield DraftOnce(drafter, Ledger(pool, "generation-0"), cancellations)
    await chat.aclose()


@pytest.fixture
def grounded(draft_once: DraftOnce) -> GroundedHandler:
    return GroundedHandler(draft_once)


async def test_a_redelivery_publishes_the_stored_bytes_without_a_model_call(
    grounded: GroundedHandler, endpoint: Any
) -> None:
    event = flow(Grounded)
    (first,) = await grounded(event, context("grounded", event))
    endpoint.answer = "Something else."
    (second,) = await grounded(event, context("grounded", event))
    assert first.topic == second.topic == "drafts"
    assert isinstance(first.event, Draft)
    assert first.value == second.value
    assert first.event_id == second.event_id
    assert len(endpoint.calls) == 1


async def test_concurrent_deliveries_share_one_call(grounded: GroundedHandler, endpoint: Any) -> None:
    endpoint.pause = 0.05
    event = flow(Grounded)
    results = await asyncio.gather(*(grounded(event, context("grounded", event)) for _ in range(3)))
    assert len({r[0].value for r in results}) == 1
    assert len(endpoint.calls) == 1


async def test_another_body_tenant_or_attempt_is_another_draft(
    draft_once: DraftOnce, grounded: GroundedHandler, endpoint: Any
) -> None:
    for event in (flow(Grounded), flow(Grounded, request_digest="other"), flow(Grounded, tenant="acme")):
        await grounded(event, context("grounded", event))
    revision = flow(Revision, attempt=2)
    await RevisionsHandler(draft_once)(revision, context("revisions", revision))
    assert len(endpoint.calls) == 4


async def test_a_request_without_generation_never_reaches_the_model(
    draft_once: DraftOnce, grounded: GroundedHandler, endpoint: Any
) -> None:
    ask = Ask(question="What is a deque?", generate=False)
    first, revision = flow(Grounded, ask=ask), flow(Revision, ask=ask, attempt=2)
    with pytest.raises(Permanent, match="generate: false"):
        await grounded(first, context("grounded", first))
    with pytest.raises(Permanent, match="generate: false"):
        await RevisionsHandler(draft_once)(revision, context("revisions", revision))
    assert endpoint.calls == []


async def test_a_cancellation_ends_the_model_call_for_good(
    grounded: GroundedHandler, endpoint: Any, cancellations: Cancellations, pool: StorePool
) -> None:
    """The connection is closed, and a redelivery does not call the model again, also in another process."""
    endpoint.answer, endpoint.pause = "word " * 500, 0.02
    event = flow(Grounded)
    running = asyncio.ensure_future(grounded(event, context("grounded", event)))
    async with asyncio.timeout(10):
        while not endpoint.calls:  # noqa: ASYNC110 - the server's side is polled
            await asyncio.sleep(0.01)
        cancellations.cancel(event.tenant, event.request_id)
        assert await running == []
        while not endpoint.disconnected:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert await grounded(event, context("grounded", event)) == []
    drafter = grounded._draft_once._drafter
    restarted = GroundedHandler(DraftOnce(drafter, Ledger(pool, "generation-1"), Cancellations()))
    assert await restarted(event, context("grounded", event)) == []
    assert len(endpoint.calls) == 1


async def test_a_cancellation_before_the_draft_prevents_the_model_call(
    draft_once: DraftOnce, endpoint: Any, cancellations: Cancellations
) -> None:
    first, revision = flow(Grounded), flow(Revision, attempt=2)
    other = flow(Grounded, tenant="acme")
    cancellations.cancel(first.tenant, first.request_id)
    assert await GroundedHandler(draft_once)(first, context("grounded", first)) == []
    assert await RevisionsHandler(draft_once)(revision, context("revisions", revision)) == []
    assert endpoint.calls == []
    assert len(await GroundedHandler(draft_once)(other, context("grounded", other))) == 1


async def test_a_failed_draft_is_retried(grounded: GroundedHandler, endpoint: Any) -> None:
    endpoint.fail_first = 1
    event = flow(Grounded)
    with pytest.raises(Transient):
        await grounded(event, context("grounded", event))
    assert len(await grounded(event, context("grounded", event))) == 1
    assert len(endpoint.calls) == 2


async def test_epochs_rise_per_request_and_are_purged(pool: StorePool) -> None:
    epochs = PostgresEpochs(pool)
    assert [await epochs.next("a", "r") for _ in range(3)] == [1, 2, 3]
    assert await epochs.next("b", "r") == 1
    await epochs.purge(timedelta(hours=1))
    assert await epochs.next("a", "r") == 4
    await epochs.purge(timedelta(0))
    assert await epochs.next("a", "r") == 1


async def test_unknown_decisions_and_cache_statuses_are_preserved(grounded: GroundedHandler) -> None:
    unknown = Verdict(rail="new", stage="input", decision="quarantine")
    sent = flow(Grounded, verdicts=(unknown,), cache=CacheInfo(status="hit_federated"))
    event = decode(topic("grounded"), encode(sent))
    (emit,) = await grounded(event, context("grounded", event))
    assert isinstance(emit.event, Draft)
    assert (emit.event.verdicts, emit.event.cache) == (event.verdicts, event.cache)
