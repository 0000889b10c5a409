"""A producer of another implementation (librdkafka): every codec, with and without idempotence, and in transactions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import TopicPartition
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.memory_records import MemoryRecords
from confluent_kafka import Producer
from septet_contracts import topic
from septet_kit.messaging.connection import KafkaConnection
from septet_native.stack.addresses import Addresses

from ..support.record_batch import CODECS
from ..support.relay_process import Relay, relaying_process

REQUESTS = topic("requests").name
PARTITION = 3
KINDS = ("plain", "idempotent", "committed")


@pytest.fixture(scope="module")
async def relay(addresses: Addresses, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Relay]:
    """The service, started again whenever it ends."""
    async with relaying_process(addresses, tmp_path_factory.mktemp("relay") / "relay.log") as made:
        yield made


class Foreign:
    """One librdkafka producer; its blocking calls run in a thread."""

    def __init__(self, kafka: KafkaConnection, kind: str, codec: str = "none", **options: int) -> None:
        self.transactional = kind in ("committed", "aborted", "open")
        own = {"transactional.id": f"foreign-{uuid4().hex[:8]}"} if self.transactional else {}
        settings: dict[str, Any] = {
            **kafka.librdkafka(),
            "acks": "all",
            "compression.type": codec,
            "enable.idempotence": kind != "plain",
            "linger.ms": 50,
            "log_level": 0,
            "transaction.timeout.ms": 10_000,
            **own,
            **options,
        }
        self._producer = Producer(settings)
        self._kind = kind

    async def write(self, *marks: str) -> int:
        """Publish requests in one batch, and end the transaction as the kind says; returns the first offset."""
        return await asyncio.to_thread(self._write, marks)

    def _write(self, marks: tuple[str, ...]) -> int:
        offsets: list[int | None] = []
        if self.transactional:
            self._producer.init_transactions(20)
            self._producer.begin_transaction()
        for mark in marks:
            body = json.dumps({"request_id": mark, "question": "What is a deque? " * 40}).encode()
            self._producer.produce(
                REQUESTS,
                body,
                mark.encode(),
                PARTITION,
                on_delivery=lambda error, m: offsets.append(m.offset()),
            )
        assert self._producer.flush(20) == 0
        if self._kind == "committed":
            self._producer.commit_transaction(20)
        elif self._kind == "aborted":
            self._producer.abort_transaction(20)
        return min(offset for offset in offsets if offset is not None)


def marks(kind: str, count: int = 3) -> list[str]:
    """Request ids."""
    return [f"{kind}-{uuid4().hex[:8]}" for _ in range(count)]


async def codec_at(kafka: KafkaConnection, offset: int) -> int:
    """The compression codec of the batch at an offset, as it is on the log."""
    options = kafka.options()
    host, port, _ = collect_hosts(options.pop("bootstrap_servers"))[0]
    connection = await create_conn(host, port, **options)
    try:
        where = TopicPartition(REQUESTS, PARTITION)
        answer = await connection.send(
            FetchRequest(1000, 1, 2**20, 0, [(where.topic, [(where.partition, offset, 2**20)])])
        )
        ((_, (partition,)),) = answer.topics
        codec: int = MemoryRecords(partition[-1]).next_batch().compression_type
        return codec
    finally:
        connection.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("codec", CODECS)
async def test_each_codec_is_handled(codec: str, kind: str, relay: Relay, addresses: Addresses) -> None:
    kafka = addresses.connection("admin")
    sent = marks(f"{codec}-{kind}")
    offset = await Foreign(kafka, kind, codec).write(*sent)
    assert await codec_at(kafka, offset) == CODECS[codec]
    assert [await relay.handled(m) for m in sent] == [True] * len(sent)
    assert relay.member.restarts == 0


@pytest.mark.parametrize("codec", CODECS)
async def test_what_was_aborted_is_not_handled(codec: str, relay: Relay, addresses: Addresses) -> None:
    """Its client was told that nothing happened: no model is paid for it, and no response is published."""
    kafka = addresses.connection("admin")
    gone, kept = marks(f"{codec}-aborted"), marks(f"{codec}-after")
    offset = await Foreign(kafka, "aborted", codec).write(*gone)
    assert await codec_at(kafka, offset) == CODECS[codec]
    await Foreign(kafka, "idempotent", codec).write(*kept)
    assert [await relay.handled(m) for m in kept] == [True] * len(kept)
    assert [relay.seen(m) for m in gone] == [False] * len(gone)


async def test_a_client_that_hangs_in_a_transaction_ends_no_service(
    relay: Relay, addresses: Addresses
) -> None:
    """Requests behind an open transaction wait until the broker aborts it; the service waits, and is not restarted."""
    kafka = addresses.connection("admin")
    hanging = Foreign(kafka, "open")
    await hanging.write(*marks("open", 1))
    sent = marks("behind", 1)
    await Foreign(kafka, "idempotent").write(*sent)
    assert await relay.handled(sent[0], 30)
    assert relay.member.restarts == 0


@pytest.mark.parametrize("wanted_ms", [15_001, 60_000])
async def test_a_longer_transaction_than_the_bound_is_rejected(wanted_ms: int, addresses: Addresses) -> None:
    with pytest.raises(Exception, match=r"(?i)transaction.*timeout|INVALID_TRANSACTION_TIMEOUT"):
        await Foreign(addresses.connection("admin"), "open", **{"transaction.timeout.ms": wanted_ms}).write(
            *marks("long", 1)
        )
