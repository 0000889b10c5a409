"""What a client is told about the cache: why a hit was safe, or why the nearest answer was not served."""

from __future__ import annotations

from datetime import datetime

from septet_contracts import CacheCheck, CacheInfo

from septet_cache.domain.entry import Entry
from septet_cache.domain.judge import Judgement
from septet_cache.domain.scope import Slot

_SIMILARITY_DIGITS = 4


def exact_hit(entry: Entry, now: datetime, *, keyed: bool) -> CacheInfo:
    """A hit by normal form, or by the client's own key."""
    same = "the same key" if keyed else "the same question"
    return CacheInfo(
        status="hit_key" if keyed else "hit_exact",
        reason=f"{same.capitalize()}, in the same scope, was answered {_ago(entry, now)}; "
        f"{_passed(entry)}{_unchanged(entry)}.",
        entry_id=entry.slot.name, matched_question=entry.question, similarity=None if keyed else 1.0,
        checks=(CacheCheck(name="key" if keyed else "normal_form", passed=True, detail=f"{same}"),),
        age_s=_age(entry, now),
    )  # fmt: skip


def semantic_hit(judgement: Judgement, now: datetime) -> CacheInfo:
    """A hit by meaning, every check passed."""
    entry = judgement.candidate.entry
    return CacheInfo(
        status="hit_semantic",
        reason=f"Asks the same as a question answered {_ago(entry, now)}: names, numbers, negation, word order and "
        f"question type agree, and the second opinion is {judgement.probability:.2f}; {_passed(entry)}.",
        entry_id=entry.slot.name, matched_question=entry.question,
        similarity=round(judgement.candidate.similarity, _SIMILARITY_DIGITS), checks=judgement.checks,
        age_s=_age(entry, now),
    )  # fmt: skip


def miss(slot: Slot, reason: str = "No answer to a question like this one is kept.") -> CacheInfo:
    """Nothing near; the slot's name tells admission where the answer belongs."""
    return CacheInfo(status="miss", reason=reason, entry_id=slot.name)


def near_miss(slot: Slot, judgement: Judgement) -> CacheInfo:
    """The nearest kept answer, and the check that kept it from being served."""
    objection = judgement.objection
    found = f"{objection.name.replace('_', ' ')}: {objection.detail}" if objection else "not safe"
    return CacheInfo(
        status="miss",
        reason=f"The nearest kept question was not served ({found}).",
        entry_id=slot.name, matched_question=judgement.candidate.entry.question,
        similarity=round(judgement.candidate.similarity, _SIMILARITY_DIGITS), checks=judgement.checks,
    )  # fmt: skip


def _age(entry: Entry, now: datetime) -> float:
    return round(max(0.0, (now - entry.created_at).total_seconds()), 3)


def _ago(entry: Entry, now: datetime) -> str:
    seconds = _age(entry, now)
    if seconds < 120:
        return f"{seconds:.0f} s ago"
    return f"{seconds / 60:.0f} min ago" if seconds < 7200 else f"{seconds / 3600:.0f} h ago"


def _passed(entry: Entry) -> str:
    return f"the answer passed {len(entry.verdicts)} guards and {len(entry.scores)} scores"


def _unchanged(entry: Entry) -> str:
    return f", and none of its documents ({len(entry.lineage)}) has changed" if entry.lineage else ""


def unclean(decision: str) -> str:
    """Why a question with this guardrail decision is not looked up."""
    if decision == "mask":
        return "Personal data was masked: once masked, different people's questions look alike."
    return f"A guardrail decided {decision!r}, after which no kept answer is served."
