"""The access table: the topics and groups of each principal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import yaml
from septet_contracts import HTTP_SERVICES, TOPICS, client_access, dead_letter_topic, tenancy, topic
from septet_contracts.asyncapi import OPERATOR as COMMAND_LINE
from septet_contracts.asyncapi import load_parties

from septet_kit.errors import Permanent
from septet_kit.namespace import REPLAY_PREFIX
from septet_kit.spec import REQUEST_SCOPED, ServiceSpec, group_of

ADMIN = "admin"
"""The super user, which needs no ACLs."""
OPERATOR = "operator"
"""The command line."""
TENANT_PREFIX = "tenant-"


@dataclass(frozen=True)
class Access:
    """What one principal may do, by full topic names.

    Attributes:
        principal: Kafka user.
        reads, writes: topics.
        groups: consumer groups it may be a member of.
        group_prefixes: beginnings of the names of further such groups.
        watches: groups whose progress it may see.
        namespaces: beginnings of the names of namespaces whose topics it may read and write, in their groups.
        manages: the same, whose topics it may also create and delete, and whose groups it may delete.
    """

    principal: str
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    group_prefixes: tuple[str, ...] = ()
    watches: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    manages: tuple[str, ...] = ()


def load_specs() -> list[ServiceSpec]:
    """The specs of all services.

    Raises:
        ImportError: a service is not installed.
    """
    return [party for party in load_parties() if isinstance(party, ServiceSpec)]


def access_table(specs: Iterable[ServiceSpec]) -> list[Access]:
    """The access of every service and of the operator, on the topics of the contracts' table."""
    specs = list(specs)
    return [*map(service_access, specs), operator_access(specs)]


def service_access(spec: ServiceSpec) -> Access:
    """A service reads what it consumes, in its own group, and what it follows; it writes what it produces and its dead
    letters.

    It reads topics that it produces by way of an outbox, too: a record in doubt after a crash is looked up
    there. Who handles a stage of a request may have to report that it failed. A service that serves clients over HTTP
    has neither a group nor dead letters. A service may see the progress of the services that it watches.
    """
    reports = ("outcomes",) if REQUEST_SCOPED & set(spec.consumes) else ()
    return Access(
        principal=spec.name,
        reads=_full({*spec.consumes, *spec.follows, *spec.outbox}),
        writes=_full({*spec.produces, *reports, *_dead_letters(spec)}),
        groups=(group_of(spec.name),) if _has_group(spec) else (),
        watches=tuple(sorted(map(group_of, spec.watches))),
        # Names of replays are not known beforehand. A service that handles requests takes part in all of them.
        namespaces=(REPLAY_PREFIX,) if {*REQUEST_SCOPED, "outcomes"} & set(spec.consumes) else (),
    )


def operator_access(specs: Sequence[ServiceSpec]) -> Access:
    """The operator reads every topic, and writes its own topics, those of clients and those of redriven dead letters.

    Text that clients read is the exception: eval is the only writer of responses, guardrails that of released text.
    """
    consumed = {topic(name).name for spec in specs for name in spec.consumes}
    consumed -= {t.name for t in TOPICS.values() if t.short in ("responses", "releases", "released-tokens")}
    return Access(
        principal=OPERATOR,
        reads=_full(TOPICS),
        writes=_full({*consumed, *COMMAND_LINE.produces}),
        watches=tuple(sorted(group_of(spec.name) for spec in specs if _has_group(spec))),
        manages=(REPLAY_PREFIX,),
    )


def _has_group(spec: ServiceSpec) -> bool:
    return spec.name not in HTTP_SERVICES


def _dead_letters(spec: ServiceSpec) -> tuple[str, ...]:
    return (dead_letter_topic(spec.name),) if _has_group(spec) else ()


def for_tenants(table: Iterable[Access], own: Iterable[str]) -> list[Access]:
    """The table with tenants' own topics: each user of a shared topic gets them, and so do the tenants' clients."""
    own = sorted(own)

    def expand(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(full for name in names for full in tenancy.addresses(name, own))

    clients = [client_access(tenant) for tenant in own]
    return [
        *(replace(a, reads=expand(a.reads), writes=expand(a.writes)) for a in table),
        *(
            Access(c.principal, reads=c.reads, writes=c.writes, group_prefixes=(c.group_prefix,))
            for c in clients
        ),
    ]


def dump_table(table: Iterable[Access]) -> str:
    """The table as YAML: a mapping of principals."""
    body = {a.principal: {k: list(v) for k, v in asdict(a).items() if v and k != "principal"} for a in table}
    return yaml.safe_dump(body, sort_keys=False)


def read_table(text: str) -> list[Access]:
    """The inverse of :func:`dump_table`.

    Raises:
        Permanent: it is not such a mapping (code ``invalid_access_table``).
    """
    try:
        body = yaml.safe_load(text)
        if not isinstance(body, dict):
            raise TypeError("not a mapping")
        return [_access(principal, entry) for principal, entry in body.items()]
    except (yaml.YAMLError, TypeError, AttributeError) as error:
        raise Permanent(
            "invalid_access_table",
            f"the access table cannot be read: {error}",
            fix="make it with `septet kafka acls --write FILE`",
        ) from error


def _access(principal: str, entry: Mapping[str, Any]) -> Access:
    known = {f.name for f in fields(Access)} - {"principal"}
    if unknown := set(entry) - known:
        raise TypeError(f"{principal}: {sorted(unknown)[0]} is none of {', '.join(sorted(known))}")
    return Access(principal, **{name: tuple(values) for name, values in entry.items()})


def _full(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(topic(name).name for name in names))
