"""Asks a broker what a principal may do, by doing it: with the protocol's own requests, many in one connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.conn import AIOKafkaConnection, collect_hosts, create_conn
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    NoError,
    TopicAuthorizationFailedError,
    for_code,
)
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.group import HeartbeatRequest
from confluent_kafka import KafkaError, Producer
from septet_contracts import Topic
from septet_kit.messaging.connection import KafkaConnection
from septet_kit.messaging.diagnosis import diagnose

PATIENCE_S = 40.0


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():  # noqa: ASYNC110 - nothing tells when the brokers know
            await asyncio.sleep(0.1)


async def may_connect(connection: KafkaConnection) -> bool:
    """Whether the broker answers its user, who is seen on the log a moment after being written there."""
    return "answers now" in (await diagnose(connection)).message


async def is_refused(connection: KafkaConnection) -> bool:
    """Whether the broker refuses the credentials."""
    return (await diagnose(connection)).code == "kafka_credentials_refused"


async def try_read(connection: KafkaConnection, topics: Iterable[Topic]) -> tuple[set[str], set[str]]:
    """Fetch from a partition of every topic with one request; which gave an answer, and which were refused."""
    wanted = [(t.name, [(0, 0, 1024)]) for t in topics]
    async with _opened(connection) as opened, asyncio.timeout(PATIENCE_S):
        while True:
            answer = await opened.send(FetchRequest(0, 0, 1024 * 1024, 0, wanted))
            verdicts = {name: for_code(partitions[0][1]) for name, partitions in answer.topics}
            # A topic that was made a moment ago may have no leader yet.
            if set(verdicts.values()) <= {NoError, TopicAuthorizationFailedError}:
                break
            await asyncio.sleep(0.1)
    allowed = {name for name, verdict in verdicts.items() if verdict is NoError}
    return allowed, set(verdicts) - allowed


def try_write(connection: KafkaConnection, topics: Iterable[Topic]) -> tuple[set[str], set[str]]:
    """Write a record that means nothing to every topic; which took it, and which were refused."""
    producer = Producer(
        {**connection.librdkafka(), "acks": "all", "enable.idempotence": True, "log_level": 0}
    )
    allowed: set[str] = set()
    refused: set[str] = set()

    def told(name: str) -> Callable[[Any, Any], None]:
        def report(error: KafkaError | None, _: Any) -> None:
            if error is None:
                allowed.add(name)
            elif error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                refused.add(name)

        return report

    for each in topics:
        producer.produce(each.name, b"{}", key=b"stray", on_delivery=told(each.name))
    assert producer.flush(PATIENCE_S) == 0
    return allowed, refused


async def try_groups(connection: KafkaConnection, groups: Iterable[str]) -> tuple[set[str], set[str]]:
    """Speak as a member of each group; which took it as one (and did not know it), and which refused."""
    allowed: set[str] = set()
    refused: set[str] = set()
    async with _opened(connection) as opened:
        for group in groups:
            answer = await opened.send(HeartbeatRequest(group, 1, "stranger"))
            verdict = for_code(answer.error_code)
            (refused if verdict is GroupAuthorizationFailedError else allowed).add(group)
    return allowed, refused


async def try_watch(connection: KafkaConnection, groups: Iterable[str]) -> tuple[set[str], set[str]]:
    """Ask for the offsets of each group; which were given, and which were refused."""
    allowed: set[str] = set()
    refused: set[str] = set()
    async with _opened(connection) as opened:
        for group in groups:
            answer = await opened.send(OffsetFetchRequest(group, None))
            verdict = for_code(answer.error_code)
            (refused if verdict is GroupAuthorizationFailedError else allowed).add(group)
    return allowed, refused


@asynccontextmanager
async def _opened(connection: KafkaConnection) -> AsyncIterator[AIOKafkaConnection]:
    options = connection.options()
    host, port, _ = collect_hosts(options.pop("bootstrap_servers"))[0]
    opened = await create_conn(host, port, **options)
    try:
        yield opened
    finally:
        opened.close()
