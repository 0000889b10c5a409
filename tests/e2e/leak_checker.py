"""Looks for one tenant's secrets where another's data are: on every topic and in every table.

A secret begins with the mark of its tenant, so one pattern finds all of them, whole or cut short. Packed vectors hold
any letters by chance; they are numbers, no text, and are left out.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from septet_contracts import split
from septet_kit.messaging.connection import KafkaConnection

MARKS: Mapping[str, tuple[str, str]] = {"acme": ("zqa", "뷁가"), "globex": ("zqg", "뷁나")}
"""How each tenant's secrets begin, in Latin letters and in Hangul."""

_FOREIGN = {
    tenant: re.compile(
        "|".join(m for other, marks in MARKS.items() if other != tenant for m in marks).encode()
    )
    for tenant in MARKS
}
# The field of a packed vector (`septet_contracts.embedding`), whose value is base64 of float32.
_PACKED = re.compile(rb'"packed"\s*:\s*"[A-Za-z0-9+/=]{200,}"')
_SYLLABLES = "도레미파솔라시구누두루무부수"


def secret(tenant: str, item: int, korean: bool, edition: int = 1) -> str:
    """A made-up word that only this tenant's documents hold."""
    digest = hashlib.sha256(f"{tenant}:{item}:{edition}".encode()).digest()
    latin, hangul = MARKS[tenant]
    if korean:
        return hangul + "".join(_SYLLABLES[b % len(_SYLLABLES)] for b in digest[:4])
    return latin + "".join("abdefiklmnoprstu"[b % 16] for b in digest[:7])


@dataclass(frozen=True)
class Leak:
    """A foreign secret: whose data hold it, and where."""

    tenant: str
    where: str
    text: str


@dataclass
class Search:
    """What was looked through, and what was found."""

    leaks: list[Leak] = field(default_factory=list)
    looked: Counter[str] = field(default_factory=Counter)

    def look(self, tenant: str | None, where: str, data: bytes) -> None:
        """Search what belongs to *tenant*."""
        # Data that are neither tenant's may hold nobody's secret.
        patterns = (
            [_FOREIGN[tenant]] if tenant is not None and tenant in _FOREIGN else list(_FOREIGN.values())
        )
        data = _PACKED.sub(b"", data)
        found = next((m for p in patterns if (m := p.search(data))), None)
        self.looked[where] += 1
        if found is not None:
            around = data[max(0, found.start() - 60) : found.end() + 20]
            self.leaks.append(Leak(tenant or "nobody", where, around.decode("utf-8", "replace")))

    async def look_through_log(self, kafka: KafkaConnection, topics: Iterable[str]) -> None:
        """Search every record of the topics; on a tenant's own topic all is that tenant's."""
        for name in topics:
            owner = split(name)[1]
            async for value in read_all(kafka, name):
                self.look(owner or _tenant_of(value), name, value)

    async def look_through_database(self, dsn: str, schemas: Iterable[str]) -> None:
        """Search every row of every table of the schemas."""
        connection = await asyncpg.connect(dsn)
        try:
            for schema, table in await _tables(connection, list(schemas)):
                for row in await connection.fetch(f'SELECT * FROM "{schema}"."{table}"'):
                    self.look(_owner(dict(row)), f"{schema}.{table}", _bytes(row))
        finally:
            await connection.close()


async def read_all(kafka: KafkaConnection, topic: str) -> AsyncIterator[bytes]:
    """The values of all records that a topic holds now."""
    consumer = AIOKafkaConsumer(
        **kafka.options(), enable_auto_commit=False, max_partition_fetch_bytes=4 * 1024 * 1024
    )
    await consumer.start()
    try:
        await consumer._client.force_metadata_update()
        partitions = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(partitions)
        left = {tp for tp in partitions if await consumer.position(tp) < ends[tp]}
        while left:
            for records in (await consumer.getmany(*left, timeout_ms=1000)).values():
                for record in records:
                    yield record.value or b""
            left = {tp for tp in left if await consumer.position(tp) < ends[tp]}
    finally:
        await consumer.stop()


def _tenant_of(value: bytes) -> str | None:
    try:
        body = json.loads(value)
    except ValueError:
        return None
    return body.get("tenant", "default") if isinstance(body, dict) else None


def _owner(row: dict[str, Any]) -> str | None:
    if "tenant" in row:
        return str(row["tenant"])
    if isinstance(row.get("value"), bytes):
        return _tenant_of(row["value"])
    return str(row.get("key", "")).split("/")[0] or None


def _bytes(row: asyncpg.Record) -> bytes:
    return b"\n".join(v if isinstance(v, bytes) else str(v).encode() for v in row.values())


async def _tables(connection: asyncpg.Connection, schemas: list[str]) -> list[tuple[str, str]]:
    found = await connection.fetch(
        "SELECT table_schema, table_name FROM information_schema.tables"
        " WHERE table_schema = ANY($1::text[]) AND table_type = 'BASE TABLE' ORDER BY 1, 2",
        schemas,
    )
    return [(row[0], row[1]) for row in found]
