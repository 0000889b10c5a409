"""Advice: what the cache served in logged traffic, what it could serve, and at what risk."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict
from septet_kit.calibration import values_of
from septet_kit.embedding_models import base_name
from septet_kit.settings import KitSettings

from septet_cache.domain.admission import is_volatile
from septet_cache.domain.classifier import FittedClassifiers
from septet_cache.domain.findings import Cause, Finding, Rules, explain
from septet_cache.domain.items import item_groups
from septet_cache.domain.normalise import normal_form
from septet_cache.domain.traffic import LoggedRequest
from septet_cache.settings import CacheSettings

NEAR = 0.95
"""Similarity from which a cache without verification would serve a stored answer."""
EXAMPLES = 5
_COVERED = 0.9
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Unserved(_Model):
    """Requests that were not served, by cause and detail; ``repeats`` is the number of repeated questions."""

    cause: Cause
    detail: str
    requests: int
    repeats: int


class SimilarPair(_Model):
    """Two similar questions."""

    question: str
    earlier: str
    similarity: float | None


class RefusedPairs(_Model):
    """Requests that were similar to an earlier one and failed one check.

    ``near`` is the number of pairs with a similarity of at least ``NEAR``; ``example`` is the most similar pair.
    """

    check: str
    requests: int
    near: int
    example: SimilarPair


class Items(_Model):
    """One question about several items, without a cache key."""

    requests: int
    items: int
    examples: tuple[str, ...]


class Expired(_Model):
    """Repeats of questions whose answers had expired; ``lifetime`` would have covered nine tenths of them."""

    volatile: bool
    requests: int
    lifetime: timedelta


class Advice(_Model):
    """The report on logged traffic.

    Attributes:
        since, until: times of the first and the last request; None without requests.
        requests: number of requests that reached the cache.
        questions: number of different questions after normalisation.
        repeats: requests that repeat an earlier one, by how: ``exact``, ``key`` or ``meaning``.
        served: hits by cache status.
        servable: hits, and repeats that the rules allow to serve if an answer is stored and live.
        unserved: the other requests by cause.
        by_meaning: semantic hits, and repeats with the same meaning; the least similar pairs.
        refused: similar questions that were not served, by the check that failed.
    """

    since: datetime | None
    until: datetime | None
    requests: int
    questions: int
    repeats: dict[str, int]
    served: dict[str, int]
    servable: int
    unserved: tuple[Unserved, ...]
    by_meaning: tuple[SimilarPair, ...]
    refused: tuple[RefusedPairs, ...]
    items: tuple[Items, ...]
    expired: tuple[Expired, ...]


SERVABLE: frozenset[Cause] = frozenset(
    {"bypassed", "refreshed", "not_released", "not_admitted", "expired", "gone"}
)
"""Causes of a miss that the rules of the cache do not require: the earlier answer could have been served."""


def rules_of(settings: CacheSettings, shared: KitSettings | None = None) -> Rules:
    """Return the settings that decide about hits.

    Args:
        settings: those of the cache.
        shared: those of all services, which name a calibration file.

    Raises:
        Permanent: the calibration file is invalid or belongs to another model.
    """
    fitted = values_of(shared, "cache", FittedClassifiers) if shared else None
    rules = Rules(
        settings.ttl, settings.volatile_ttl, settings.semantic, settings.candidates, settings.strictness
    )
    if shared is None or fitted is None:
        return rules
    return replace(rules, model=base_name(shared.embeddings_model), classifiers=fitted.models)


def advise(requests: Sequence[LoggedRequest], rules: Rules) -> Advice:
    """Report on logged requests. Texts of questions are those after the input rails."""
    findings = explain(requests, rules)
    served = Counter(f.request.cache.status for f in findings if f.cause == "served")
    could = sum(1 for f in findings if f.repeats and f.cause in SERVABLE)
    return Advice(
        since=findings[0].request.at if findings else None,
        until=findings[-1].request.at if findings else None,
        requests=len(findings),
        questions=len({(f.request.tenant, normal_form(f.request.ask.query)) for f in findings}),
        repeats=dict(Counter(f.repeats for f in findings if f.repeats)),
        served=dict(served),
        servable=served.total() + could,
        unserved=_unserved(findings),
        by_meaning=_by_meaning(findings),
        refused=_refused(findings),
        items=_items(findings),
        expired=tuple(found for volatile in (False, True) if (found := _expired(findings, volatile))),
    )


def _unserved(findings: Sequence[Finding]) -> tuple[Unserved, ...]:
    """Count by cause and detail. Numbers in a reason are left out, so that equal reasons are counted together."""
    groups: dict[tuple[Cause, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.cause != "served":
            detail = "" if finding.cause == "similar" else _NUMBER.sub("…", finding.detail)
            groups[finding.cause, detail].append(finding)
    found = [
        Unserved(cause=c, detail=d, requests=len(group), repeats=sum(1 for f in group if f.repeats))
        for (c, d), group in groups.items()
    ]
    return tuple(sorted(found, key=lambda u: (-u.requests, u.cause, u.detail)))


def _by_meaning(findings: Sequence[Finding]) -> tuple[SimilarPair, ...]:
    pairs = set()
    for f in findings:
        cache = f.request.cache
        if cache.status == "hit_semantic" and cache.matched_question is not None:
            pairs.add((f.request.ask.query, cache.matched_question, cache.similarity))
        elif f.repeats == "meaning" and f.earlier is not None:
            pairs.add((f.request.ask.query, f.earlier, f.similarity))
    least = sorted(pairs, key=lambda p: (p[2] or 0.0, p[0], p[1]))[:EXAMPLES]
    return tuple(SimilarPair(question=q, earlier=e, similarity=s) for q, e, s in least)


def _refused(findings: Sequence[Finding]) -> tuple[RefusedPairs, ...]:
    groups: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.cause == "similar":
            groups[finding.detail].append(finding)
    found = []
    for check, group in groups.items():
        top = max(group, key=lambda f: f.similarity or 0.0)
        pair = SimilarPair(
            question=top.request.ask.query, earlier=top.earlier or "", similarity=top.similarity
        )
        near = sum(1 for f in group if (f.similarity or 0.0) >= NEAR)
        found.append(RefusedPairs(check=check, requests=len(group), near=near, example=pair))
    return tuple(sorted(found, key=lambda r: (-r.near, -r.requests, r.check)))


def _items(findings: Sequence[Finding]) -> tuple[Items, ...]:
    asked = [
        f.request.ask.query
        for f in findings
        if f.cause in ("similar", "new") and f.request.ask.cache.key is None
    ]
    groups = item_groups(asked)[:EXAMPLES]
    return tuple(Items(requests=g.requests, items=g.items, examples=g.examples) for g in groups)


def _expired(findings: Sequence[Finding], volatile: bool) -> Expired | None:
    gaps = sorted(
        f.gap
        for f in findings
        if f.cause == "expired" and f.gap is not None and is_volatile(f.request.ask.query) == volatile
    )
    if not gaps:
        return None
    enough = gaps[min(len(gaps) - 1, int(_COVERED * len(gaps)))]
    return Expired(volatile=volatile, requests=len(gaps), lifetime=enough)
