"""Users and ACLs of a cluster, through Kafka's administration protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    IncompatibleBrokerVersion,
    KafkaError,
    SecurityDisabled,
    UnsupportedVersionError,
)
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
from septet_kit.access.listing import list_bindings, list_users
from septet_kit.errors import Permanent, SeptetError, Transient
from septet_kit.messaging.connection import KafkaConnection
from septet_kit.messaging.diagnosis import diagnose

_T = TypeVar("_T")
_Acl = TypeVar("_Acl", bound=AclBinding)
_TIMEOUT_S = 20.0
_ITERATIONS = 4096
_MECHANISM = ScramMechanism.SCRAM_SHA_512
_OPERATIONS = {
    "read": AclOperation.READ,
    "write": AclOperation.WRITE,
    "describe": AclOperation.DESCRIBE,
    "create": AclOperation.CREATE,
    "delete": AclOperation.DELETE,
}
_RESOURCES = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP}
_PATTERNS = {"literal": ResourcePatternType.LITERAL, "prefixed": ResourcePatternType.PREFIXED}


class Cluster:
    """A cluster, administered as its super user."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._connection = connection
        # librdkafka would print each error a second time.
        self._admin = AdminClient({**connection.librdkafka(), "log_level": 0})

    async def pending(self, wanted: set[Binding]) -> Changes:
        """What :meth:`apply` would change.

        Raises:
            Permanent, Transient: the cluster refuses, has no ACLs, or does not answer.
        """
        return changes(wanted, await self._listed(list_bindings(self._connection)))

    async def apply(self, pending: Changes) -> None:
        """Create missing ACLs, then remove stale ones.

        Raises:
            Permanent, Transient: as :meth:`pending`.
        """
        if pending.missing:
            made = self._admin.create_acls(
                [_acl(AclBinding, b) for b in pending.missing], request_timeout=_TIMEOUT_S
            )
            await self._results(made)
        if pending.stale:
            filters = [_acl(AclBindingFilter, b) for b in pending.stale]
            await self._results(self._admin.delete_acls(filters, request_timeout=_TIMEOUT_S))

    async def users(self) -> set[str]:
        """Names of the users that have SCRAM credentials."""
        return await self._listed(list_users(self._connection))

    async def put_users(self, passwords: Mapping[str, str]) -> None:
        """Create users, or set their passwords. Open connections stay open."""
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

    async def _listed(self, listing: Coroutine[Any, Any, _T]) -> _T:
        try:
            return await asyncio.wait_for(listing, _TIMEOUT_S)
        except (KafkaError, TimeoutError) as error:
            raise await self._explained(error) from error

    async def _result(self, future: Any) -> Any:
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), _TIMEOUT_S + 5)
        except (KafkaException, TimeoutError) as error:
            raise await self._explained(error) from error

    def _not_administrator(self) -> Permanent:
        return Permanent(
            "kafka_not_admin",
            f"{self._connection.username or 'anonymous'!r} may not administer Kafka",
            field="SEPTET_KAFKA_USERNAME",
            fix="connect as a super user of the cluster, for example admin",
        )

    async def _explained(self, error: Exception) -> SeptetError:
        code = error.args[0].code() if isinstance(error, KafkaException) else getattr(error, "errno", None)
        if code == ClusterAuthorizationFailedError.errno:
            return self._not_administrator()
        if code == UnsupportedVersionError.errno or isinstance(error, IncompatibleBrokerVersion):
            return Permanent(
                "kafka_unsupported",
                f"Kafka at {self._connection.bootstrap} has no such request: {error!r}",
                fix="write users with the tools of its provider and leave out --users, or use --topics-only",
            )
        if code == SecurityDisabled.errno:
            return Permanent(
                "kafka_without_acls",
                f"Kafka at {self._connection.bootstrap} has no authorizer",
                fix="start it with infra/kafka/server.properties, or leave out ACLs with --topics-only",
            )
        found = await diagnose(self._connection)
        if isinstance(found, Permanent):
            return found
        return Transient("kafka_refused", f"Kafka at {self._connection.bootstrap}: {error!r}")


def _acl(kind: type[_Acl], b: Binding) -> _Acl:
    return kind(
        _RESOURCES[b.resource],
        b.name,
        _PATTERNS[b.pattern],
        f"User:{b.principal}",
        "*",
        _OPERATIONS[b.operation],
        AclPermissionType.ALLOW,
    )
