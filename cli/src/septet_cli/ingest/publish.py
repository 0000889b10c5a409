"""Publishes documents and waits until they are indexed."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from septet_client.documents import CHANGED
from septet_client.documents import REJECTED as DEAD
from septet_client.ports import Log, Record
from septet_client.rejections import Rejection
from septet_contracts import topic
from septet_kit.messaging.connection import Kafka
from septet_kit.tenants import SHARED_ONLY, Tenants

from septet_cli.console import progress
from septet_cli.errors import CliError
from septet_cli.ingest.document import Document
from septet_cli.log import open_log
from septet_cli.wire import to_json

DOCUMENTS = topic("documents").name
WINDOW = 500


@dataclass
class IngestReport:
    """Outcome of the published documents."""

    changes: Counter[str] = field(default_factory=Counter)
    passages: dict[str, int] = field(default_factory=dict)
    embedded: int = 0
    instructions: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether all documents were indexed or deleted."""
        return not self.rejected and not self.missing

    def summary(self) -> str:
        """One line of counts, then one for each document that instructs the assistant or is rejected, one for pending ones."""
        counts = ", ".join(f"{n} {change}" for change, n in sorted(self.changes.items())) or "nothing changed"
        lines = [f"{counts}; {sum(self.passages.values())} passages, {self.embedded} newly embedded"]
        lines += [
            f"warning: {name} contains instructions to the assistant: {n} (hidden in search results)"
            for name, n in self.instructions.items()
        ]
        lines += [f"rejected: {name}: {why}" for name, why in self.rejected.items()]
        if self.missing:
            shown = ", ".join(self.missing[:5]) + (" …" if len(self.missing) > 5 else "")
            lines.append(
                f"{len(self.missing)} documents not indexed yet: {shown} (`septet topics` shows the lag)"
            )
        return "\n".join(lines)


Event = dict[str, Any]


def upsert(document: Document) -> Event:
    """The body that creates or updates a document, without the tenant."""
    event = document.event("")
    event.pop("tenant", None)
    return event


def deletion(document_id: str) -> Event:
    """The body that deletes a document, without the tenant."""
    return {"action": "delete", "document_id": document_id}


async def publish_documents(
    kafka: Kafka,
    events: Sequence[Event],
    tenant: str,
    *,
    stall: float = 120,
    title: str = "indexing",
    tenants: Tenants = SHARED_ONLY,
) -> IngestReport:
    """Publish document events and wait for the outcome of each; stop after *stall* seconds without progress.

    Raises:
        CliError: two events name the same document.
        Unreachable: Kafka does not answer.
    """
    counts = Counter(event["document_id"] for event in events)
    twice = [name for name, n in counts.items() if n > 1]
    if twice:
        raise CliError(f"Two documents have the id {twice[0]}.", "give one of the sources another --prefix")
    report = IngestReport()
    with progress() as bar:
        task = bar.add_task(title, total=len(events))
        waiter = _Waiter(set(counts), tenant, report, lambda: bar.advance(task))
        async with open_log(kafka) as log:
            await log.follow([CHANGED, DEAD], waiter.receive)
            topic = tenants.address("documents", tenant)
            publishing = asyncio.create_task(_publish(log, events, tenant, topic))
            try:
                await waiter.wait(stall, publishing)
            finally:
                publishing.cancel()
                await asyncio.gather(publishing, return_exceptions=True)
    report.missing = sorted(waiter.waiting)
    return report


async def _publish(log: Log, events: Sequence[Event], tenant: str, topic: str) -> None:
    for start in range(0, len(events), WINDOW):
        await asyncio.gather(
            *(
                log.publish(
                    topic, f"{tenant}:{event['document_id']}".encode(), to_json(event | {"tenant": tenant})
                )
                for event in events[start : start + WINDOW]
            )
        )


class _Waiter:
    """Marks documents as done when their `documents-changed` event or dead letter arrives."""

    def __init__(
        self, waiting: set[str], tenant: str, report: IngestReport, advance: Callable[[], None]
    ) -> None:
        self.waiting = waiting
        self._tenant, self._report, self._advance = tenant, report, advance
        self._progress = asyncio.Event()

    def receive(self, record: Record) -> None:
        if record.topic == DEAD:
            tenant, _, document_id = record.key.decode("utf-8", "replace").partition(":")
            if tenant == self._tenant and document_id in self.waiting:
                self._report.rejected[document_id] = Rejection.of(record).reason
                self._done(document_id)
            return
        change = json.loads(record.value or b"{}")
        if change["tenant"] == self._tenant and change["document_id"] in self.waiting:
            self._report.changes[change["change"]] += 1
            self._report.passages[change["document_id"]] = change.get("passages", 0)
            self._report.embedded += change.get("embedded", 0)
            if found := change.get("instructions", 0):
                self._report.instructions[change["document_id"]] = found
            self._done(change["document_id"])

    def _done(self, document_id: str) -> None:
        self.waiting.discard(document_id)
        self._advance()
        self._progress.set()

    async def wait(self, stall: float, publishing: asyncio.Task[None]) -> None:
        """Return when all documents are done or *stall* seconds pass without progress; re-raise an error of publishing."""
        while self.waiting:
            self._progress.clear()
            progressed = asyncio.create_task(self._progress.wait())
            running = [] if publishing.done() else [publishing]
            done, _ = await asyncio.wait(
                [progressed, *running], timeout=stall, return_when=asyncio.FIRST_COMPLETED
            )
            progressed.cancel()
            if publishing.done():
                publishing.result()
            if not done:
                return
