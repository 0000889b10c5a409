"""Frequent questions that the cache does not hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from septet_contracts import Ask

from septet_cache.domain.findings import Rules
from septet_cache.domain.traffic import LoggedRequest


@dataclass(frozen=True)
class Frequent:
    """A question with the number of its requests; ``ask`` is the newest of them."""

    tenant: str
    ask: Ask
    requests: int


def frequent(requests: Sequence[LoggedRequest], rules: Rules, now: datetime) -> list[Frequent]:
    """Return questions whose answers could be computed in advance, the most frequent first.

    Left out are questions with personal data, requests that bypass the cache, questions that continue a
    conversation, and questions whose newest request was a hit or has an answer that is stored until ``now``.
    """
    slots: dict[tuple[str, str], list[LoggedRequest]] = defaultdict(list)
    for request in requests:
        if request.clean and request.ask.cache.use != "bypass" and not request.ask.history:
            slots[request.tenant, request.slot.name].append(request)
    found = []
    for (tenant, _), asked in slots.items():
        newest = max(asked, key=lambda r: r.at)
        if not newest.is_hit and not any(_is_live(r, rules, now) for r in asked):
            found.append((newest.at, Frequent(tenant, newest.ask, len(asked))))
    return [question for _, question in sorted(found, key=lambda f: (-f[1].requests, -f[0].timestamp()))]


def _is_live(request: LoggedRequest, rules: Rules, now: datetime) -> bool:
    stored = request.stored_at
    return stored is not None and stored + rules.lifetime(request.ask.query) > now
