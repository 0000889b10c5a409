"""Ingest: document events to stored, embedded and searchable passages, many documents at a time."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from septet_kit import Permanent, Transient

from septet_retrieval.domain.passages import IndexedPassage
from septet_retrieval.domain.revisions import Judgement, Origin, State, change_of, judge
from septet_retrieval.follower import IndexFollower
from septet_retrieval.ports import DocumentKey, DocumentWrite, PassageStore, TextEmbedder, Unchanged, Vector

_BATCH_PASSAGES = 256
_EMBED_TOGETHER = 128


@dataclass(frozen=True)
class Incoming:
    """A document event, cut into passages; ``content_hash`` is ``None`` for a deletion."""

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
    """The judgement on an event, the document's state after it, and why the lexical index does not take it."""

    judgement: Judgement
    state: State
    rejected: Permanent | None = None


Job = tuple[Incoming, "asyncio.Future[Ingested]"]


class Ingestor:
    """Gathers concurrent events into batches: one embedding call, one transaction, one index commit."""

    def __init__(
        self, store: PassageStore, embedder: TextEmbedder, follower: IndexFollower, batch: int
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._follower = follower
        self._batch = batch
        self._waiting: asyncio.Queue[Job] = asyncio.Queue(4 * batch)

    async def submit(self, incoming: Incoming) -> Ingested:
        """Ingest one event; returns when both indexes hold it.

        Raises:
            Transient: the store, an index or the embeddings endpoint is not there.
            Permanent: the lexical index does not take this document; others are not affected.
        """
        done: asyncio.Future[Ingested] = asyncio.get_running_loop().create_future()
        await self._waiting.put((incoming, done))
        return await done

    async def run(self) -> None:
        """Work off what is submitted, until cancelled."""
        held: list[Job] = []
        jobs: dict[DocumentKey, Job]
        while True:
            arrived = held or [await self._waiting.get()]
            while self._has_room(arrived) and not self._waiting.empty():
                arrived.append(self._waiting.get_nowait())
            # Events of one document wait for each other, even where a client's record keys let them race.
            jobs, held = {}, []
            for job in arrived:
                if job[0].key in jobs:
                    held.append(job)
                else:
                    jobs[job[0].key] = job
            await self._settle([job for job in jobs.values() if not job[1].done()])

    def _has_room(self, jobs: Sequence[Job]) -> bool:
        passages = sum(len(incoming.passages) for incoming, _ in jobs)
        return len(jobs) < self._batch and passages < _BATCH_PASSAGES

    async def _settle(self, jobs: Sequence[Job]) -> None:
        """Ingest a batch; when it fails, one by one, so that one bad document fails alone."""
        try:
            results = await self.ingest([incoming for incoming, _ in jobs])
        except Exception as error:
            if len(jobs) > 1 and not isinstance(error, Transient):
                for job in jobs:
                    await self._settle([job])
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
        """Ingest events of distinct documents together."""
        states = await self._store.states([incoming.key for incoming in batch])
        judged = [
            (
                incoming,
                judge(states.get(incoming.key), incoming.revision, incoming.content_hash, incoming.origin),
            )
            for incoming in batch
        ]
        await self._store.touch(
            [
                Unchanged(incoming.key, incoming.revision, incoming.origin)
                for incoming, judgement in judged
                if judgement is Judgement.UNCHANGED
            ]
        )
        to_apply = [incoming for incoming, judgement in judged if judgement is Judgement.APPLY]
        written = await self._apply(to_apply, states) if to_apply else {}
        after = {**states, **written}
        rejected: dict[DocumentKey, Permanent] = {}
        for tenant in {incoming.key[0] for incoming in batch}:
            last = max(after[incoming.key].sequence for incoming in batch if incoming.key[0] == tenant)
            followed = await self._follower.reach(tenant, last)
            rejected |= {(tenant, name): error for name, error in followed.rejected.items()}
        return [
            Ingested(judgement, after[incoming.key], rejected.get(incoming.key))
            for incoming, judgement in judged
        ]

    async def _apply(
        self, batch: Sequence[Incoming], states: Mapping[DocumentKey, State]
    ) -> Mapping[DocumentKey, State]:
        vectors, new = await self._vectors(batch)
        writes = [
            DocumentWrite(
                key=incoming.key, revision=incoming.revision, content_hash=incoming.content_hash,
                change=change_of(states.get(incoming.key), incoming.content_hash), origin=incoming.origin,
                passages=incoming.passages, text_hashes=incoming.text_hashes,
                vectors=[vectors[text_hash] for text_hash in incoming.text_hashes],
                embedded=sum(text_hash in new for text_hash in incoming.text_hashes),
                expected=states.get(incoming.key),
            )
            for incoming in batch
        ]  # fmt: skip
        return await self._store.write(writes, self._embedder.model)

    async def _vectors(self, batch: Sequence[Incoming]) -> tuple[dict[bytes, Vector], set[bytes]]:
        """Vectors of all passages by their text's hash, and the hashes that had to be embedded."""
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
        # Slice by slice: all at once would wait in the endpoint's queue for longer than a call may take.
        for start in range(0, len(missing), _EMBED_TOGETHER):
            part = missing[start : start + _EMBED_TOGETHER]
            made = await self._embedder.embed([texts[text_hash] for text_hash in part])
            known |= zip(part, np.asarray(made, dtype=np.float32), strict=True)
        return known, set(missing)
