"""Topics of one tenant's own: their names, who uses them, and what travels where.

The shared topics believe a payload's ``tenant``: they are for one trusted backend. A tenant with own topics
enters and leaves through topics whose names end in its own (``septet.requests.v1.acme``), which the broker's
ACLs keep for it; where a record entered then says whose it is. Between the services all tenants share the
topics, which no client reads or writes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from septet_contracts.topics import TOPICS, Topic, topic

CLIENT_WRITES = ("requests", "documents", "feedback")
CLIENT_READS = ("responses", "tokens")
OWNABLE = frozenset(CLIENT_WRITES + CLIENT_READS)

SHARED = "shared"
"""No tenant's name: stands for whoever sits at the shared topics, where a record may not name its tenant."""


@dataclass(frozen=True)
class ClientAccess:
    """What a tenant's own principal may do; ``group_prefix`` begins the names of its consumer groups.

    The prefix ends in a dot, which no tenant's name holds: ``tenant-a.`` is no prefix of ``tenant-ab.``.
    """

    principal: str
    writes: tuple[str, ...]
    reads: tuple[str, ...]
    group_prefix: str


def tenant_topic(name: str, tenant: str) -> str:
    """Full name of a tenant's own topic: ``requests`` of ``acme`` is ``septet.requests.v1.acme``.

    Raises:
        KeyError: no such topic.
        ValueError: services share the topic; no tenant has one of its own.
    """
    base = topic(name)
    if not is_ownable(base):
        raise ValueError(f"{base.name} is shared by all tenants")
    return f"{base.name}.{tenant}"


def is_ownable(of: Topic) -> bool:
    """Whether a tenant may have this topic for itself: clients write or read it."""
    return not of.raw and of.short in OWNABLE


def split(name: str) -> tuple[Topic, str | None]:
    """The topic of the table, and the tenant where the name is that of a tenant's own topic.

    Raises:
        KeyError: neither a topic of the table nor a tenant's own.
    """
    if name in TOPICS:
        return TOPICS[name], None
    base, _, tenant = name.rpartition(".")
    if tenant and base in TOPICS and is_ownable(TOPICS[base]):
        return TOPICS[base], tenant
    raise KeyError(f"{name!r} is neither a topic of the table nor a tenant's own")


def own_topics(tenant: str) -> list[Topic]:
    """The topics of a tenant that has its own, with the settings of those they stand in for."""
    return [
        replace(
            base, name=tenant_topic(base.name, tenant), about=f"{base.about} Of the tenant {tenant} alone."
        )
        for base in TOPICS.values()
        if is_ownable(base)
    ]


def topics_for(own: Iterable[str]) -> list[Topic]:
    """Every topic that must exist: the table, and those of the tenants that have their own."""
    return [*TOPICS.values(), *(made for tenant in sorted(own) for made in own_topics(tenant))]


def address(name: str, tenant: str | None, own: frozenset[str]) -> str:
    """Full name of the topic on which an event of ``tenant`` travels.

    Args:
        name: short or full name of a topic of the table.
        tenant: whose the event is, ``None`` for nobody's.
        own: the tenants that have own topics.
    """
    base = topic(name)
    return f"{base.name}.{tenant}" if tenant in own and is_ownable(base) else base.name


def addresses(name: str, own: Iterable[str]) -> list[str]:
    """Full names of all topics on which such events travel: the shared one first, then the tenants' own."""
    base = topic(name)
    return [base.name, *(f"{base.name}.{tenant}" for tenant in sorted(own) if is_ownable(base))]


def client_access(tenant: str) -> ClientAccess:
    """What the client of a tenant with own topics may do on the broker, and nothing beyond it."""
    principal = f"tenant-{tenant}"
    return ClientAccess(principal, _own(CLIENT_WRITES, tenant), _own(CLIENT_READS, tenant), f"{principal}.")


def _own(names: tuple[str, ...], tenant: str) -> tuple[str, ...]:
    """A tenant's own topics of these short names, in every major version."""
    return tuple(tenant_topic(t.name, tenant) for name in names for t in TOPICS.values() if t.short == name)
