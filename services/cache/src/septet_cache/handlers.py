"""Handlers of the cache's topics, one class per topic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from septet_contracts import DocumentChanged, Label, Missed, Outcome, Release, Screened
from septet_kit import Context, Emit, advance
from septet_kit.observe import get_logger

from septet_cache import telemetry
from septet_cache.application.admission import Admission
from septet_cache.application.lookup import Lookup, LookupResult
from septet_cache.application.revocation import Revocation
from septet_cache.domain.entry import Entry

STAGE = "cache"
log = get_logger()


@dataclass(frozen=True)
class ScreenedHandler:
    """Looks up a question: emits an outcome on a hit, else ``missed`` with the question's embedding."""

    lookup: Lookup

    async def __call__(self, event: Screened, ctx: Context) -> Sequence[Emit]:
        """Handle one record of ``screened``."""
        with telemetry.lookup_span() as current:
            result = await self.lookup.find(event)
            telemetry.record_lookup(current, result.info)
        if result.entry is not None:
            return [Emit("outcomes", _hit(event, result.entry, result, ctx))]
        missed = advance(
            event,
            Missed,
            ctx,
            stage=STAGE,
            cache=result.info,
            question_vector=result.embedding,
            degraded=(*event.degraded, *result.degraded),
        )
        return [Emit("missed", missed)]


@dataclass(frozen=True)
class ReleasesHandler:
    """Admits released answers to the cache."""

    admission: Admission

    async def __call__(self, event: Release, ctx: Context) -> Sequence[Emit]:
        """Handle one record of ``releases``."""
        refused = await self.admission.admit(event)
        telemetry.count_admission(admitted=not refused)
        known = {"request_id": event.request_id, "tenant": event.tenant}
        log.info("admission", **known, kept=not refused, reason=refused)
        return []


@dataclass(frozen=True)
class DocumentsChangedHandler:
    """Revokes answers that were made from a deleted or changed document."""

    revocation: Revocation

    async def __call__(self, event: DocumentChanged, ctx: Context) -> Sequence[Emit]:
        """Handle one record of ``documents-changed``."""
        await self.revocation.document_changed(event)
        return []


@dataclass(frozen=True)
class LabelsHandler:
    """Revokes answers with explicit negative feedback."""

    revocation: Revocation

    async def __call__(self, event: Label, ctx: Context) -> Sequence[Emit]:
        """Handle one record of ``labels``."""
        if event.explicit and event.polarity == "negative":
            await self.revocation.negative_feedback(event)
        return []


def _hit(event: Screened, entry: Entry, result: LookupResult, ctx: Context) -> Outcome:
    return advance(
        event,
        Outcome,
        ctx,
        stage=STAGE,
        item="hit",
        status="answered",
        origin=STAGE,
        answer=entry.answer,
        answer_kind="cached",
        passages=entry.passages,
        cache=result.info,
        answerability=entry.answerability,
        question_vector=result.embedding,
        model=entry.model,
        prompt_version=entry.prompt_version,
    )
