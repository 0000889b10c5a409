"""ACLs as plain values, and the difference between the table and a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from septet_contracts import HTTP_SERVICES, SERVICES

from septet_kit.access.table import OPERATOR, TENANT_PREFIX, Access
from septet_kit.namespace import REPLAY_PREFIX
from septet_kit.spec import GROUP_PREFIX

Operation = Literal["read", "write", "describe", "create", "delete"]

_USES: tuple[Operation, ...] = ("read", "write")
_MANAGES: tuple[Operation, ...] = ("create", "delete")
_OURS = frozenset({*SERVICES, *HTTP_SERVICES, OPERATOR})


@dataclass(frozen=True, order=True)
class Binding:
    """One ACL: *principal* is allowed *operation* on a resource, from any host."""

    principal: str
    resource: Literal["topic", "group"]
    name: str
    operation: Operation
    pattern: Literal["literal", "prefixed"] = "literal"

    @property
    def ours(self) -> bool:
        """Whether it is Septet's: one of its principals, on a resource with a name of Septet's.

        Other ACLs of a shared cluster are never removed.
        """
        known = self.principal in _OURS or self.principal.startswith(TENANT_PREFIX)
        return known and self.name.startswith((GROUP_PREFIX, TENANT_PREFIX, REPLAY_PREFIX))


@dataclass(frozen=True)
class Changes:
    """ACLs to create, and ACLs of Septet's that the table no longer holds."""

    missing: tuple[Binding, ...]
    stale: tuple[Binding, ...]


def bindings(table: Iterable[Access]) -> set[Binding]:
    """The ACLs of a table. Reading and writing include the right to describe."""
    return {binding for access in table for binding in _of(access)}


def changes(wanted: set[Binding], present: Iterable[Binding]) -> Changes:
    """The changes from the *present* ACLs to the *wanted* ones."""
    present = set(present)
    stale = {b for b in present - wanted if b.ours}
    return Changes(tuple(sorted(wanted - present)), tuple(sorted(stale)))


def _of(access: Access) -> Iterator[Binding]:
    who = access.principal
    yield from (Binding(who, "topic", name, "read") for name in access.reads)
    yield from (Binding(who, "topic", name, "write") for name in access.writes)
    yield from (Binding(who, "group", name, "read") for name in access.groups)
    yield from (Binding(who, "group", name, "read", "prefixed") for name in access.group_prefixes)
    yield from (Binding(who, "group", name, "describe") for name in access.watches)
    for prefix in (*access.namespaces, *access.manages):
        yield from (Binding(who, "topic", prefix, verb, "prefixed") for verb in _USES)
    yield from (Binding(who, "group", prefix, "read", "prefixed") for prefix in access.namespaces)
    for prefix in access.manages:
        yield from (Binding(who, "topic", prefix, verb, "prefixed") for verb in _MANAGES)
        yield Binding(who, "group", prefix, "describe", "prefixed")
        yield Binding(who, "group", prefix, "delete", "prefixed")
