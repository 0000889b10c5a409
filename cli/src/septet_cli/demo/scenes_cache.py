"""Scenes about the cache: when it serves, when it does not, and how answers leave it."""

from __future__ import annotations

import asyncio

from septet_contracts import Response

from septet_cli.demo.corpus import Fact
from septet_cli.demo.scenes_answers import FIRST, IN_OTHER_WORDS
from septet_cli.demo.session import Session, cache_status, documents_of, is_hit, release_of
from septet_cli.ingest.publish import deletion, publish_documents
from septet_cli.labels import send_feedback

SETTLE_S = 1.0
TRIES = 6
OPPOSITES = (
    ("What does heapq.nlargest do?", "What does heapq.nsmallest do?"),
    ("What does str.upper do?", "What does str.lower do?"),
    ("What does json.dumps do?", "What does json.loads do?"),
)


async def _until(s: Session, question: str, *, hit: bool) -> Response:
    """Ask until the cache has taken in what was just decided (it reads the log, as everyone does)."""
    for _ in range(TRIES - 1):
        await asyncio.sleep(SETTLE_S)
        response = await s.ask(question, show=False)
        if is_hit(response) == hit:
            return response
    return await s.ask(question, show=False)


async def served(s: Session) -> None:
    """The same question, and a paraphrase of it."""
    s.scene("The same question again, and in other words")
    question = FIRST
    before = s.answers.get(question)
    again = await _until(s, question, hit=True)
    s.note(_why(again))
    s.checks.that(
        "same question: from the cache, and why that was safe",
        cache_status(again) == "hit_exact" and bool(again.cache and again.cache.reason),
        expected="hit_exact with a reason",
        got=f"{cache_status(again)} ({await _admission(s, before)})",
    )
    s.checks.that(
        "the same answer, with its sources",
        before is not None and again.answer == before.answer and bool(again.sources),
        expected="the answer given before",
        got=again.answer,
    )
    other = await s.ask(IN_OTHER_WORDS, show=False)
    s.note(_why(other))
    checks = other.cache.checks if other.cache else ()
    s.checks.that(
        "paraphrase: from the cache, each check passed",
        cache_status(other) == "hit_semantic" and bool(checks) and all(c.passed for c in checks),
        expected="hit_semantic with its checks",
        got=_why(other),
    )


async def not_served(s: Session) -> None:
    """Two questions that differ in one word and in meaning."""
    s.scene("A near-identical question with another meaning")
    kept, opposite, first = await _admitted_pair(s)
    again = await _until(s, kept, hit=True)
    other = await s.ask(opposite, show=False)
    s.note(_why(other))
    s.checks.that(
        f"in the cache: {kept}",
        is_hit(again),
        expected="a hit",
        got=f"{cache_status(again)} ({await _admission(s, first)})",
    )
    matched = other.cache.matched_question if is_hit(other) and other.cache else None
    s.checks.that(
        f"not served from there: {opposite}",
        matched != kept and other.answer != first.answer,
        expected="an answer of its own",
        got=_why(other),
    )


async def _admitted_pair(s: Session) -> tuple[str, str, Response]:
    """A pair of which the first question's answer was good enough for the cache: a small model has bad days."""
    for pair in OPPOSITES:
        response = await s.ask(pair[0], cache="refresh", show=False)
        release = await release_of(s, response)
        if release is not None and release.admissible:
            break
    return *pair, response


async def deleted(s: Session) -> None:
    """A document goes, and takes the answers that rested on it along."""
    s.scene("A document is deleted")
    fact = s.facts[0]
    first, again = await _answer_and_cache(s, fact)
    s.checks.that(
        "answered from the document, then from the cache",
        fact.document.document_id in documents_of(first) and is_hit(again),
        expected="its document among the sources, then a hit",
        got=f"{first.status} {sorted(documents_of(first))}, then {cache_status(again)} ({await _admission(s, first)})",
    )
    name = fact.document.document_id
    report = await publish_documents(s.kafka, [deletion(name)], "default", title="deleting")
    after = await _until(s, fact.question, hit=False)
    s.checks.that(
        "deleted from the indexes", report.changes["deleted"] == 1, expected="1 deleted", got=report.summary()
    )
    s.checks.that(
        "no longer retrieved",
        name not in documents_of(after),
        expected=f"sources without {name}",
        got=sorted(documents_of(after)),
    )
    s.checks.that(
        "cached answer revoked",
        not is_hit(after) and after.status == "abstained",
        expected="a miss, and abstention",
        got=f"{cache_status(after)}, {after.status}",
    )


async def thumbs_down(s: Session) -> None:
    """A user says no."""
    s.scene("Thumbs down")
    fact = s.facts[1]
    first, again = await _answer_and_cache(s, fact)
    s.checks.that(
        "in the cache before",
        is_hit(again),
        expected="a hit",
        got=f"{cache_status(again)} ({await _admission(s, first)})",
    )
    event = {
        "kind": "thumbs",
        "value": "down",
        "comment": "not what I asked",
        "tenant": "default",
        "request_id": again.request_id,
        "feedback_id": f"demo-{s.run}-down",
    }
    sent = await send_feedback(s.kafka, [event], timeout=20)
    label = sent.labels.get(event["feedback_id"], {})
    s.note(f"label: {label.get('polarity')} · “{label.get('question')}” · trace {label.get('trace_id')}")
    s.checks.that(
        "joined to the answer it was about",
        label.get("polarity") == "negative"
        and label.get("trace_id") == again.trace_id
        and bool(label.get("answer")),
        expected="a negative label with the answer and its trace",
        got=label or sent.refused or "no label in 20 s",
    )
    after = await _until(s, fact.question, hit=False)
    s.checks.that("cached answer revoked", not is_hit(after), expected="a miss", got=cache_status(after))


async def _answer_and_cache(s: Session, fact: Fact) -> tuple[Response, Response]:
    first = await s.ask(fact.question, show=False)
    return first, await _until(s, fact.question, hit=True)


def _why(response: Response) -> str:
    cache = response.cache
    if cache is None:
        return "no word of the cache"
    checks = " ".join(f"{'✓' if c.passed else '✗'}{c.name}" for c in cache.checks)
    near = f" · nearest “{cache.matched_question}”" if cache.matched_question else ""
    alike = f" · similarity {cache.similarity:.3f}" if cache.similarity is not None else ""
    return f"cache {cache.status}{near}{alike} · {cache.reason} {checks}"


async def _admission(s: Session, response: Response | None) -> str:
    release = await release_of(s, response) if response is not None else None
    if release is None:
        return "no answer"
    return "admissible" if release.admissible else f"not admissible: {release.admission_reason}"
