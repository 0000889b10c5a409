"""Topics of single tenants: their names, their principals, and the topic of each event.

On the shared topics the payload's ``tenant`` is trusted: they are for one trusted backend. A tenant with its own topics
writes and reads topics whose names end in its name (``septet.requests.v1.acme``). The broker's ACLs restrict them to
that tenant, so the topic of a record proves its tenant. Services exchange the events of all tenants on topics that no
client reads or writes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from septet_contracts.topics import TOPICS, Topic, topic

CLIENT_WRITES = ("requests", "cancellations", "documents", "feedback")
CLIENT_READS = ("responses", "released-tokens")
OWNABLE = frozenset(CLIENT_WRITES + CLIENT_READS)

SHARED = "shared"
"""Stands for the clients of the shared topics, whose records may omit their tenant. It is no tenant's name."""


@dataclass(frozen=True)
class ClientAccess:
    """Permissions of a tenant's principal; the names of its consumer groups start with ``group_prefix``.

    The prefix ends in a dot, which no tenant's name contains: ``tenant-a.`` is no prefix of ``tenant-ab.``.
    """

    principal: str
    writes: tuple[str, ...]
    reads: tuple[str, ...]
    group_prefix: str


def tenant_topic(name: str, tenant: str) -> str:
    """Full name of a tenant's own topic: ``requests`` of ``acme`` is ``septet.requests.v1.acme``.

    Raises:
        KeyError: no such topic.
        ValueError: all tenants share the topic.
    """
    base = topic(name)
    if not is_ownable(base):
        raise ValueError(f"{base.name} is shared by all tenants")
    return f"{base.name}.{tenant}"


def is_ownable(of: Topic) -> bool:
    """Whether a tenant may have its own topic of this kind: clients write or read it."""
    return not of.raw and of.short in OWNABLE


def split(name: str) -> tuple[Topic, str | None]:
    """The topic of the table, and the tenant if the name is that of a tenant's own topic.

    Raises:
        KeyError: the name is neither a topic of the table nor a tenant's own.
    """
    if name in TOPICS:
        return TOPICS[name], None
    base, _, tenant = name.rpartition(".")
    if tenant and base in TOPICS and is_ownable(TOPICS[base]):
        return TOPICS[base], tenant
    raise KeyError(f"{name!r} is neither a topic of the table nor a tenant's own")


def own_topics(tenant: str) -> list[Topic]:
    """A tenant's own topics, with the settings of the shared ones that they replace."""
    return [
        replace(
            base, name=tenant_topic(base.name, tenant), about=f"{base.about} Only for the tenant {tenant}."
        )
        for base in TOPICS.values()
        if is_ownable(base)
    ]


def topics_for(own: Iterable[str]) -> list[Topic]:
    """Every topic that must exist: the table, and the topics of the tenants in ``own``."""
    return [*TOPICS.values(), *(made for tenant in sorted(own) for made in own_topics(tenant))]


def address(name: str, tenant: str | None, own: frozenset[str]) -> str:
    """Full name of the topic for an event of ``tenant``.

    Args:
        name: short or full name of a topic of the table.
        tenant: the event's tenant; ``None`` if it has none.
        own: the tenants that have their own topics.
    """
    base = topic(name)
    return f"{base.name}.{tenant}" if tenant in own and is_ownable(base) else base.name


def addresses(name: str, own: Iterable[str]) -> list[str]:
    """Full names of all topics for events of this name: the shared one first, then the tenants' own."""
    base = topic(name)
    return [base.name, *(f"{base.name}.{tenant}" for tenant in sorted(own) if is_ownable(base))]


def client_access(tenant: str) -> ClientAccess:
    """All permissions on the broker for the client of a tenant that has its own topics."""

    principal = f"tenant-{tenant}"
    return ClientAccess(principal, _own(CLIENT_WRITES, tenant), _own(CLIENT_READS, tenant), f"{principal}.")


def _own(names: tuple[str, ...], tenant: str) -> tuple[str, ...]:
    """A tenant's own topics of these short names, in every major version."""
    return tuple(tenant_topic(t.name, tenant) for name in names for t in TOPICS.values() if t.short == name)
