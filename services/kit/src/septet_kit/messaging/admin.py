"""Create topics from the table in ``septet_contracts``. Brokers do not create topics by themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError, TopicAlreadyExistsError, for_code
from septet_contracts import TOPICS, Topic
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_fixed

from septet_kit.errors import Transient
from septet_kit.messaging.connection import Kafka, KafkaConnection
from septet_kit.messaging.diagnosis import diagnose


async def ensure_topics(
    kafka: Kafka, *, topics: Iterable[Topic] | None = None, replication: int = 1
) -> list[str]:
    """Create the topics that do not exist; returns their names.

    Raises:
        Permanent, Transient: the broker cannot be reached.
        aiokafka.errors.KafkaError: the broker refused one.
    """
    async with open_admin(kafka) as admin:
        missing = await _missing(admin, TOPICS.values() if topics is None else topics)
        if not missing:
            return []
        answer = await admin.create_topics(
            [NewTopic(t.name, t.partitions, replication, topic_configs=t.config) for t in missing]
        )
        for name, code, *_ in answer.topic_errors:
            if code not in (0, TopicAlreadyExistsError.errno):
                raise for_code(code)(f"creating {name}")
        return [t.name for t in missing]


async def missing_topics(kafka: Kafka, topics: Iterable[Topic]) -> list[Topic]:
    """Topics that do not exist, or that the principal may not describe.

    Raises:
        Permanent, Transient: the broker cannot be reached.
    """
    async with open_admin(kafka) as admin:
        return await _missing(admin, topics)


async def _missing(admin: AIOKafkaAdminClient, topics: Iterable[Topic]) -> list[Topic]:
    existing = set(await admin.list_topics())
    return [t for t in topics if t.name not in existing]


@asynccontextmanager
async def open_admin(kafka: Kafka) -> AsyncIterator[AIOKafkaAdminClient]:
    """A started administration client.

    Raises:
        Permanent, Transient: the broker cannot be reached.
    """
    admin = await _started(kafka)
    try:
        yield admin
    finally:
        await admin.close()


# A broker may refuse a user for a moment after the user was created.
@retry(
    retry=retry_if_exception_type(Transient), stop=stop_after_attempt(4), wait=wait_fixed(0.5), reraise=True
)
async def _started(kafka: Kafka) -> AIOKafkaAdminClient:
    admin = AIOKafkaAdminClient(**KafkaConnection.of(kafka).options())
    try:
        await admin.start()
    except KafkaConnectionError as error:
        await admin.close()
        raise await diagnose(kafka) from error
    return admin
