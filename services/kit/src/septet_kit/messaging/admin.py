"""Topics: created from the table in ``septet_contracts``, never by being written to."""

from __future__ import annotations

from collections.abc import Iterable

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code
from septet_contracts import TOPICS, Topic


async def ensure_topics(
    bootstrap: str, *, topics: Iterable[Topic] | None = None, replication: int = 1
) -> list[str]:
    """Create the topics that do not exist; returns their names.

    Raises:
        aiokafka.errors.KafkaError: the broker refused one.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        missing = [t for t in (topics or TOPICS.values()) if t.name not in existing]
        if not missing:
            return []
        answer = await admin.create_topics(
            [NewTopic(t.name, t.partitions, replication, topic_configs=t.config) for t in missing]
        )
        for name, code, *_ in answer.topic_errors:
            if code not in (0, TopicAlreadyExistsError.errno):
                raise for_code(code)(f"creating {name}")
        return [t.name for t in missing]
    finally:
        await admin.close()
