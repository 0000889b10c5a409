"""Scenes about the cache: hits, misses and revocation."""

from __future__ import annotations

import asyncio

from septet_contracts import Response

from septet_cli.demo.corpus import Fact
from septet_cli.demo.scenes_answers import FIRST, IN_OTHER_WORDS
from septet_cli.demo.session import Session, cache_status, documents_of, is_hit, release_of
from septet_cli.ingest.publish import deletion, publish_documents
from septet_cli.labels import send_feedback

POLL_INTERVAL_S = 1.0
MAX_POLLS = 6
OPPOSITES = (
    ("What does heapq.nlargest do?", "What does heapq.nsmallest do?"),
    ("What does str.upper do?", "What does str.lower do?"),
    ("What does json.dumps do?", "What does json.loads do?"),
)


async def _poll(s: Session, question: str, *, hit: bool) -> Response:
    """Repeat the question until it is a hit (or a miss): the cache follows the log with a short delay."""
    for _ in range(MAX_POLLS - 1):
        await asyncio.sleep(POLL_INTERVAL_S)
        response = await s.ask(question, show=False)
        if is_hit(response) == hit:
            return response
    return await s.ask(question, show=False)


async def served(s: Session) -> None:
    """The same question and a paraphrase."""
    s.scene("The same question again, and in other words")
    question = FIRST
    before = s.answers.get(question)
    again = await _poll(s, question, hit=True)
    s.note(_cache_line(again))
    s.checks.that(
        "same question: exact hit, with the reason why it is safe",
        cache_status(again) == "hit_exact" and bool(again.cache and again.cache.reason),
        expected="hit_exact with a reason",
        got=f"{cache_status(again)} ({await _admission(s, before)})",
    )
    s.checks.that(
        "same answer, with its sources",
        before is not None and again.answer == before.answer and bool(again.sources),
        expected="the earlier answer",
        got=again.answer,
    )
    other = await s.ask(IN_OTHER_WORDS, show=False)
    s.note(_cache_line(other))
    checks = other.cache.checks if other.cache else ()
    s.checks.that(
        "paraphrase: semantic hit, all checks passed",
        cache_status(other) == "hit_semantic" and bool(checks) and all(c.passed for c in checks),
        expected="hit_semantic with passed checks",
        got=_cache_line(other),
    )


async def not_served(s: Session) -> None:
    """Two questions that differ in one word and in their meaning."""
    s.scene("A similar question with another meaning")
    kept, opposite, first = await _admitted_pair(s)
    again = await _poll(s, kept, hit=True)
    other = await s.ask(opposite, show=False)
    s.note(_cache_line(other))
    s.checks.that(
        f"cache hit: {kept}",
        is_hit(again),
        expected="a hit",
        got=f"{cache_status(again)} ({await _admission(s, first)})",
    )
    matched = other.cache.matched_question if is_hit(other) and other.cache else None
    s.checks.that(
        f"not answered from that entry: {opposite}",
        matched != kept and other.answer != first.answer,
        expected="an answer of its own",
        got=_cache_line(other),
    )


async def _admitted_pair(s: Session) -> tuple[str, str, Response]:
    """The first pair whose first answer is admissible to the cache; a small model fails some questions."""
    for pair in OPPOSITES:
        response = await s.ask(pair[0], cache="refresh", show=False)
        release = await release_of(s, response)
        if release is not None and release.admissible:
            break
    return *pair, response


async def deleted(s: Session) -> None:
    """Deleting a document also revokes the cached answers that used it."""
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
    after = await _poll(s, fact.question, hit=False)
    s.checks.that(
        "document deleted from the indexes",
        report.changes["deleted"] == 1,
        expected="1 deleted",
        got=report.summary(),
    )
    s.checks.that(
        "document no longer retrieved",
        name not in documents_of(after),
        expected=f"sources without {name}",
        got=sorted(documents_of(after)),
    )
    s.checks.that(
        "cached answer revoked",
        not is_hit(after) and after.status == "abstained",
        expected="a miss and status abstained",
        got=f"{cache_status(after)}, {after.status}",
    )


async def thumbs_down(s: Session) -> None:
    """Thumbs down revokes a cached answer."""
    s.scene("Thumbs down")
    fact = s.facts[1]
    first, again = await _answer_and_cache(s, fact)
    s.checks.that(
        "answered from the cache before",
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
        "feedback joined to its answer",
        label.get("polarity") == "negative"
        and label.get("trace_id") == again.trace_id
        and bool(label.get("answer")),
        expected="a negative label with the answer and its trace id",
        got=label or sent.rejected or "no label in 20 s",
    )
    after = await _poll(s, fact.question, hit=False)
    s.checks.that("cached answer revoked", not is_hit(after), expected="a miss", got=cache_status(after))


async def _answer_and_cache(s: Session, fact: Fact) -> tuple[Response, Response]:
    first = await s.ask(fact.question, show=False)
    return first, await _poll(s, fact.question, hit=True)


def _cache_line(response: Response) -> str:
    cache = response.cache
    if cache is None:
        return "no cache result"
    checks = " ".join(f"{'✓' if c.passed else '✗'}{c.name}" for c in cache.checks)
    near = f" · nearest “{cache.matched_question}”" if cache.matched_question else ""
    alike = f" · similarity {cache.similarity:.3f}" if cache.similarity is not None else ""
    return f"cache {cache.status}{near}{alike} · {cache.reason} {checks}"


async def _admission(s: Session, response: Response | None) -> str:
    release = await release_of(s, response) if response is not None else None
    if release is None:
        return "no release"
    return "admissible" if release.admissible else f"not admissible: {release.admission_reason}"
