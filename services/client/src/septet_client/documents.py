"""Documents: publishes changes, and waits until the search indexes hold them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from pydantic import ValidationError
from septet_contracts import DocumentChanged, dead_letter_topic, topic

from septet_client.calls import Calls
from septet_client.errors import NotIndexed, NotPermitted, Unreachable
from septet_client.options import encode_body, validate
from septet_client.ports import Log, Position, Record
from septet_client.rejections import Rejection

CHANGED, REJECTED = topic("documents-changed").name, dead_letter_topic("retrieval")


@dataclass(frozen=True)
class PublishedDocument:
    """A document event on the log; :meth:`Documents.wait` takes it, also in another process."""

    document_id: str
    position: Position

    @property
    def place(self) -> tuple[str, int, int]:
        """Topic, partition and offset of the record."""
        return self.position.topic, self.position.partition, self.position.offset


class _Watch:
    """The outcome of one document event: a change, or a rejection, which then is the only outcome of its record."""

    def __init__(self, document: PublishedDocument) -> None:
        self.document = document
        self.change: DocumentChanged | None = None
        self.rejection: str | None = None
        self.done = asyncio.Event()

    @property
    def is_superseded(self) -> bool:
        """Whether the change is that of a later record. This one may have been rejected."""
        if self.change is None or self.rejection is not None:
            return False
        return self.change.occurred_at > self.document.position.time

    def changed(self, change: DocumentChanged) -> None:
        # A change has the time of its document's record, and retrieval processes these records in order.
        if change.occurred_at < self.document.position.time:
            return
        if self.change is None or change.occurred_at < self.change.occurred_at:
            self.change = change
        self.done.set()

    def rejected(self, rejection: Rejection) -> None:
        if rejection.place == self.document.place:
            self.rejection = rejection.reason
            self.done.set()


class Documents:
    """Publishes documents of a tenant; :attr:`Septet.documents` is one."""

    def __init__(self, log: Log, calls: Calls, tenant: str, topic: str) -> None:
        self._log = log
        self._calls = calls
        self._tenant = tenant
        self._topic = topic
        self._watches: defaultdict[str, list[_Watch]] = defaultdict(list)
        self._following: tuple[str, ...] | None = None
        self._starting = asyncio.Lock()

    def reset(self) -> None:
        """Follow the changes anew: a log that was closed follows nothing."""
        self._following = None

    async def upsert(
        self,
        document_id: str,
        text: str,
        *,
        title: str = "",
        uri: str = "",
        media_type: Literal["text/plain", "text/markdown", "text/html"] = "text/plain",
        language: str | None = None,
        location: str = "",
        revision: int | None = None,
    ) -> PublishedDocument:
        """Create a document, or replace its text. Returns when it is on the log.

        Raises:
            InvalidInput: it breaks the contract; nothing was published.
            Unreachable: it was not acknowledged. Publish it again.
            Closed: the client is not open, or closes before the acknowledgement.
        """
        value = upsert(
            self._tenant,
            document_id,
            text,
            title=title,
            uri=uri,
            media_type=media_type,
            language=language,
            location=location,
            revision=revision,
        )
        return await self._publish(document_id, value)

    async def delete(self, document_id: str, *, revision: int | None = None) -> PublishedDocument:
        """Delete a document, and the cached answers that rest on it. Returns when the deletion is on the log.

        Raises:
            InvalidInput, Unreachable, Closed: as :meth:`upsert`.
        """
        return await self._publish(document_id, deletion(self._tenant, document_id, revision))

    async def wait(
        self, *documents: PublishedDocument, within: timedelta = timedelta(seconds=60)
    ) -> list[DocumentChanged]:
        """The changes to which published documents have led, once the search indexes hold them.

        Raises:
            NotIndexed: a document was rejected, or is not indexed within this time. A later text of the same document
                does not replace a rejected one.
            NotPermitted: the principal may not read ``septet.documents-changed.v1``, which all tenants share. A tenant
                with its own topics may not: wait through the HTTP gateway.
            Unreachable: the log cannot be read.
            Closed: the client is not open, or closes before the end.
        """
        async with self._calls.running():
            return await self._wait(documents, within)

    async def _wait(self, documents: Iterable[PublishedDocument], within: timedelta) -> list[DocumentChanged]:
        watches = [_Watch(document) for document in documents]
        for watch in watches:
            self._watches[watch.document.document_id].append(watch)
        try:
            async with asyncio.timeout(within.total_seconds()):
                await self._follow()
                following = self._following or ()
                await self._look_back([w for w in watches if not w.done.is_set()], following)
                for watch in watches:
                    await watch.done.wait()
                if REJECTED in following:
                    await self._look_back([w for w in watches if w.is_superseded], [REJECTED])
        except TimeoutError:
            pass
        finally:
            for watch in watches:
                self._forget(watch)
        return _changes(watches)

    async def _publish(self, document_id: str, value: bytes) -> PublishedDocument:
        async with self._calls.running():
            position = await self._log.publish(self._topic, f"{self._tenant}:{document_id}".encode(), value)
        return PublishedDocument(document_id, position)

    async def _follow(self) -> None:
        """Follow the changes, and the rejections too if the broker allows it."""
        async with self._starting:
            if self._following is not None:
                return
            try:
                await self._log.follow([CHANGED, REJECTED], self._receive)
                self._following = (CHANGED, REJECTED)
            except (NotPermitted, Unreachable):
                await self._log.follow([CHANGED], self._receive)
                self._following = (CHANGED,)

    async def _look_back(self, watches: Iterable[_Watch], topics: Iterable[str]) -> None:
        """Find outcomes that were published before. The consumer reads the topics in any order."""
        times = [watch.document.position.time for watch in watches]
        if not times:
            return
        for name in topics:
            async with aclosing(self._log.search(name, None, min(times))) as records:
                async for record in records:
                    self._receive(record)

    def _receive(self, record: Record) -> None:
        tenant, _, document_id = record.key.decode("utf-8", "replace").partition(":")
        if tenant != self._tenant or document_id not in self._watches:
            return
        if record.topic == REJECTED:
            rejection = Rejection.of(record)
            for watch in self._watches[document_id]:
                watch.rejected(rejection)
        elif (change := _change(record)) is not None:
            for watch in self._watches[document_id]:
                watch.changed(change)

    def _forget(self, watch: _Watch) -> None:
        found = self._watches[watch.document.document_id]
        found.remove(watch)
        if not found:
            del self._watches[watch.document.document_id]


def upsert(tenant: str, document_id: str, text: str, **fields: Any) -> bytes:
    """The body that creates or replaces a document, without the fields that are empty.

    Raises:
        InvalidInput: it breaks the contract.
    """
    given = {name: value for name, value in fields.items() if value not in ("", None)}
    return _body(tenant, document_id, action="upsert", text=text, **given)


def deletion(tenant: str, document_id: str, revision: int | None = None) -> bytes:
    """The body that deletes a document.

    Raises:
        InvalidInput: it breaks the contract.
    """
    return _body(tenant, document_id, action="delete", revision=revision)


def _body(tenant: str, document_id: str, **fields: Any) -> bytes:
    value = encode_body({"tenant": tenant, "document_id": document_id, **fields})
    validate("documents", value)
    return value


def _changes(watches: Iterable[_Watch]) -> list[DocumentChanged]:
    rejected: dict[str, str] = {}
    missing, changes = [], []
    for watch in watches:
        name = watch.document.document_id
        if watch.rejection is not None:
            rejected[name] = "; ".join(filter(None, (rejected.get(name), watch.rejection)))
        elif watch.change is None:
            missing.append(name)
        else:
            changes.append(watch.change)
    if missing or rejected:
        raise NotIndexed(missing, rejected)
    return changes


def _change(record: Record) -> DocumentChanged | None:
    try:
        return DocumentChanged.model_validate_json(record.value)
    except ValidationError:
        return None
