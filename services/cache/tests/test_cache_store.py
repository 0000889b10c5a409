"""Behaviour of entry stores; all implementations pass the same suite."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from septet_cache.adapters.postgres import PostgresEntries
from septet_cache.domain.entry import Entry, Veto
from septet_cache.domain.normalise import digest, normal_form
from septet_cache.domain.scope import Slot
from septet_cache.ports import EntryStore
from septet_contracts import Embedding, Source
from septet_kit.store.pool import StorePool
from septet_kit.store.tenancy import ALL_TENANTS

from .memory_store import MemoryEntries

NOW = datetime.now(UTC)
SCOPE = digest("scope")


def vector(*head: float) -> Embedding:
    values = np.zeros(384, dtype=np.float32)
    values[: len(head)] = head
    return Embedding.of("m", values / np.linalg.norm(values))


def entry(question: str = "What is a deque?", **fields: Any) -> Entry:
    base: dict[str, Any] = {
        "tenant": "acme",
        "slot": Slot(fields.pop("scope", SCOPE), digest(normal_form(question))),
        "question": question,
        "answer": "A double-ended queue [1].",
        "answer_kind": "generated",
        "sources": (source("d1", "h1"),),
        "model": "small",
        "prompt_version": "answer@1",
        "request_id": "r-1",
        "response_event_id": "e-1",
        "created_at": NOW - timedelta(minutes=5),
        "expires_at": NOW + timedelta(hours=1),
        "embedding": vector(1.0),
    }
    return Entry(**(base | fields))


def source(document_id: str, content_hash: str) -> Source:
    return Source(
        number=1,
        passage_id=f"{document_id}#0",
        document_id=document_id,
        content_hash=content_hash,
        passage="Deques …",
    )


async def keep(store: EntryStore, kept: Entry, grams: tuple[str, ...] = ()) -> str | None:
    return await store.admit(kept, grams, uuid4(), NOW)


async def found(store: EntryStore, kept: Entry, tenant: str = "acme", now: datetime = NOW) -> Entry | None:
    return await store.by_slot(tenant, kept.slot, now)


class EntryStoreSuite:
    """Tests of the port; a subclass provides the fixture ``store``."""

    async def test_admitted_entry_is_returned_without_its_embedding(self, store: EntryStore) -> None:
        kept = entry()
        assert await keep(store, kept) is None
        back = await found(store, kept)
        assert back == kept.model_copy(update={"embedding": None})

    async def test_tenants_and_scopes_are_isolated(self, store: EntryStore) -> None:
        kept = entry()
        await keep(store, kept, ("deque",))
        assert await found(store, kept, tenant="other") is None
        assert await found(store, entry(scope=digest("another policy version"))) is None
        assert await store.near("other", SCOPE, vector(1.0), ["deque"], 5, NOW) == []
        assert await store.near("acme", digest("else"), vector(1.0), ["deque"], 5, NOW) == []

    async def test_expired_entry_is_not_returned(self, store: EntryStore) -> None:
        kept = entry(expires_at=NOW + timedelta(minutes=1))
        await keep(store, kept)
        later = NOW + timedelta(minutes=2)
        assert await found(store, kept, now=later) is None
        assert await store.near("acme", SCOPE, vector(1.0), [], 5, later) == []

    async def test_candidates_are_the_nearest_and_those_with_shared_words(self, store: EntryStore) -> None:
        for n, (question, head) in enumerate(
            [("one", (1.0, 0.0)), ("two", (1.0, 0.4)), ("three", (0.0, 1.0))]
        ):
            await keep(
                store, entry(question, embedding=vector(*head), request_id=f"r{n}"), (f"w{n}", "shared")
            )
        nearest = await store.near("acme", SCOPE, vector(1.0), [], 2, NOW)
        assert [c.entry.question for c in nearest] == ["one", "two"]
        assert nearest[0].similarity == pytest.approx(1.0, abs=1e-5)
        with_words = await store.near("acme", SCOPE, vector(1.0), ["w2"], 1, NOW)
        assert [c.entry.question for c in with_words] == ["one", "three"]
        assert with_words[1].similarity == pytest.approx(0.0, abs=1e-5)

    async def test_embeddings_of_another_model_are_not_compared(self, store: EntryStore) -> None:
        await keep(store, entry(), ("deque",))
        other = vector(1.0).model_copy(update={"model": "another"})
        assert await store.near("acme", SCOPE, other, ["deque"], 5, NOW) == []

    async def test_newer_answer_replaces_an_older_one_in_its_slot(self, store: EntryStore) -> None:
        old, new = entry(answer="old"), entry(answer="new", created_at=NOW, request_id="r-2")
        await keep(store, old)
        assert await keep(store, new) is None
        assert await keep(store, old) == "a newer answer is stored"
        back = await found(store, new)
        assert back is not None
        assert back.answer == "new"

    async def test_admission_is_applied_once_per_cause(self, store: EntryStore) -> None:
        cause = uuid4()
        kept = entry()
        await store.admit(kept, [], cause, NOW)
        await store.veto(Veto("acme", "bad", "other", slot=kept.slot), uuid4(), NOW)
        assert await store.admit(kept, [], cause, NOW) is None
        assert await found(store, kept) is None

    async def test_new_prompt_version_revokes_older_entries_of_its_scope(self, store: EntryStore) -> None:
        old = entry("What is a heap?")
        await keep(store, old)
        await keep(store, entry("What is a list?", answer_kind="extractive", model=None, prompt_version=None))
        newer = entry(prompt_version="answer@2", created_at=NOW, request_id="r-2")
        assert await keep(store, newer) is None
        assert await found(store, old) is None
        assert await found(store, entry("What is a list?")) is not None
        assert await keep(store, old) == "an answer of a newer model or prompt version is stored"

    async def test_revised_answer_does_not_revoke_first_answers(self, store: EntryStore) -> None:
        first = entry("What is a heap?")
        await keep(store, first)
        revised = entry(prompt_version="revise@1", created_at=NOW, request_id="r-2")
        assert await keep(store, revised) is None
        assert await found(store, first) is not None
        assert await keep(store, entry("What is a list?", request_id="r-3")) is None

    @pytest.mark.parametrize(("content_hash", "revoked"), [("h2", 1), (None, 1), ("h1", 0)])
    async def test_document_change_revokes_entries_of_other_contents(
        self, store: EntryStore, content_hash: str | None, revoked: int
    ) -> None:
        kept = entry()
        await keep(store, kept)
        assert await store.document_changed("other", "d1", content_hash, NOW, uuid4()) == 0
        assert await store.document_changed("acme", "d1", content_hash, NOW, uuid4()) == revoked
        assert (await found(store, kept) is None) == bool(revoked)

    async def test_answer_from_old_content_is_refused_after_the_change(self, store: EntryStore) -> None:
        await store.document_changed("acme", "d1", "h2", NOW, uuid4())
        assert await keep(store, entry()) == "document 'd1' was changed"
        await store.document_changed("acme", "d1", None, NOW + timedelta(seconds=1), uuid4())
        assert await keep(store, entry(sources=(source("d1", "h2"),))) == "document 'd1' was deleted"
        assert await keep(store, entry(tenant="other")) is None

    async def test_late_older_change_does_not_overwrite_a_newer_one(self, store: EntryStore) -> None:
        await store.document_changed("acme", "d1", "h2", NOW, uuid4())
        await keep(store, entry(sources=(source("d1", "h2"),)))
        assert await store.document_changed("acme", "d1", "h1", NOW - timedelta(minutes=1), uuid4()) == 0
        assert await found(store, entry()) is not None

    async def test_veto_revokes_and_refuses_the_answer_but_admits_another(self, store: EntryStore) -> None:
        bad = entry()
        await keep(store, bad)
        veto = Veto(
            "acme",
            "negative feedback",
            "r-9",
            form=digest("paraphrase"),
            answer_digest=bad.answer_digest,
            slot=bad.slot,
        )
        assert await store.veto(veto, uuid4(), NOW) == 1
        assert await found(store, bad) is None
        assert await keep(store, entry(request_id="r-3")) == "vetoed: negative feedback"
        assert await keep(store, entry(answer="A better one.", request_id="r-4")) is None

    async def test_veto_before_the_admission_refuses_it(self, store: EntryStore) -> None:
        assert await store.veto(Veto("acme", "thumbs down", "r-1"), uuid4(), NOW) == 0
        assert await keep(store, entry()) == "vetoed: thumbs down"
        assert await keep(store, entry(tenant="other")) is None

    async def test_veto_of_an_old_answer_does_not_revoke_its_successor(self, store: EntryStore) -> None:
        old, new = entry(answer="old"), entry(answer="new", created_at=NOW, request_id="r-2")
        await keep(store, old)
        await keep(store, new)
        veto = Veto("acme", "bad", "r-9", form=old.slot.form, answer_digest=old.answer_digest, slot=old.slot)
        assert await store.veto(veto, uuid4(), NOW) == 0
        assert await found(store, new) is not None

    async def test_flagged_document_revokes_its_answers(self, store: EntryStore) -> None:
        from_it, other = entry(), entry("What is a heap?", sources=(source("d2", "h"),), request_id="r-2")
        await keep(store, from_it)
        await keep(store, other)
        assert await store.flag_document("acme", "d1", "flagged", uuid4(), NOW) == 1
        assert await found(store, from_it) is None
        assert await found(store, other) is not None
        assert await keep(store, entry(request_id="r-5")) == "vetoed: flagged"

    async def test_purge_deletes_entries_that_ended_before_the_time(self, store: EntryStore) -> None:
        await keep(store, entry(created_at=NOW - timedelta(days=2), expires_at=NOW - timedelta(days=1)))
        await keep(store, entry("What is a heap?", request_id="r-2"))
        assert await store.purge(NOW - timedelta(hours=1)) == 1
        assert await found(store, entry("What is a heap?")) is not None


class TestMemoryEntries(EntryStoreSuite):
    @pytest.fixture
    def store(self) -> EntryStore:
        return MemoryEntries()


class TestPostgresEntries(EntryStoreSuite):
    @pytest.fixture
    def store(self, pool: StorePool) -> EntryStore:
        return PostgresEntries(pool, 384)


async def test_revoked_entry_remains_for_audit(pool: StorePool) -> None:
    store = PostgresEntries(pool, 384)
    await keep(store, entry())
    await store.document_changed("acme", "d1", None, NOW, uuid4())
    row = await pool.fetchrow(
        "SELECT revoked_at, revoked_reason FROM entries WHERE tenant = 'acme'", tenant=ALL_TENANTS
    )
    assert row is not None
    assert (row["revoked_at"], row["revoked_reason"]) == (NOW, "document 'd1' was deleted")


async def test_concurrent_admissions_and_changes_leave_no_stale_entry(pool: StorePool) -> None:
    store = PostgresEntries(pool, 384)
    for round_ in range(20):
        document = f"d{round_}"
        kept = entry(f"q{round_}", sources=(source(document, "old"),), request_id=f"r{round_}")
        await asyncio.gather(keep(store, kept), store.document_changed("acme", document, "new", NOW, uuid4()))
        assert await found(store, kept) is None
