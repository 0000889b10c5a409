"""Revocation: remove answers after a document change or negative feedback."""

from __future__ import annotations

from datetime import UTC, datetime

from septet_contracts import DocumentChanged, Label
from septet_kit.observe import get_logger
from septet_kit.offload import Offload

from septet_cache.domain.entry import Veto, answer_digest
from septet_cache.domain.normalise import digest, normal_form
from septet_cache.domain.scope import Slot
from septet_cache.ports import EntryStore
from septet_cache.telemetry import count_revoked

log = get_logger()

_offload = Offload(inline=8_192)


class Revocation:
    """Revokes entries, and vetoes answers so that they are not admitted again."""

    def __init__(self, store: EntryStore) -> None:
        self._store = store

    async def document_changed(self, event: DocumentChanged) -> None:
        """Revoke entries that were made from another content of the document."""
        content_hash = None if event.change == "deleted" else event.content_hash
        entries = await self._store.document_changed(
            event.tenant, event.document_id, content_hash, event.occurred_at, event.event_id
        )
        _record(entries, f"document_{event.change}", event.tenant)

    async def negative_feedback(self, label: Label) -> None:
        """Veto the labelled answer and, if a document was flagged, every answer that was made from it."""
        now = datetime.now(UTC)
        if label.flagged_document_id is not None:
            entries = await self._store.flag_document(
                label.tenant, label.flagged_document_id, "a source was flagged", label.event_id, now
            )
            _record(entries, "flagged_source", label.tenant)
        veto = await _offload(len(label.question or "") + len(label.answer or ""), _veto, label)
        _record(await self._store.veto(veto, label.event_id, now), "feedback", label.tenant)


def _record(entries: int, cause: str, tenant: str) -> None:
    if entries:
        count_revoked(cause, entries)
        log.info("revoked", tenant=tenant, cause=cause, entries=entries)


def _veto(label: Label) -> Veto:
    return Veto(
        label.tenant,
        f"negative feedback ({label.kind})",
        label.request_id,
        form=digest(normal_form(label.question)) if label.question else None,
        answer_digest=answer_digest(label.answer) if label.answer else None,
        slot=Slot.parse(label.cache_entry_id),
    )
