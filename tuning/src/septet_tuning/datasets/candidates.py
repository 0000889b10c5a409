"""Candidate rows of each kind, from evidence."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from septet_contracts import Passage

from septet_tuning.datasets.duplicates import comparable
from septet_tuning.datasets.evidence import UNJUDGED, Evidence, Judgement
from septet_tuning.rows import (
    AnyRow,
    Classified,
    Demonstration,
    Desirability,
    GuardExample,
    Kind,
    Message,
    Origin,
    Preference,
    Triple,
)

_MARK = re.compile(r"\s*(?P<what>class|miss)\s*:\s*(?P<name>[\w.\- ]{1,128}?)\s*", re.IGNORECASE)
"""A comment that marks an example: ``class: NAME``, or ``miss: RAIL``."""


def candidates(
    kind: Kind, evidence: Sequence[Evidence], *, traffic: bool, refused: Counter[str]
) -> list[AnyRow]:
    """The candidate rows of a kind.

    Args:
        kind: the kind.
        evidence: requests, with what was shown and how users judged it.
        traffic: whether answers without feedback count, with the weight ``UNJUDGED``.
        refused: counts the requests that were left out, by reason.
    """
    used = [each for each in evidence if kind == "guard" or _is_usable(each, refused)]
    if kind == "preference":
        return [*_corrected(used), *_compared(used)]
    return [row for each in used for row in _MAKERS[kind](each, traffic)]


def _is_usable(evidence: Evidence, refused: Counter[str]) -> bool:
    status = evidence.release.status
    is_corrected = status == "abstained" and any(each.correction for each in evidence.judgements)
    if status != "answered" and not is_corrected:
        refused[status] += 1
        return False
    if evidence.outcome.answer_kind == "none" and evidence.outcome.retrieval is None:
        refused["small talk"] += 1
        return False
    return True


def _demonstrations(evidence: Evidence, traffic: bool) -> Iterator[AnyRow]:
    for judgement in evidence.judgements:
        if judgement.correction:
            messages = (*_prompt(evidence), Message(role="assistant", content=judgement.correction))
            yield Demonstration(
                messages=messages, **_common(evidence, judgement, "sft", judgement.correction_weight)
            )
        elif judgement.value > 0 and evidence.release.answer:
            messages = (*_prompt(evidence), Message(role="assistant", content=evidence.release.answer))
            yield Demonstration(messages=messages, **_common(evidence, judgement, "sft", judgement.value))
    if traffic and not evidence.judgements and evidence.release.answer:
        messages = (*_prompt(evidence), Message(role="assistant", content=evidence.release.answer))
        yield Demonstration(messages=messages, **_common(evidence, None, "sft", UNJUDGED))


def _desirabilities(evidence: Evidence, traffic: bool) -> Iterator[AnyRow]:
    del traffic  # An answer without feedback has no class.
    answer = evidence.release.answer
    for judgement in evidence.judgements:
        if judgement.value and answer and evidence.release.status == "answered":
            yield Desirability(
                prompt=_prompt(evidence),
                completion=answer,
                label=judgement.value > 0,
                **_common(evidence, judgement, "kto", abs(judgement.value)),
            )


def _corrected(evidence: Iterable[Evidence]) -> Iterator[AnyRow]:
    for each in evidence:
        shown = each.release.answer
        for judgement in each.judgements:
            if judgement.correction and shown and comparable(shown) != comparable(judgement.correction):
                yield Preference(
                    prompt=_prompt(each),
                    chosen=judgement.correction,
                    rejected=shown,
                    **_common(each, judgement, "preference", judgement.correction_weight),
                )


def _compared(evidence: Iterable[Evidence]) -> Iterator[AnyRow]:
    """Pairs of answers to one question, of which the same user liked one and not the other, as after a regeneration."""
    judged: dict[tuple[str, ...], list[tuple[Evidence, Judgement]]] = defaultdict(list)
    for each in evidence:
        if each.release.status != "answered" or not each.release.answer:
            continue
        for judgement in each.judgements:
            if judgement.value and judgement.user is not None:
                asked = "\n".join(comparable(message.content) for message in _prompt(each))
                judged[each.outcome.tenant, judgement.user, asked].append((each, judgement))
    for answers in judged.values():
        liked = [found for found in answers if found[1].value > 0]
        disliked = [found for found in answers if found[1].value < 0]
        for (good, first), (bad, second) in zip(liked, disliked, strict=False):
            chosen, rejected = good.release.answer or "", bad.release.answer or ""
            if comparable(chosen) != comparable(rejected):
                weight = min(first.value, -second.value)
                yield Preference(
                    prompt=_prompt(good),
                    chosen=chosen,
                    rejected=rejected,
                    **_common(good, first, f"compared:{bad.outcome.request_id}", weight),
                )


def _triples(evidence: Evidence, traffic: bool) -> Iterator[AnyRow]:
    cited = {source.passage_id for source in evidence.release.sources if source.cited}
    judgements: list[Judgement | None] = list(evidence.judgements)
    if traffic and not judgements:
        judgements = [None]
    for judgement in judgements:
        flagged = judgement.flagged if judgement else frozenset()
        value = judgement.value if judgement else UNJUDGED
        if value <= 0 and not flagged:
            continue
        good = [
            p for p in evidence.outcome.passages if p.passage_id in cited and p.document_id not in flagged
        ]
        bad = [p for p in evidence.outcome.passages if p.passage_id not in cited or p.document_id in flagged]
        for passage in good:
            yield Triple(
                question=evidence.outcome.ask.query,
                positive=passage.text,
                negatives=tuple(p.text for p in bad if p.text != passage.text),
                **_common(
                    evidence,
                    judgement,
                    f"triple:{passage.passage_id}",
                    abs(value) or UNJUDGED,
                    (passage, *bad),
                ),
            )


def _guard_examples(evidence: Evidence, traffic: bool) -> Iterator[AnyRow]:
    """False alarms: a blocked question that a user rejects. Misses: a comment ``miss: RAIL``."""
    del traffic  # A decision without feedback is neither right nor wrong.
    blocked = sorted(
        {v.rail for v in evidence.outcome.verdicts if v.stage == "input" and v.decision == "block"}
    )
    for judgement in evidence.judgements:
        text = evidence.outcome.ask.query
        if evidence.release.status == "blocked" and judgement.value:
            for rail in blocked:
                yield GuardExample(
                    rail=rail,
                    text=text,
                    label="pass" if judgement.value < 0 else "block",
                    decided="block",
                    **_common(evidence, judgement, f"guard:{rail}", abs(judgement.value)),
                )
        for rail in _marks(judgement, "miss"):
            if rail not in blocked:
                yield GuardExample(
                    rail=rail,
                    text=text,
                    label="block",
                    decided="pass",
                    **_common(evidence, judgement, f"guard:{rail}", abs(judgement.value) or 0.5),
                )


def _classified(evidence: Evidence, traffic: bool) -> Iterator[AnyRow]:
    del traffic  # A question without a comment has no class.
    for judgement in evidence.judgements:
        for name in _marks(judgement, "class")[-1:]:
            common = _common(evidence, judgement, "class", 0.5)
            yield Classified(text=evidence.outcome.ask.query, label=name, **common)


_MAKERS: Mapping[Kind, Callable[[Evidence, bool], Iterator[AnyRow]]] = {
    "sft": _demonstrations,
    "kto": _desirabilities,
    "triples": _triples,
    "guard": _guard_examples,
    "classification": _classified,
}


def _marks(judgement: Judgement, what: str) -> list[str]:
    found = [match for text in judgement.comments if (match := _MARK.fullmatch(text))]
    return [match["name"].strip() for match in found if match["what"].lower() == what]


def _prompt(evidence: Evidence) -> tuple[Message, ...]:
    ask = evidence.outcome.ask
    earlier = tuple(Message(role=message.role, content=message.content) for message in ask.history)
    return (*earlier, Message(role="user", content=ask.query))


def _common(
    evidence: Evidence,
    judgement: Judgement | None,
    part: str,
    weight: float,
    passages: Sequence[Passage] | None = None,
) -> dict[str, Any]:
    """The fields of all kinds. ``passages`` are those that the row contains; by default all that the answer rests on."""
    outcome = evidence.outcome
    shown = outcome.passages if passages is None else passages
    documents = dict.fromkeys((passage.document_id, passage.content_hash) for passage in shown)
    user = judgement.user if judgement else None
    name = "\x1f".join((outcome.tenant, outcome.request_id, user or "", part))
    return {
        "id": hashlib.sha256(name.encode()).hexdigest()[:24],
        "weight": weight,
        "language": outcome.language,
        "origin": Origin(
            source="feedback" if judgement else "traffic",
            tenant=outcome.tenant,
            request_id=outcome.request_id,
            conversation_id=outcome.conversation_id,
            user=user,
            documents=tuple(documents),
            occurred_at=outcome.accepted_at.isoformat(),
        ),
    }
