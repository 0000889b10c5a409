"""An event of a tenant with own topics leaves by its own topic, also when a crash leaves it to the sweeper."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, TopicPartition
from septet_contracts import ReleasedTokens, event_id, own_topics, tenant_topic
from septet_kit import Emit, KitSettings
from septet_kit.messaging.admin import ensure_topics
from septet_kit.messaging.connection import KafkaConnection
from septet_kit.messaging.publisher import Publisher
from septet_kit.store import once
from septet_kit.store.tenancy import ALL_TENANTS
from septet_kit.store.testing import bare_pool
from septet_kit.store.unit import Unit
from septet_kit.tenants import Tenants
from septet_native.stack.addresses import Addresses


def _chunk(tenant: str, request_id: str) -> ReleasedTokens:
    return ReleasedTokens(
        request_id=request_id,
        tenant=tenant,
        event_id=event_id(tenant, request_id, ReleasedTokens.STEP, "1"),
        occurred_at=datetime.now(UTC),
        epoch=1,
        sequence=0,
        request_digest="",
        start=0,
        text="나뭇잎 leaf",
        sentence=1,
    )


async def _read(kafka: KafkaConnection, topic: str, count: int) -> set[str]:
    """Request ids of the first *count* records of a topic."""
    consumer = AIOKafkaConsumer(**kafka.options(), auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, p) for p in range(4)])
        found: set[str] = set()
        async with asyncio.timeout(30):
            while len(found) < count:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found |= {ReleasedTokens.model_validate_json(r.value).request_id for r in records}
        return found
    finally:
        await consumer.stop()


async def test_the_outbox_and_its_sweeper_know_the_tenants_topic(
    settings: KitSettings, addresses: Addresses
) -> None:
    tenant = f"t-{uuid4().hex[:8]}"
    tenants = Tenants(frozenset({"default", tenant}), frozenset({tenant}))
    kafka = addresses.connection("admin")
    await ensure_topics(kafka, topics=own_topics(tenant))
    sent, left = _chunk(tenant, "sent"), _chunk(tenant, "left")
    publisher = Publisher(kafka, "test-tenants", tenants)
    await publisher.start()
    try:
        async with bare_pool(settings, f"t_{uuid4().hex[:8]}") as pool:
            pool.outbox.connect(publisher, tenants)
            async with once(pool, left.event_id, "test", tenant=tenant) as unit:
                await unit.emit(Emit("released-tokens", left))
            await publisher.publish(Emit("released-tokens", sent))
            await pool.execute("UPDATE outbox SET claimed_until = now() - interval '1 second'")
            assert await pool.fetchval("SELECT topic FROM outbox") == tenant_topic("released-tokens", tenant)
            assert await pool.outbox.sweep() == 1
    finally:
        await publisher.stop()
    assert await _read(kafka, tenant_topic("released-tokens", tenant), 2) == {"sent", "left"}


async def test_a_row_belongs_to_the_event_s_tenant_also_in_work_on_all_tenants(settings: KitSettings) -> None:
    async with bare_pool(settings, f"t_{uuid4().hex[:8]}") as pool:
        chunk = _chunk("acme", "swept")
        async with pool.transaction(ALL_TENANTS) as connection:
            await Unit(True, connection, pool).emit(Emit("released-tokens", chunk))
        assert (
            await pool.fetchval(
                "SELECT tenant FROM outbox WHERE event_id = $1", chunk.event_id, tenant=ALL_TENANTS
            )
            == "acme"
        )
