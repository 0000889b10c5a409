"""Findings: which logged requests repeat an earlier one, and why the cache did not serve them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
from septet_kit.embedding_models import base_name

from septet_cache.domain.admission import is_volatile
from septet_cache.domain.classifier import Classifiers, calibrated_for
from septet_cache.domain.normalise import normal_form
from septet_cache.domain.scope import scope_parts
from septet_cache.domain.similar import Pair, Question, best_pairs
from septet_cache.domain.traffic import LoggedRequest

Cause = Literal[
    "served",
    "bypassed",
    "refreshed",
    "disabled",
    "masked",
    "not_released",
    "not_admitted",
    "expired",
    "gone",
    "other_scope",
    "similar",
    "new",
]
Repeat = Literal["exact", "key", "meaning"]


SIMILAR = 0.85
"""Cosine from which a question with another meaning is reported as ``similar`` and not as ``new``.

It is the median of the nearest other question with the default embeddings model; 95 % of the repeats lie above .88.
"""


@dataclass(frozen=True)
class Rules:
    """Settings of the cache that decide about hits (see ``CacheSettings``)."""

    ttl: timedelta = timedelta(hours=24)
    volatile_ttl: timedelta = timedelta(minutes=5)
    semantic: bool = True
    candidates: int = 5
    strictness: float | None = None
    model: str | None = None
    """Embedding model of ``classifiers``."""
    classifiers: Classifiers | None = None
    """Those of a calibration file; by default the shipped ones."""

    def lifetime(self, question: str) -> timedelta:
        """Lifetime of the answer to a question."""
        return min(self.ttl, self.volatile_ttl) if is_volatile(question) else self.ttl


@dataclass(frozen=True)
class Finding:
    """One request and the cause of the cache's decision.

    Attributes:
        cause: ``served``; what the request or its rails excluded (``bypassed``, ``refreshed``, ``disabled``,
            ``masked``); why the answer to an earlier request for the same could not be served (``not_released`` in
            time, ``not_admitted``, ``expired``, ``gone``: revoked, replaced or lost); what else is known of the
            question (asked in an ``other_scope``, ``similar`` to another question, ``new``).
        repeats: how the request repeats an earlier one that may share its answer; None if it does not.
        earlier: the earlier question.
        detail: the reason against admission, the parts of the scope that differ, or the check that failed.
        gap: time since the earlier answer was stored.
        similarity: cosine of the embeddings of both questions, if they were compared.
    """

    request: LoggedRequest
    cause: Cause
    repeats: Repeat | None = None
    earlier: str | None = None
    detail: str = ""
    gap: timedelta | None = None
    similarity: float | None = None


def explain(requests: Sequence[LoggedRequest], rules: Rules) -> list[Finding]:
    """Explain the cache's decision for each request, in order of time."""
    ordered = sorted(requests, key=lambda r: (r.at, r.tenant, r.request_id))
    similar = _similar(ordered, rules)
    slots: dict[tuple[str, str], list[LoggedRequest]] = defaultdict(list)
    texts: dict[tuple[str, str], LoggedRequest] = {}
    findings = []
    for request in ordered:
        slot = (request.tenant, request.slot.name)
        text = (request.tenant, normal_form(request.ask.query))
        findings.append(_finding(request, slots, texts.get(text), similar, rules))
        slots[slot].append(request)
        texts[text] = request
    return findings


_Slots = dict[tuple[str, str], list[LoggedRequest]]
_Similar = dict[tuple[str, str], tuple[LoggedRequest, Pair]]


def _finding(
    request: LoggedRequest,
    slots: _Slots,
    same_text: LoggedRequest | None,
    similar: _Similar,
    rules: Rules,
) -> Finding:
    earlier = slots[request.tenant, request.slot.name]
    repeats: Repeat | None = ("exact" if request.ask.cache.key is None else "key") if earlier else None
    other, pair = similar.get((request.tenant, request.slot.name), (None, None))
    if not earlier and other is not None and pair is not None and pair.is_safe:
        earlier, repeats = slots[request.tenant, other.slot.name], "meaning"
    question = earlier[-1].ask.query if earlier else None
    similarity = pair.similarity if pair and repeats == "meaning" else None
    if excluded := _excluded(request):
        return Finding(request, excluded, repeats, question, similarity=similarity)
    if earlier:
        cause, detail, gap = _not_served(request, earlier, rules)
        return Finding(request, cause, repeats, question, detail, gap, similarity)
    if same_text is not None:
        return Finding(
            request, "other_scope", earlier=same_text.ask.query, detail=_differing(request, same_text)
        )
    if other is not None and pair is not None and pair.failed_check is not None:
        return _refused(request, other.ask.query, pair.failed_check.name, pair.similarity)
    return _from_lookup(request)


