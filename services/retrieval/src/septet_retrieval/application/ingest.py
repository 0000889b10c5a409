"""Ingest: stores, embeds and indexes the passages of documents, in batches."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

import numpy as np
from septet_kit import Permanent, Transient
from septet_kit.observe import get_logger
from septet_kit.offload import Offload

from septet_retrieval.domain.passages import IndexedPassage
from septet_retrieval.domain.revisions import Decision, Origin, State, change_of, decide
from septet_retrieval.housekeeping import IndexFollower
from septet_retrieval.ports import DocumentKey, DocumentWrite, PassageStore, TextEmbedder, Unchanged, Vector
from septet_retrieval.telemetry import count_instructions

_BATCH_PASSAGES = 256
_EMBED_TOGETHER = 128
READ_TOGETHER = 32

log = get_logger()
_offload = Offload(inline=0)

Reader = Callable[[Sequence[IndexedPassage]], Sequence[IndexedPassage]]
"""Returns passages with the instructions that they contain."""


@dataclass(frozen=True)
class Incoming:
    """A document event with its passages; ``content_hash`` is ``None`` for a deletion."""

    key: DocumentKey
    revision: int | None
    content_hash: str | None
    origin: Origin
    passages: Sequence[IndexedPassage] = ()
    text_hashes: Sequence[bytes] = field(init=False)

    def __post_init__(self) -> None:
        hashes = [hashlib.sha256(passage.searched_text.encode()).digest() for passage in self.passages]
        object.__setattr__(self, "text_hashes", hashes)


@dataclass(frozen=True)
class Ingested:
    """The decision on an event, the document's state after it, and the lexical index's error if it rejects it."""

    decision: Decision
    state: State
    rejected: Permanent | None = None


Job = tuple[Incoming, "asyncio.Future[Ingested]"]


class Ingestor:
    """Collects concurrent events into batches with one transaction and one index commit each."""

    def __init__(
        self,
        store: PassageStore,
        embedder: TextEmbedder,
        follower: IndexFollower,
        batch: int,
        reader: Reader | None = None,
    ) -> None:
        self._store = store
        self._reader = reader
        self._embedder = embedder
        self._follower = follower
        self._batch = batch
        self._waiting: asyncio.Queue[Job] = asyncio.Queue(4 * batch)

    async def submit(self, incoming: Incoming) -> Ingested:
        """Ingest one event; on return the store and the lexical index have it.

        Raises:
            Transient: the store, the lexical index or the embeddings endpoint is down.
            Permanent: the lexical index rejects this document; others are not affected.
        """
        done: asyncio.Future[Ingested] = asyncio.get_running_loop().create_future()
        await self._waiting.put((incoming, done))
        return await done

    async def run(self) -> None:
        """Process submitted events until cancelled."""
        held: list[Job] = []
        jobs: dict[DocumentKey, Job]
        while True:
            arrived = held or [await self._waiting.get()]
            while self._has_room(arrived) and not self._waiting.empty():
                arrived.append(self._waiting.get_nowait())
            # Events of one document must not share a batch, even if their record keys differ.
            jobs, held = {}, []
            for job in arrived:
                if job[0].key in jobs:
                    held.append(job)
                else:
                    jobs[job[0].key] = job
            await self._complete([job for job in jobs.values() if not job[1].done()])

    def _has_room(self, jobs: Sequence[Job]) -> bool:
        passages = sum(len(incoming.passages) for incoming, _ in jobs)
        return len(jobs) < self._batch and passages < _BATCH_PASSAGES

    async def _complete(self, jobs: Sequence[Job]) -> None:
        """Ingest a batch. If it fails, ingest its documents one by one, so that only the bad one fails."""
        try:
            results = await self.ingest([incoming for incoming, _ in jobs])
        except Exception as error:
            if len(jobs) > 1 and not isinstance(error, Transient):
                for job in jobs:
                    await self._complete([job])
                return
            for _, done in jobs:
                if not done.done():
                    done.set_exception(error)
            return
        for (_, done), result in zip(jobs, results, strict=True):
            if not done.done():
                if result.rejected is not None:
                    done.set_exception(result.rejected)
                else:
                    done.set_result(result)

    async def ingest(self, batch: Sequence[Incoming]) -> list[Ingested]:
        """Ingest one batch of events of distinct documents."""
        states = await self._store.states([incoming.key for incoming in batch])
        decided = [(incoming, _decide(incoming, states.get(incoming.key))) for incoming in batch]
        await self._store.touch(
            [
                Unchanged(incoming.key, incoming.revision, incoming.origin)
                for incoming, decision in decided
                if decision is Decision.UNCHANGED
            ]
        )
        to_apply = [incoming for incoming, decision in decided if decision is Decision.APPLY]
        written = await self._apply(to_apply, states) if to_apply else {}
        after = {**states, **written}
        rejected: dict[DocumentKey, Permanent] = {}
        for tenant in {incoming.key[0] for incoming in batch}:
            last = max(after[incoming.key].sequence for incoming in batch if incoming.key[0] == tenant)
            followed = await self._follower.reach(tenant, last)
            rejected |= {(tenant, name): error for name, error in followed.rejected.items()}
        return [
            Ingested(decision, after[incoming.key], rejected.get(incoming.key))
            for incoming, decision in decided
        ]

    async def _apply(
        self, batch: Sequence[Incoming], states: Mapping[DocumentKey, State]
    ) -> Mapping[DocumentKey, State]:
        vectors, new = await self._vectors(batch)
        batch = [await self._read(incoming) for incoming in batch]
        writes = [_write(incoming, states.get(incoming.key), vectors, new) for incoming in batch]
        return await self._store.write(writes, self._embedder.model)

    async def _read(self, incoming: Incoming) -> Incoming:
        """Return the event with the instructions of its passages, and report a document that has some."""
        if self._reader is None or not incoming.passages:
            return incoming
        passages: list[IndexedPassage] = []
        # In slices, because other callers wait for the same threads.
        for start in range(0, len(incoming.passages), READ_TOGETHER):
            part = incoming.passages[start : start + READ_TOGETHER]
            passages += await _offload(len(part), self._reader, part)
        if found := _instructions(passages):
            tenant, document = incoming.key
            log.warning(
                "document instructs the assistant", tenant=tenant, document=document, instructions=found
            )
            count_instructions(found)
        return replace(incoming, passages=passages)

    async def _vectors(self, batch: Sequence[Incoming]) -> tuple[dict[bytes, Vector], set[bytes]]:
        """Return the vectors of all passages by text hash, and the hashes that were not stored before."""
        texts = {
            text_hash: passage.searched_text
            for incoming in batch
            for text_hash, passage in zip(incoming.text_hashes, incoming.passages, strict=True)
        }
        known: dict[bytes, Vector] = {}
        for tenant in {incoming.key[0] for incoming in batch}:
            mine = [h for incoming in batch if incoming.key[0] == tenant for h in incoming.text_hashes]
            known |= await self._store.vectors(tenant, self._embedder.model, mine)
        missing = [text_hash for text_hash in texts if text_hash not in known]
        # In slices: the queue time of one large call could exceed the call's timeout.
        for start in range(0, len(missing), _EMBED_TOGETHER):
            part = missing[start : start + _EMBED_TOGETHER]
            made = await self._embedder.embed([texts[text_hash] for text_hash in part], "passage")
            known |= zip(part, np.asarray(made, dtype=np.float32), strict=True)
        return known, set(missing)


def _instructions(passages: Sequence[IndexedPassage]) -> int:
    return sum(len(passage.instructions) for passage in passages)


def _decide(incoming: Incoming, state: State | None) -> Decision:
    return decide(state, incoming.revision, incoming.content_hash, incoming.origin)


def _write(
    incoming: Incoming, state: State | None, vectors: Mapping[bytes, Vector], new: Set[bytes]
) -> DocumentWrite:
    """Return the next state of a document; ``new`` holds the hashes of texts that were embedded for it."""
    return DocumentWrite(
        key=incoming.key,
        revision=incoming.revision,
        content_hash=incoming.content_hash,
        change=change_of(state, incoming.content_hash),
        origin=incoming.origin,
        passages=incoming.passages,
        text_hashes=incoming.text_hashes,
        vectors=[vectors[text_hash] for text_hash in incoming.text_hashes],
        embedded=sum(text_hash in new for text_hash in incoming.text_hashes),
        expected=state,
        instructions=_instructions(incoming.passages),
    )
