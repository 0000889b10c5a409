"""An event in the outbox: its row, and the record that is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from septet_kit.events import Emit
from septet_kit.record import Claim, Record, event_headers
from septet_kit.store.claim import CLAIM
from septet_kit.tenants import Tenants

_COLUMNS = ("event_id", "topic", "key", "value", "headers", "claimed_by", "tenant", "claimed_until")
_TYPES = ("uuid", "text", "bytea", "bytea", "jsonb", "text", "text", "interval")
_VARYING = 5
"""The first columns differ between the events of one effect. The others are the same for all of them."""


def put_outbox() -> str:
    """SQL that writes an outbox row from :attr:`OutboxEmit.row`."""
    *given, tenant, claim = (f"${n}::{kind}" for n, kind in enumerate(_TYPES, 1))
    return (
        f"INSERT INTO outbox ({', '.join(_COLUMNS)}) "
        f"SELECT {', '.join(given)}, coalesce({tenant}, current_setting('septet.tenant', true), ''), "
        f"clock_timestamp() + {claim} ON CONFLICT (event_id) DO NOTHING"
    )


@dataclass(frozen=True, kw_only=True)
class OutboxEmit(Emit):
    """An event whose outbox row this process claims. Its topic and trace context are those of the row.

    ``stored`` are the row's bytes. ``sent`` are the record's bytes, which differ if the event has a sealed text.
    """

    id: UUID
    address: str
    stored: bytes
    sent: bytes = field(repr=False)
    headers: str
    holder: str
    claim: Claim

    @property
    def row(self) -> tuple[object, ...]:
        """What :func:`put_outbox` writes."""
        return (
            self.id,
            self.address,
            self.record_key,
            self.stored,
            self.headers,
            self.holder,
            self.tenant,
            CLAIM,
        )

    def to_record(self, _: Tenants) -> Record:
        """The record of the row."""
        return row_record(self.id, self.address, self.record_key, self.sent, self.claim)


def put_outbox_rows(first: int, source: str) -> str:
    """SQL that writes outbox rows from :func:`outbox_rows`, which are its parameters from ``$first`` on.

    They are written only if ``source``, a part of the same statement, has a row. The effect and its events are then one
    statement, which is one round trip and one transaction, with as many parameters as for a single event.
    """
    arrays = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(_TYPES[:_VARYING], first))
    holder, tenant, claim = (f"${n}::{kind}" for n, kind in enumerate(_TYPES[_VARYING:], first + _VARYING))
    return (
        f"INSERT INTO outbox ({', '.join(_COLUMNS)}) "  # noqa: S608 - names above
        f"SELECT event.*, {holder}, {tenant}, clock_timestamp() + {claim} FROM {source}, unnest({arrays}) AS event "
        "ON CONFLICT (event_id) DO NOTHING"
    )


def outbox_rows(emits: Sequence[OutboxEmit]) -> tuple[object, ...]:
    """What :func:`put_outbox_rows` writes: events of one tenant, sealed by this process."""
    columns = list(zip(*(emit.row for emit in emits), strict=True))
    return (*map(list, columns[:_VARYING]), *(column[0] for column in columns[_VARYING:]))


def row_record(event_id: UUID, topic: str, key: bytes | None, value: bytes, claim: Claim) -> Record:
    """The record of an outbox row that is sent under ``claim``."""
    return Record(topic, key, value, event_headers(str(event_id)), claim)
