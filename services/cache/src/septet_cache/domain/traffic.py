"""Logged traffic: requests as the cache processed them, and what became of their answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from septet_contracts import Ask, CacheInfo, Embedding, Missed, Outcome, Release

from septet_cache.domain.admission import CLEAN_DECISIONS, refusal
from septet_cache.domain.scope import Slot, slot_of


@dataclass(frozen=True)
class LoggedRequest:
    """A request with the cache's decision.

    Attributes:
        at: timestamp of the request's record.
        ask: the question and its options, after the input rails: personal data is masked.
        clean: whether the input rails allow a lookup (see ``CLEAN_DECISIONS``).
        cache: the decision of the lookup.
        released_at: time of the release; None if no release was read.
        refused: why the answer may not be stored; None if it may.
    """

    tenant: str
    request_id: str
    at: datetime
    ask: Ask
    language: str | None
    policy_version: str
    clean: bool
    slot: Slot
    cache: CacheInfo
    embedding: Embedding | None = None
    released_at: datetime | None = None
    refused: str | None = None

    @property
    def is_hit(self) -> bool:
        return self.cache.status.startswith("hit")

    @property
    def stored_at(self) -> datetime | None:
        """When an answer was stored in this request's slot, as far as this request shows it."""
        if self.is_hit:
            same_slot = self.cache.entry_id == self.slot.name
            return self.at - timedelta(seconds=self.cache.age_s or 0) if same_slot else None
        return self.released_at if self.refused is None else None

    def with_release(self, release: Release) -> LoggedRequest:
        """Join the request with the release of its answer."""
        return replace(self, released_at=release.occurred_at, refused=refusal(release))


def logged_request(event: Missed | Outcome, release: Release | None) -> LoggedRequest | None:
    """Join an event of the cache with its release; None if another stage made the outcome.

    A request of an evaluation run is no traffic and gives None too.
    """
    if event.ask.evaluation is not None:
        return None
    if event.cache is None or (isinstance(event, Outcome) and event.answer_kind != "cached"):
        return None
    request = LoggedRequest(
        tenant=event.tenant,
        request_id=event.request_id,
        at=event.accepted_at,
        ask=event.ask,
        language=event.language,
        policy_version=event.policy_version,
        clean=all(v.decision in CLEAN_DECISIONS for v in event.verdicts),
        slot=slot_of(event.ask, event.policy_version, event.language),
        cache=event.cache,
        embedding=event.embedding,
    )
    return request.with_release(release) if release else request
