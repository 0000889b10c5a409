"""Provision a cluster: topics, users, ACLs. Safe to repeat, also while services run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from septet_contracts import Topic

from septet_kit.access.bindings import Binding, bindings
from septet_kit.access.cluster import Cluster
from septet_kit.access.table import TENANT_PREFIX, Access, for_tenants
from septet_kit.errors import Transient
from septet_kit.messaging.admin import ensure_topics, missing_topics
from septet_kit.messaging.connection import KafkaConnection
from septet_kit.tenants import Tenants

_SETTLE_S, _POLL_S = 30.0, 0.1


@dataclass(frozen=True)
class Report:
    """Changes that were made, or would be: topics, ACLs, users written and removed."""

    topics: tuple[str, ...]
    acls_made: tuple[Binding, ...] = ()
    acls_removed: tuple[Binding, ...] = ()
    users_written: tuple[str, ...] = ()
    users_removed: tuple[str, ...] = ()


async def provision(
    connection: KafkaConnection,
    table: Iterable[Access],
    tenants: Tenants,
    passwords: Mapping[str, str] | None = None,
    *,
    replication: int = 1,
    dry_run: bool = False,
    keep: bool = False,
) -> Report:
    """Create and update topics, ACLs and users as the table and the tenants require.

    Args:
        connection: of a super user.
        table: access on the shared topics; tenants' own ones are added.
        tenants: the tenants with topics of their own.
        passwords: by user. These users are written, and users of removed tenants are deleted. ``None``
            changes no users.
        replication: of topics that are created.
        dry_run: change nothing, and return what would be changed.
        keep: keep stale ACLs of the table's principals, for processes of the previous version. Stale ACLs of
            tenants are removed all the same.

    Raises:
        Permanent, Transient: the cluster refuses or does not answer; it is safe to try again.
    """
    # First, because it fails at once when the cluster cannot be reached.
    topics: list[Topic] = await missing_topics(connection, tenants.topics())
    cluster, table = Cluster(connection), list(table)
    wanted = bindings(for_tenants(table, tenants.own))
    pending = await cluster.pending(wanted)
    if keep:
        principals = {access.principal for access in table}
        kept = {b for b in pending.stale if b.principal in principals}
        wanted, pending = (
            wanted | kept,
            replace(pending, stale=tuple(b for b in pending.stale if b not in kept)),
        )
    gone = await _gone(cluster, passwords)
    if not dry_run:
        await ensure_topics(connection, topics=tenants.topics(), replication=replication)
        await cluster.apply(pending)
        await cluster.put_users(passwords or {})
        await cluster.drop_users(gone)
        await _settled(cluster, wanted, set(passwords or {}), gone)
    return Report(
        tuple(t.name for t in topics),
        pending.missing,
        pending.stale,
        tuple(sorted(passwords or {})),
        tuple(sorted(gone)),
    )


async def _settled(cluster: Cluster, wanted: set[Binding], users: set[str], gone: set[str]) -> None:
    """Wait until the brokers have applied what the controller has written.

    Raises:
        Transient: it takes longer than half a minute.
    """
    try:
        async with asyncio.timeout(_SETTLE_S):
            while True:
                pending = await cluster.pending(wanted)
                # A cluster that keeps no SCRAM users is administered without any.
                known = await cluster.users() if users or gone else set()
                if not pending.missing and not pending.stale and users <= known and not gone & known:
                    return
                await asyncio.sleep(_POLL_S)
    except TimeoutError as error:
        raise Transient(
            "kafka_not_settled",
            f"the brokers do not know the new users and ACLs after {_SETTLE_S:.0f} s",
            fix="look at the brokers' logs, then apply again",
        ) from error


async def provision_topics(
    connection: KafkaConnection, tenants: Tenants, *, replication: int = 1, dry_run: bool = False
) -> Report:
    """Create the topics only, for a cluster without an authorizer.

    Raises:
        Permanent, Transient: the cluster refuses or does not answer.
    """
    topics = await missing_topics(connection, tenants.topics())
    if not dry_run:
        await ensure_topics(connection, topics=tenants.topics(), replication=replication)
    return Report(tuple(t.name for t in topics))


async def _gone(cluster: Cluster, passwords: Mapping[str, str] | None) -> set[str]:
    if passwords is None:
        return set()
    return {u for u in await cluster.users() if u.startswith(TENANT_PREFIX) and u not in passwords}
