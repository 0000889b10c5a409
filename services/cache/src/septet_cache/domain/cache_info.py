"""Explanations for the client: why a hit was safe, or why the nearest answer was not served."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from septet_contracts import CacheCheck, CacheInfo

from septet_cache.domain.entry import Entry
from septet_cache.domain.paraphrase import Verification
from septet_cache.domain.scope import Slot

_SIMILARITY_DIGITS = 4


def exact_hit(entry: Entry, now: datetime, *, keyed: bool) -> CacheInfo:
    """Explain a hit by normal form or by the client's key."""
    same = "the same key" if keyed else "the same question"
    check = CacheCheck(name="key" if keyed else "normal_form", passed=True, detail=same)
    return CacheInfo(
        status="hit_key" if keyed else "hit_exact",
        reason=f"{same.capitalize()}, in the same scope, was answered {_ago(entry, now)}; "
        f"{_passed(entry)}{_unchanged(entry)}.",
        entry_id=entry.slot.name,
        matched_question=entry.question,
        similarity=None if keyed else 1.0,
        checks=(check,),
        age_s=_age(entry, now),
    )


def semantic_hit(verification: Verification, now: datetime) -> CacheInfo:
    """Explain a hit by meaning."""
    entry = verification.candidate.entry
    return CacheInfo(
        status="hit_semantic",
        reason=f"Same meaning as a question that was answered {_ago(entry, now)}: names, numbers, negation, word order "
        f"and question type agree, with probability {verification.probability:.2f}; {_passed(entry)}.",
        age_s=_age(entry, now),
        **_nearest(verification),
    )


def miss(slot: Slot, reason: str = "No answer to a similar question is stored.") -> CacheInfo:
    """Explain a miss. ``entry_id`` names the slot in which admission stores the answer."""
    return CacheInfo(status="miss", reason=reason, entry_id=slot.name)


def near_miss(slot: Slot, verification: Verification) -> CacheInfo:
    """Explain why the nearest answer was not served: the check that failed."""
    failed = verification.failed_check
    why = f"{failed.name.replace('_', ' ')}: {failed.detail}" if failed else "not safe"
    return CacheInfo(
        status="miss",
        reason=f"The nearest stored answer was not served ({why}).",
        **(_nearest(verification) | {"entry_id": slot.name}),
    )


def _nearest(verification: Verification) -> dict[str, Any]:
    entry = verification.candidate.entry
    return {
        "entry_id": entry.slot.name,
        "matched_question": entry.question,
        "similarity": round(verification.candidate.similarity, _SIMILARITY_DIGITS),
        "checks": verification.checks,
    }


def _age(entry: Entry, now: datetime) -> float:
    return round(max(0.0, (now - entry.created_at).total_seconds()), 3)


def _ago(entry: Entry, now: datetime) -> str:
    seconds = _age(entry, now)
    if seconds < 120:
        return f"{seconds:.0f} s ago"
    return f"{seconds / 60:.0f} min ago" if seconds < 7200 else f"{seconds / 3600:.0f} h ago"


def _passed(entry: Entry) -> str:
    return f"the answer passed {len(entry.verdicts)} rails and has {len(entry.scores)} scores"


def _unchanged(entry: Entry) -> str:
    return f", and none of its documents ({len(entry.lineage)}) has changed" if entry.lineage else ""


def unclean(decision: str) -> str:
    """Explain why a question with this guardrail decision is not looked up."""
    if decision == "mask":
        return "Personal data was masked: masked questions of different people can look the same."
    if decision == "contain":
        return "The question may be an attack: it gets no stored answer, and its answer is not stored."
    return f"A guardrail decided {decision!r}, so no stored answer is served."
