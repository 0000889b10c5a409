"""Documents that are ingested, and in part deleted again, while something else goes on."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from dataclasses import dataclass, field

import asyncpg
from septet_contracts import topic

from ..lab import Lab
from ..result import Claims

DOCUMENTS, CHANGED = topic("documents").name, topic("documents-changed").name
_RATE = 3
_DELETED_AFTER_S = 2.0
_STATE = """
SELECT d.document_id, d.change, count(p.passage_id) AS passages
FROM retrieval.documents d LEFT JOIN retrieval.passages p USING (tenant, document_id)
WHERE d.document_id = ANY($1) GROUP BY d.document_id, d.change
"""


@dataclass
class Papers:
    """Publishes documents; every third is deleted two seconds later.

    Attributes:
        sent: when the broker had each event, in ms of its clock, by document and action.
    """

    here: Lab
    sent: dict[tuple[str, str], int] = field(default_factory=dict)

    async def until(self, stop: asyncio.Event) -> None:
        """Publish until ``stop`` is set."""
        number = 0
        async with asyncio.TaskGroup() as group:
            while not stop.is_set():
                group.create_task(self._one(number))
                number += 1
                await asyncio.sleep(1 / _RATE)

    async def _one(self, number: int) -> None:
        name = f"paper-{number}"
        text = f"Paper number {number} is about a tool. It sorts letters by their colour."
        await self._publish(name, "upsert", title=name, text=text)
        if number % 3 == 0:
            await asyncio.sleep(_DELETED_AFTER_S)
            await self._publish(name, "delete")

    async def _publish(self, name: str, action: str, **fields: str) -> None:
        body = json.dumps({"document_id": name, "action": action, **fields}).encode()
        record = await self.here.producer.send_and_wait(DOCUMENTS, body, key=f"default:{name}".encode())
        self.sent[name, action] = record.timestamp

    async def check(self, claims: Claims) -> None:
        """Expect each document to be in the index, or gone from it, and announced once for each event."""
        announced: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        for record in await self.here.whole(CHANGED):
            body = json.loads(record.value)
            action = "delete" if body["change"] == "deleted" else "upsert"
            announced[body["document_id"], action].append(record.timestamp)
        silent = [event for event in self.sent if event not in announced]
        waits = [(min(announced[event]) - at) / 1000 for event, at in self.sent.items() if event in announced]
        wrong = await self._wrong()
        deleted = sum(action == "delete" for _, action in self.sent)
        claims.figure(
            documents=len(self.sent) - deleted, deleted=deleted, slowest_document_s=max(waits, default=0.0)
        )
        claims.expect(bool(deleted), "no document was deleted")
        claims.expect(not silent, f"{len(silent)} document events were never announced: {silent[:3]}")
        claims.expect(not wrong, f"{len(wrong)} documents are not as their last event says: {wrong[:3]}")

    async def _wrong(self) -> list[str]:
        names = [name for name, action in self.sent if action == "upsert"]
        connection = await asyncpg.connect(self.here.addresses.postgres_dsn)
        try:
            rows = {r["document_id"]: r for r in await connection.fetch(_STATE, names)}
        finally:
            await connection.close()
        return [name for name in names if not self._is_right(name, rows.get(name))]

    def _is_right(self, name: str, row: asyncpg.Record | None) -> bool:
        found = None if row is None else (row["change"], row["passages"] > 0)
        return found == (("deleted", False) if (name, "delete") in self.sent else ("created", True))
