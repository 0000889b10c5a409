"""Tenants: which exist, and which one a record belongs to.

The tenants file lists the tenants. One with ``topics: own`` has request, cancellation, document, feedback,
response and token topics for itself; the others use the shared ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from septet_contracts import (
    SHARED,
    ContractError,
    Partial,
    Topic,
    dead_letter_topic,
    split,
    tenancy,
    tenant_topic,
    topics_for,
)
from septet_contracts.envelope import Tenant

from septet_kit.errors import Permanent
from septet_kit.namespace import LIVE, Namespace


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Tenant
    topics: Literal["shared", "own"] = "shared"
    tuning_consent: bool | None = None


class _File(BaseModel):
    tenants: list[_Entry | Tenant]
    tuning_consent: bool = False


_FILE = TypeAdapter(_File)


@dataclass(frozen=True)
class Tenants:
    """The known tenants. All topics are those of ``namespace``.

    Attributes:
        names: all tenants.
        own: those that have topics of their own.
        namespace: of the topics.
        consenting: those whose requests and feedback may be used for tuning.
    """

    names: frozenset[str]
    own: frozenset[str] = frozenset()
    namespace: Namespace = LIVE
    consenting: frozenset[str] = frozenset()

    @classmethod
    def load(cls, path: Path | None = None, namespace: Namespace = LIVE) -> Tenants:
        """Read ``path``, or the packaged file when it is ``None``.

        Raises:
            Permanent: there is no such file, it is not a mapping with a list ``tenants``, or it names a tenant
                twice or by a reserved name (code ``invalid_tenants_file``).
        """
        try:
            text = (path or files("septet_kit") / "tenants.yaml").read_text(encoding="utf-8")
            file = _FILE.validate_python(yaml.safe_load(text))
            entries = [_entry(e) for e in file.tenants]
        except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
            raise _invalid(path, str(error)) from error
        names = [e.name for e in entries]
        if twice := sorted({n for n in names if names.count(n) > 1}):
            raise _invalid(path, f"the tenant {twice[0]!r} is listed twice")
        if SHARED in names:
            raise _invalid(path, f"no tenant may be called {SHARED!r}")
        own = frozenset(e.name for e in entries if e.topics == "own")
        consents = {
            e.name: file.tuning_consent if e.tuning_consent is None else e.tuning_consent for e in entries
        }
        consenting = frozenset(name for name, consent in consents.items() if consent)
        return cls(frozenset(names), own, namespace, consenting)

    def require(self, tenant: str) -> None:
        """Check that a tenant exists.

        Raises:
            Permanent: code ``unknown_tenant``.
        """
        if tenant not in self.names:
            raise Permanent(
                "unknown_tenant",
                f"there is no tenant {tenant!r}",
                field="tenant",
                fix="use a tenant named in the tenants file (SEPTET_TENANTS_FILE)",
            )

    def topics(self) -> list[Topic]:
        """Every topic that must exist for these tenants."""
        made = topics_for(self.own)
        return [replace(t, name=self.namespace.qualify(t.name)) for t in made]

    def address(self, name: str, tenant: str | None) -> str:
        """Full name of the topic on which an event of ``tenant`` travels."""
        return self.namespace.qualify(tenancy.address(name, tenant, self.own))

    def addresses(self, names: Iterable[str]) -> dict[str, str]:
        """Full names of the topics, tenants' own ones included, each with the name that it stands for."""
        return {
            self.namespace.qualify(full): name for name in names for full in tenancy.addresses(name, self.own)
        }

    def dead_letters(self, service: str) -> str:
        """Full name of the topic for records that a service cannot process."""
        return self.namespace.qualify(dead_letter_topic(service))

    def identify(self, event: Any, topic: str) -> tuple[Any, ContractError | None]:
        """Attribute a record to the tenant of its topic, and check the tenant that its payload names.

        Args:
            event: the decoded event, or the :class:`septet_contracts.Partial` of one that is not valid.
            topic: full name of the record's topic.

        Returns:
            The event with the tenant of its sender, and the error if the payload names another tenant. Such a
            record is answered to its sender: request ids, traces and topics of the named tenant are not touched.
        """
        base, owner = split(self.namespace.relative(topic))
        named = getattr(event, "tenant", None)
        if owner is not None:
            if named == owner:
                return event, None
            absent = isinstance(event, Partial) or "tenant" not in event.model_fields_set
            return _as(event, owner), None if absent else _mismatch(base, owner, named)
        if base.from_clients and named in self.own:
            return _as(event, SHARED), _wrong_topic(base, named)
        return event, None


SHARED_ONLY = Tenants(frozenset())
"""No known tenants, and none with topics of its own."""


def _entry(raw: _Entry | str) -> _Entry:
    return raw if isinstance(raw, _Entry) else _Entry(name=raw)


def _as(event: Any, tenant: str) -> Any:
    if isinstance(event, Partial):
        return replace(event, tenant=tenant)
    return event.model_copy(update={"tenant": tenant})


def _mismatch(base: Topic, owner: str, named: str | None) -> ContractError:
    return ContractError(
        "tenant_mismatch",
        f"this topic is {owner}'s, and the payload names the tenant {named!r}",
        field="tenant",
        fix=f"leave `tenant` out, or publish to {base.name} or the named tenant's own topic",
    )


def _wrong_topic(base: Topic, named: str) -> ContractError:
    return ContractError(
        "wrong_topic",
        f"the tenant {named!r} has topics of its own; {base.name} does not take its records",
        field="tenant",
        fix=f"publish to {tenant_topic(base.name, named)} as that tenant's own principal",
    )


def _invalid(path: Path | None, why: str) -> Permanent:
    return Permanent(
        "invalid_tenants_file",
        f"{path or 'the packaged tenants file'}: {why}",
        fix="write `tenants: [default, {name: acme, topics: own}]` and name the file in SEPTET_TENANTS_FILE",
    )
