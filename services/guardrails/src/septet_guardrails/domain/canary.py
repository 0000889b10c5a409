"""Selects the requests that the candidate of a canary answers."""

from __future__ import annotations

from datetime import datetime

from septet_contracts import Ask, Canary
from septet_kit.shares import is_selected


def with_candidate(
    ask: Ask, canary: Canary | None, tenant: str, conversation_id: str | None, request_id: str, now: datetime
) -> Ask:
    """The question with the candidate's model alias or policy, if the request belongs to the canary; else unchanged.

    Requests of evaluation runs, requests that name another model or policy, and those of other tenants do not take part. A
    canary that nobody renews ends at its expiry.
    """
    if canary is None or ask.evaluation is not None or canary.expires_at <= now:
        return ask
    if getattr(ask, canary.field) != canary.live or (canary.tenants and tenant not in canary.tenants):
        return ask
    if not is_selected(canary.share, tenant, conversation_id, request_id, canary.run):
        return ask
    return ask.model_copy(update={canary.field: canary.candidate})
