"""Users and ACLs of a cluster, through Kafka's administration protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from septet_kit.access.bindings import Binding, Changes, changes
from septet_kit.errors import Permanent, SeptetError, Transient
from septet_kit.messaging.connection import KafkaConnection
from septet_kit.messaging.diagnosis import diagnose

_TIMEOUT_S = 20.0
_ITERATIONS = 4096
_UNSUPPORTED = "kafka_users_unsupported"
_MECHANISM = ScramMechanism.SCRAM_SHA_512
_OPERATIONS = {
    "read": AclOperation.READ, "write": AclOperation.WRITE, "describe": AclOperation.DESCRIBE,
}  # fmt: skip
_RESOURCES = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP}
_PATTERNS = {"literal": ResourcePatternType.LITERAL, "prefixed": ResourcePatternType.PREFIXED}


class Cluster:
    """A cluster, as its super user sees it."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._connection = connection
        # librdkafka would print what the errors say again.
        self._admin = AdminClient({**connection.librdkafka(), "log_level": 0})

    async def pending(self, wanted: set[Binding]) -> Changes:
        """What :meth:`apply` would change.

        Raises:
            Permanent, Transient: the cluster refuses, has no ACLs, or does not answer.
        """
        await self._require_administrator()
        # None stands for any, which the types do not say.
        anything: Any = None
        every = AclBindingFilter(
            ResourceType.ANY, anything, ResourcePatternType.ANY, anything, anything,
            AclOperation.ANY, AclPermissionType.ANY,
        )  # fmt: skip
        found = await self._result(self._admin.describe_acls(every, request_timeout=_TIMEOUT_S))
        return changes(wanted, filter(None, map(_from_kafka, found)))

    async def _require_administrator(self) -> None:
        """Raise if the principal may not describe the cluster.

        librdkafka takes the refusal to list ACLs for an empty list, but reports the refusal to list users, which
        needs the same permission. Its ``describe_cluster`` would tell, too; but it aborts the process when the
        broker is fenced and lists no brokers (``rdkafka_admin.c``, assertion ``rko_result``, version 2.16.0).
        """
        try:
            await self.users()
        except Permanent as error:
            if error.code != _UNSUPPORTED:
                raise

    async def apply(self, pending: Changes) -> None:
        """Make what is missing, then remove what is stale.

        Raises:
            Permanent, Transient: as :meth:`pending`.
        """
        if pending.missing:
            made = self._admin.create_acls(
                [_to_kafka(b) for b in pending.missing], request_timeout=_TIMEOUT_S
            )
            await self._results(made)
        if pending.stale:
            filters = [_to_filter(b) for b in pending.stale]
            await self._results(self._admin.delete_acls(filters, request_timeout=_TIMEOUT_S))

    async def users(self) -> set[str]:
        """Names of the users that have SCRAM credentials."""
        found = await self._result(self._admin.describe_user_scram_credentials(request_timeout=_TIMEOUT_S))
        return set(found)

    async def put_users(self, passwords: Mapping[str, str]) -> None:
        """Create users, or give them these passwords; connections that are open stay open."""
        credential = ScramCredentialInfo(_MECHANISM, _ITERATIONS)
        upserts: list[Any] = [
            UserScramCredentialUpsertion(user, credential, password.encode())
            for user, password in sorted(passwords.items())
        ]
        await self._alter(upserts)

    async def drop_users(self, users: Iterable[str]) -> None:
        """Remove users: they can no longer connect."""
        await self._alter([UserScramCredentialDeletion(user, _MECHANISM) for user in sorted(users)])

    async def _alter(self, alterations: list[Any]) -> None:
        if alterations:
            altered = self._admin.alter_user_scram_credentials(alterations, request_timeout=_TIMEOUT_S)
            await self._results(altered)

    async def _results(self, futures: Mapping[Any, Future[Any]]) -> None:
        for future in futures.values():
            await self._result(future)

    async def _result(self, future: Any) -> Any:
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), _TIMEOUT_S + 5)
        except (KafkaException, TimeoutError) as error:
            raise await self._explained(error) from error

    def _not_administrator(self) -> Permanent:
        return Permanent(
            "kafka_not_admin", f"{self._connection.username or 'anonymous'!r} may not administer Kafka",
            field="SEPTET_KAFKA_USERNAME", fix="connect as a super user of the cluster, for example admin",
        )  # fmt: skip

    async def _explained(self, error: Exception) -> SeptetError:
        kafka_error = error.args[0] if isinstance(error, KafkaException) else None
        name = kafka_error.name() if kafka_error is not None else "TIMED_OUT"
        if name == "CLUSTER_AUTHORIZATION_FAILED":
            return self._not_administrator()
        if name in ("_UNSUPPORTED_FEATURE", "UNSUPPORTED_VERSION"):
            return Permanent(
                _UNSUPPORTED, f"Kafka at {self._connection.bootstrap} keeps no SCRAM users",
                fix="write users with the tools of its provider, and leave out --users",
            )  # fmt: skip
        if name == "SECURITY_DISABLED":
            return Permanent(
                "kafka_without_acls", f"Kafka at {self._connection.bootstrap} has no authorizer",
                fix="start it with infra/kafka/server.properties, or leave out ACLs with --topics-only",
            )  # fmt: skip
        found = await diagnose(self._connection)
        if isinstance(found, Permanent):
            return found
        return Transient("kafka_refused", f"Kafka at {self._connection.bootstrap}: {kafka_error or error!r}")


def _to_kafka(b: Binding) -> AclBinding:
    return AclBinding(
        _RESOURCES[b.resource], b.name, _PATTERNS[b.pattern], f"User:{b.principal}", "*",
        _OPERATIONS[b.operation], AclPermissionType.ALLOW,
    )  # fmt: skip


def _to_filter(b: Binding) -> AclBindingFilter:
    return AclBindingFilter(
        _RESOURCES[b.resource], b.name, _PATTERNS[b.pattern], f"User:{b.principal}", "*",
        _OPERATIONS[b.operation], AclPermissionType.ALLOW,
    )  # fmt: skip


def _from_kafka(acl: AclBinding) -> Binding | None:
    """The ACL as a value; ``None`` for kinds that Septet does not make."""
    kinds = (
        _key(_RESOURCES, acl.restype), _key(_OPERATIONS, acl.operation),
        _key(_PATTERNS, acl.resource_pattern_type),
    )  # fmt: skip
    if None in kinds or acl.permission_type is not AclPermissionType.ALLOW or acl.host != "*":
        return None
    resource, operation, pattern = kinds
    return Binding(acl.principal.removeprefix("User:"), resource, acl.name, operation, pattern)  # type: ignore[arg-type]


def _key(table: Mapping[str, Any], value: Any) -> str | None:
    return next((name for name, known in table.items() if known is value or known == value), None)