def _excluded(request: LoggedRequest) -> Cause | None:
    if request.is_hit:
        return "served"
    if request.cache.status == "disabled":
        return "disabled"
    if not request.clean:
        return "masked"
    if request.ask.cache.use == "bypass":
        return "bypassed"
    return "refreshed" if request.ask.cache.use == "refresh" else None


def _not_served(
    request: LoggedRequest, earlier: Sequence[LoggedRequest], rules: Rules
) -> tuple[Cause, str, timedelta | None]:
    """Return why no answer to the earlier requests was served, with the detail and the answer's age."""
    stored = [(e.stored_at, e) for e in earlier if e.stored_at is not None]
    before = [(at, e) for at, e in stored if at <= request.at]
    if before:
        at, source = max(before, key=lambda pair: pair[0])
        expired = request.at - at > rules.lifetime(source.ask.query)
        return "expired" if expired else "gone", "", request.at - at
    refused = [e.refused for e in earlier if _released_before(e, request.at) and e.refused]
    if refused:
        return "not_admitted", refused[-1], None
    return "not_released", "", None


def _released_before(request: LoggedRequest, at: datetime) -> bool:
    return request.released_at is not None and request.released_at <= at


def _differing(request: LoggedRequest, other: LoggedRequest) -> str:
    """Return the names of the scope's parts in which two requests differ."""
    left, right = (scope_parts(r.ask, r.policy_version, r.language) for r in (request, other))
    return ", ".join(name for name in left if left[name] != right[name])


def _from_lookup(request: LoggedRequest) -> Finding:
    """A question without an earlier one in the traffic: the lookup itself may have found a similar one."""
    failed = next((c for c in request.cache.checks if not c.passed), None)
    if failed is None or request.cache.matched_question is None:
        return Finding(request, "new")
    return _refused(request, request.cache.matched_question, failed.name, request.cache.similarity or 0.0)


def _refused(request: LoggedRequest, nearest: str, check: str, similarity: float) -> Finding:
    """The nearest question has another meaning. If only the classifier refused it, it is similar at any cosine."""
    if similarity < SIMILAR and check != "second_opinion":
        return Finding(request, "new")
    return Finding(request, "similar", None, nearest, check, None, similarity)


def _similar(ordered: Sequence[LoggedRequest], rules: Rules) -> _Similar:
    """Return the best earlier pair of each slot, by tenant and slot name. Requests with a key are not compared."""
    if not rules.semantic:
        return {}
    vectors = {
        (r.tenant, r.slot.name): np.asarray(r.embedding.vector, dtype=np.float32)
        for r in ordered
        if r.embedding is not None and base_name(r.embedding.model) == (rules.model or calibrated_for())
    }
    scopes: dict[tuple[str, str, int], dict[str, LoggedRequest]] = defaultdict(dict)
    for request in ordered:
        vector = vectors.get((request.tenant, request.slot.name))
        if vector is not None and request.ask.cache.key is None and request.clean:
            scope = scopes[request.tenant, request.slot.scope, len(vector)]
            scope.setdefault(request.slot.name, request)
    found: _Similar = {}
    for (tenant, *_), slots in scopes.items():
        distinct = list(slots.values())
        questions = [Question(r.ask.query, r.language, vectors[tenant, r.slot.name]) for r in distinct]
        pairs = best_pairs(questions, rules.candidates, rules.strictness, rules.classifiers)
        for request, pair in zip(distinct, pairs, strict=True):
            if pair is not None:
                found[tenant, request.slot.name] = (distinct[pair.earlier], pair)
    return found
