"""An event in the outbox: its row, and the record that is made of it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from septet_kit.events import Emit
from septet_kit.messaging.record import Claim, Record, event_headers
from septet_kit.store.claim import CLAIM
from septet_kit.tenants import Tenants

_COLUMNS = ("event_id", "topic", "key", "value", "headers", "claimed_by", "tenant", "claimed_until")
_TYPES = ("uuid", "text", "bytea", "bytea", "jsonb", "text", "text", "interval")
OUTBOX_PARAMETERS = len(_TYPES)
"""How many parameters an outbox row takes."""


def put_outbox(first: int = 1, source: str | None = None) -> str:
    """SQL that writes an outbox row from :attr:`OutboxEmit.row`, which are its parameters from ``$first`` on.

    With ``source``, it is written only if that table, or part of the same statement, has a row: an effect and its
    event are then one statement, which is one round trip and one transaction.
    """
    *given, tenant, claim = (f"${n}::{kind}" for n, kind in enumerate(_TYPES, first))
    return (
        f"INSERT INTO outbox ({', '.join(_COLUMNS)}) "  # noqa: S608 - names above
        f"SELECT {', '.join(given)}, coalesce({tenant}, current_setting('septet.tenant', true), ''), "
        f"clock_timestamp() + {claim}"
        f"{f' FROM {source}' if source else ''} ON CONFLICT (event_id) DO NOTHING"
    )


@dataclass(frozen=True, kw_only=True)
class OutboxEmit(Emit):
    """An event whose outbox row this process claims. Its bytes, topic and trace context are those of the row."""

    id: UUID
    address: str
    stored: bytes
    headers: str
    holder: str
    claim: Claim

    @property
    def row(self) -> tuple[object, ...]:
        """What :func:`put_outbox` writes."""
        return (
            self.id, self.address, self.record_key, self.stored, self.headers, self.holder, self.tenant, CLAIM,
        )  # fmt: skip

    def to_record(self, _: Tenants) -> Record:
        """The row as a record."""
        return row_record(self.id, self.address, self.record_key, self.stored, self.claim)


def row_record(event_id: UUID, topic: str, key: bytes | None, value: bytes, claim: Claim) -> Record:
    """The record of an outbox row that is sent under ``claim``."""
    return Record(topic, key, value, event_headers(str(event_id)), claim)
