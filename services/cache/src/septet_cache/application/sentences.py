"""Sentences of the advice: what an operator or a client can change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from septet_cache.application.advice import NEAR, Advice, Expired, Unserved

_SCOPE_PARTS = {
    "history": "questions in a conversation are answered with their history",
    "policy": "a policy or its version differs",
}


def sentences(advice: Advice) -> list[str]:
    """Return the advice in sentences, the changes with the greatest effect first within each topic."""
    if not advice.requests:
        return ["No request reached the cache in this time: choose a longer one."]
    found = [*_items(advice), *_misses(advice), *_lifetimes(advice), *_risk(advice)]
    return found or ["No request repeats a question that the cache could have served and did not."]


def _items(advice: Advice) -> Iterator[str]:
    for group in advice.items:
        yield (
            f"{group.requests} requests repeat a question with another item id ({group.items} items; "
            f"“{group.examples[0]}”, “{group.examples[1]}”): give them a cache key with the item id and what "
            "is asked, so that each wording of the question about an item is a hit."
        )


def _misses(advice: Advice) -> Iterator[str]:
    for group in advice.unserved:
        if sentence := _miss(group):
            yield sentence


def _miss(group: Unserved) -> str | None:
    n = group.repeats
    asked = f"{_many(n)} a question"
    match group.cause:
        case "bypassed" if n:
            return f"{asked} and bypass{'es' if n == 1 else ''} the cache: leave out `cache.use` where a stored answer is good enough."
        case "refreshed" if n:
            return f"{asked} with `cache.use: refresh`: leave it out where a stored answer is good enough."
        case "not_admitted":
            return f"{asked} whose answer was not admitted: {group.detail}."
        case "not_released":
            return f"{asked} before an answer to it was released: compute it in advance with `septet cache warm`."
        case "gone":
            return (
                f"{asked} whose answer was stored and is gone: a document changed, feedback was negative, "
                "the model or its prompt changed, or the store was down."
            )
        case "other_scope":
            why = _SCOPE_PARTS.get(group.detail, f"they differ in {group.detail}")
            return f"{_many(group.requests)} a question of another scope: {why}. Requests share answers only if these agree."
        case "masked":
            return (
                f"{_count(group.requests)} had personal data masked, or an unknown decision of a rail: "
                "such questions are neither looked up nor stored."
            )
        case "disabled":
            return f"The cache was switched off for {_count(group.requests)}: see `SEPTET_CACHE_ENABLED`."
    return None


def _many(requests: int) -> str:
    return f"{_count(requests)} repeat{'s' if requests == 1 else ''}"


def _count(requests: int) -> str:
    return f"{requests} request{'' if requests == 1 else 's'}"


def _lifetimes(advice: Advice) -> Iterator[str]:
    for found in advice.expired:
        yield _lifetime(found)


def _lifetime(found: Expired) -> str:
    setting = "SEPTET_CACHE_VOLATILE_TTL" if found.volatile else "SEPTET_CACHE_TTL"
    about = "about the present " if found.volatile else ""
    return (
        f"{_many(found.requests)} a question {about}after its answer expired: a lifetime of {span(found.lifetime)} "
        f"covers nine tenths of them (`{setting}`). A changed document revokes its answers at any age."
    )


def _risk(advice: Advice) -> Iterator[str]:
    near = sum(group.near for group in advice.refused)
    if near:
        checks = ", ".join(f"{g.check} {g.near}" for g in advice.refused if g.near)
        yield (
            f"{_count(near)} with a similarity of {NEAR:g} or more to a question with another meaning ({checks}): "
            "a cache by similarity alone serves them a wrong answer; this one does not."
        )
    if advice.by_meaning:
        yield "Read the least similar pairs that count as the same question: a wrong one is a wrong answer."


def span(time: timedelta) -> str:
    """A duration, rounded up to minutes, hours or days."""
    minutes = -(-time.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes:.0f} min"
    return f"{-(-minutes // 60):.0f} h" if minutes < 48 * 60 else f"{-(-minutes // 1440):.0f} days"
