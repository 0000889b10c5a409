"""Administration of namespaces: create their topics and schemas, find what exists of them, and remove it."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError, for_code
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from septet_contracts import Topic

from septet_kit.errors import Transient
from septet_kit.messaging.admin import ensure_topics, open_admin
from septet_kit.messaging.connection import Kafka, KafkaConnection
from septet_kit.migrate import installed, migrate
from septet_kit.namespace import REPLAY_PREFIX, Namespace
from septet_kit.spec import ServiceSpec
from septet_kit.store.pool import TRANSIENT_ERRORS
from septet_kit.tenants import Tenants

_TIMEOUT_S = 20.0
_POLL_S = 0.5
# A static member stays in its group until its session ends.
_PATIENCE_S = 20.0
_NAME = re.compile(r"([a-z][a-z0-9\-]*)\.")


@dataclass
class Contents:
    """What exists of one namespace."""

    topics: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    schemas: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.topics or self.groups or self.schemas)

    def __str__(self) -> str:
        counts = {"topics": self.topics, "groups": self.groups, "schemas": self.schemas}
        return ", ".join(f"{len(names)} {kind}" for kind, names in counts.items())


def topics_of(specs: Iterable[ServiceSpec], tenants: Tenants) -> list[Topic]:
    """The topics that a group of services needs in the namespace of ``tenants``."""
    needed: set[str] = set()
    for spec in specs:
        short = {*spec.consumes, *spec.produces, *spec.follows, "outcomes"} - {*spec.live_only}
        needed |= {*tenants.addresses(short), tenants.dead_letters(spec.name)}
    return [each for each in tenants.topics() if each.name in needed]


async def create(
    kafka: Kafka,
    owner_dsn: str | None,
    specs: Sequence[ServiceSpec],
    tenants: Tenants,
    *,
    replication: int = 1,
    retention: timedelta | None = None,
) -> None:
    """Create topics and schemas for an instance group of services.

    Args:
        kafka: a principal that may create topics.
        owner_dsn: the database, as the owner of its schemas; ``None``: somebody else migrates the schemas.
        specs: services of the group.
        tenants: the tenants, in the namespace.
        replication: of the topics.
        retention: of the topics; ``None``: that of the live ones.

    Raises:
        Transient, Permanent: Kafka or PostgreSQL does not answer, or refuses.
        aiokafka.errors.KafkaError: the broker refuses a topic.
    """
    topics = topics_of(specs, tenants)
    if retention is not None:
        topics = [replace(each, retention=min(each.retention, retention)) for each in topics]
    await ensure_topics(kafka, topics=topics, replication=replication)
    if owner_dsn is not None:
        with_schema = {each.service for each in installed()} & {spec.name for spec in specs}
        await migrate(owner_dsn, installed(sorted(with_schema), tenants.namespace))


async def existing(kafka: Kafka, owner_dsn: str | None, prefix: str = REPLAY_PREFIX) -> dict[str, Contents]:
    """What exists of each namespace whose name begins with ``prefix``.

    Raises:
        Transient, Permanent: Kafka or PostgreSQL does not answer, or refuses.
    """
    found: dict[str, Contents] = defaultdict(Contents)
    async with open_admin(kafka) as admin:
        for name in await admin.list_topics():
            if namespace := _namespace_of(name, prefix):
                found[namespace].topics.append(name)
        for name, *_ in await admin.list_consumer_groups():
            if namespace := _namespace_of(name, prefix):
                found[namespace].groups.append(name)
    for name in await _schemas(owner_dsn, prefix):
        if namespace := _namespace_of(name, prefix):
            found[namespace].schemas.append(name)
    return dict(found)


async def remove(
    kafka: Kafka, owner_dsn: str | None, namespace: Namespace, *, patience_s: float = _PATIENCE_S
) -> Contents:
    """Remove a namespace; its processes must have ended. Returns what was removed. It can be repeated.

    Groups come first, so that nothing is removed while a process is in one.

    Raises:
        ValueError: the live side.
        Transient: a process is still in a group after ``patience_s`` (code ``group_in_use``), or a topic still exists
            (code ``topics_not_deleted``).
        Transient, Permanent: Kafka or PostgreSQL does not answer, or refuses.
    """
    if namespace.is_live:
        raise ValueError("the live side is no namespace")
    found = (await existing(kafka, owner_dsn, namespace.prefix)).get(namespace.name, Contents())
    await _delete_groups(KafkaConnection.of(kafka), found.groups, patience_s)
    if found.topics:
        async with open_admin(kafka) as admin:
            await _delete_topics(admin, found.topics)
    if found.schemas and owner_dsn is not None:
        await _drop(owner_dsn, found.schemas)
    return found


def _namespace_of(name: str, prefix: str) -> str | None:
    match = _NAME.match(name)
    return match[1] if match and name.startswith(prefix) else None


async def _schemas(owner_dsn: str | None, prefix: str) -> list[str]:
    if owner_dsn is None:
        return []
    connection = await _connect(owner_dsn)
    try:
        rows = await connection.fetch(
            "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, $1) ORDER BY 1", prefix
        )
    finally:
        await connection.close()
    return [row["nspname"] for row in rows]


async def _drop(owner_dsn: str, schemas: Sequence[str]) -> None:
    connection = await _connect(owner_dsn)
    try:
        for schema in schemas:
            await connection.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
    except TRANSIENT_ERRORS as error:
        raise Transient("store_unavailable", f"PostgreSQL: {error!r}") from error
    finally:
        await connection.close()


async def _connect(dsn: str) -> asyncpg.Connection:
    settings = {"application_name": "namespaces", "lock_timeout": "10000"}
    try:
        return await asyncpg.connect(dsn, timeout=_TIMEOUT_S, server_settings=settings)
    except TRANSIENT_ERRORS as error:
        raise Transient(
            "store_unavailable", f"PostgreSQL: {error}", fix="check SEPTET_POSTGRES_OWNER_DSN"
        ) from error


async def _delete_topics(admin: AIOKafkaAdminClient, topics: Sequence[str]) -> None:
    """Delete topics, and wait until the broker lists none of them.

    Raises:
        Transient: the broker refuses one, or still lists one after a while.
    """
    left = set(topics)
    try:
        answer = await admin.delete_topics([*topics])
        for name, code in answer.topic_error_codes:
            if code not in (0, UnknownTopicOrPartitionError.errno):
                raise for_code(code)(f"deleting {name}")
        async with asyncio.timeout(_TIMEOUT_S):
            while left := left & set(await admin.list_topics()):  # noqa: ASYNC110 - the broker has no event for it
                await asyncio.sleep(_POLL_S)
    except KafkaError as error:
        raise Transient("topics_not_deleted", f"topics were not deleted: {error}") from error
    except TimeoutError as error:
        raise Transient("topics_not_deleted", f"the topic {min(left)} was not deleted") from error


async def _delete_groups(connection: KafkaConnection, groups: Sequence[str], patience_s: float) -> None:
    """Delete groups, waiting for the sessions of members that have ended.

    Raises:
        Transient: a group still has members, or the broker refuses.
    """
    if not groups:
        return
    # librdkafka would print each error a second time.
    admin = AdminClient({**connection.librdkafka(), "log_level": 0})
    left, why = list(groups), ""
    until = asyncio.get_running_loop().time() + patience_s
    while left:
        futures = admin.delete_consumer_groups(left, request_timeout=_TIMEOUT_S)
        again = []
        for name, future in futures.items():
            try:
                await asyncio.wait_for(asyncio.wrap_future(future), _TIMEOUT_S + 5)
            except (KafkaException, TimeoutError) as error:
                if "GROUP_ID_NOT_FOUND" not in repr(error):
                    again.append(name)
                    why = str(error)
        left = again
        if left and asyncio.get_running_loop().time() > until:
            raise Transient("group_in_use", f"the group {left[0]} was not deleted: {why}")
        if left:
            await asyncio.sleep(_POLL_S)
