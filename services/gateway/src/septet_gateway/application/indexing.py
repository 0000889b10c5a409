"""Publishing documents and waiting until the search indexes hold them."""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from septet_contracts import DeleteDocument, DocumentChanged, UpsertDocument

from septet_gateway.application.places import Places
from septet_gateway.ports import Log


class Watch:
    """The newest change of one document since the watch began."""

    def __init__(self, document_id: str) -> None:
        self.document_id = document_id
        self._newest: DocumentChanged | None = None
        self._arrived = asyncio.Event()

    def receive(self, change: DocumentChanged) -> None:
        """Note a change."""
        if self._newest is None or change.occurred_at >= self._newest.occurred_at:
            self._newest = change
            self._arrived.set()

    async def reach(self, published_at: datetime) -> DocumentChanged:
        """The change that a record of this time has led to, or that of a later record.

        A change has the time of its document's record on the log. Retrieval processes these records in order.
        """
        while self._newest is None or self._newest.occurred_at < published_at:
            self._arrived.clear()
            await self._arrived.wait()
        return self._newest


class Changes:
    """A bounded map of watches by tenant and digest of the document id. Several calls may watch a document."""

    def __init__(self, limit: int, per_tenant: int | None = None) -> None:
        self._places = Places(limit, per_tenant)
        self._watches: defaultdict[tuple[str, str], list[Watch]] = defaultdict(list)

    @contextmanager
    def watch(self, tenant: str, document_id: str) -> Iterator[Watch]:
        """Watch a document during a block.

        Raises:
            ApiError: status 429, because too many calls wait.
        """
        key, watch = (tenant, _digest(document_id)), Watch(document_id)
        with self._places.take(tenant):
            self._watches[key].append(watch)
            try:
                yield watch
            finally:
                self._watches[key].remove(watch)
                if not self._watches[key]:
                    del self._watches[key]

    def is_expected(self, tenant: str, request_id: str) -> bool:
        """Whether a call waits for the document of a change; ``request_id`` is that of the change."""
        return (tenant, request_id) in self._watches

    def deliver(self, change: DocumentChanged) -> None:
        """Give a change to the calls that wait for it."""
        for watch in self._watches.get((change.tenant, change.request_id), ()):
            if watch.document_id == change.document_id:
                watch.receive(change)


class Indexer:
    """Publishes documents, and returns the change that the search indexes hold."""

    def __init__(self, log: Log, changes: Changes) -> None:
        self._log = log
        self._changes = changes

    async def submit(self, event: UpsertDocument | DeleteDocument, wait_s: float) -> DocumentChanged | None:
        """Publish a document event; ``None`` if the indexes do not hold it within ``wait_s`` seconds.

        Raises:
            ApiError: 429 if too many calls wait.
            Transient, Permanent: it was not published.
        """
        if wait_s <= 0:
            await self._log.publish_document(event)
            return None
        with self._changes.watch(event.tenant, event.document_id) as watch:
            published_at = await self._log.publish_document(event)
            try:
                return await asyncio.wait_for(watch.reach(published_at), wait_s)
            except TimeoutError:
                return None


def _digest(document_id: str) -> str:
    """The request id of a document's changes."""
    return hashlib.sha256(document_id.encode()).hexdigest()[:32]
