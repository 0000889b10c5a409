"""Rules of admission: which released answers may be stored, and for how long."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from septet_contracts import Release

from septet_cache.domain.entry import Entry
from septet_cache.domain.normalise import digest, normal_form
from septet_cache.domain.scope import Slot

_ADMITTED_KINDS = frozenset({"generated", "extractive"})
CLEAN_DECISIONS = frozenset({"pass", "flag", "fix", "reask"})
"""Decisions that allow lookup and admission. Unknown decisions allow neither."""
_VOLATILE = re.compile(
    r"\b(?:now|today|tonight|tomorrow|yesterday|currently|current|latest|newest|recent|recently|right now|"
    r"this (?:week|month|year|morning|evening)|so far|nowadays|what time|what day|what date)\b"
    r"|지금|오늘|내일|어제|현재|요즘|최신|최근|이번\s*(?:주|달|해)|올해|몇\s*시(?:야|예요|인가|입니까|\?)",
    re.IGNORECASE,
)


def refusal(release: Release) -> str | None:
    """Return the reason why a released answer may not be stored; None if it may.

    The evaluation service decides by verdicts and scores (``admissible``). These rules apply in addition: an answer is
    refused without its question's slot, if it came from the cache, if a component was down, and if personal data was
    masked, because masked questions of different people can look the same.
    """
    reasons = (
        (release.evaluation is not None, "the request belongs to an evaluation run"),
        (not release.admissible, release.admission_reason or "not admissible"),
        (release.status != "answered" or not release.answer, f"the request was {release.status}"),
        (release.answer_kind not in _ADMITTED_KINDS, f"the answer is {release.answer_kind}"),
        (bool(release.degraded), f"made while {', '.join(release.degraded)} was down"),
        (
            any(v.decision not in CLEAN_DECISIONS for v in release.verdicts),
            "personal data was masked, the question was contained, or a guardrail's decision is unknown",
        ),
        (
            release.cache is None or release.cache.status not in {"miss", "refresh"},
            "the lookup was not a miss or a refresh",
        ),
        (_mixes_versions(release), "made from two versions of one document"),
        (_slot(release) is None, "the question differs from the question of the lookup"),
    )
    return next((reason for applies, reason in reasons if applies), None)


def _mixes_versions(release: Release) -> bool:
    """Whether two passages of one document have different contents: the index changed during the search."""
    versions = {(s.document_id, s.content_hash) for s in release.sources}
    return len(versions) > len({document_id for document_id, _ in versions})


def _slot(release: Release) -> Slot | None:
    """Return the lookup's slot if the release's question or key belongs to it, else None."""
    slot = Slot.parse(release.cache.entry_id) if release.cache else None
    if slot is None or release.question is None:
        return None
    if slot.form in {digest(normal_form(release.question)), digest(f"key:{release.cache_key}")}:
        return slot
    return None


def entry_of(release: Release, ttl: timedelta, volatile_ttl: timedelta) -> Entry:
    """Return the entry of a release that :func:`refusal` admits.

    An answer to a question about the present (now, today, latest) expires after ``volatile_ttl`` at the latest.

    Raises:
        ValueError: the release has no slot, question or answer.
    """
    slot = _slot(release)
    if slot is None or release.question is None or release.answer is None:
        raise ValueError("an admitted release needs a slot, a question and an answer")
    lifetime = min(ttl, volatile_ttl) if is_volatile(release.question) else ttl
    return Entry(
        tenant=release.tenant,
        slot=slot,
        question=release.question,
        language=release.language,
        answer=release.answer,
        answer_kind="extractive" if release.answer_kind == "extractive" else "generated",
        sources=release.sources,
        verdicts=release.verdicts,
        scores=release.scores,
        answerability=release.answerability,
        policy_version=release.policy_version,
        model=release.model,
        prompt_version=release.prompt_version,
        request_id=release.request_id,
        response_event_id=str(release.response_event_id),
        created_at=release.occurred_at,
        expires_at=release.occurred_at + lifetime,
        embedding=release.question_vector,
    )


def is_volatile(question: str) -> bool:
    """Whether the answer depends on when the question is asked."""
    return bool(_VOLATILE.search(question))


def stale_sources(entry: Entry, known: dict[str, str | None]) -> str | None:
    """Return which source has changed since the answer was made; None if none has.

    ``known`` has the latest content hash by document, None for a deleted document.
    """
    for document_id, content_hash in entry.lineage.items():
        if document_id in known and known[document_id] != content_hash:
            return f"document {document_id!r} was {'deleted' if known[document_id] is None else 'changed'}"
    return None


def is_expired(entry: Entry, now: datetime) -> bool:
    """Whether the entry may no longer be served. A release that is replayed from the log may be expired already."""
    return entry.expires_at <= now
