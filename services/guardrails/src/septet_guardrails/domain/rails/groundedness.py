"""Rail for groundedness: the passages must support every sentence of an answer."""

from __future__ import annotations

import re
from dataclasses import dataclass

from septet_guardrails.domain.abstention import is_abstention
from septet_guardrails.domain.grounding import Evidence, Support, score_sentence
from septet_guardrails.domain.policy import GroundednessRule
from septet_guardrails.domain.rails.base import PASSED, Answer, Finding
from septet_guardrails.domain.rails.format import cut
from septet_guardrails.domain.text import Sentence, split_sentences

# Sentences without a claim about the subject.
_PHATIC = re.compile(
    r"^(?:sure|certainly|of course|yes|no|hello|hi|thanks?|thank you|here (?:is|are)|i hope|let me know|in (?:summary|short)"
    r"|please note|네|예|아니요|안녕하세요|감사합니다|도움이 되)\b[^.]{0,40}[.!:,]?$|:$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ScoredSentence:
    """A sentence of the answer with its support; ``claims`` is false for greetings and headings."""

    sentence: Sentence
    support: Support
    claims: bool


def evidence_of(subject: Answer) -> list[Evidence]:
    """Parse the draft's passages, numbered as in the prompt."""
    return [
        Evidence.of(i, p.text, f"{p.title} {p.location}") for i, p in enumerate(subject.draft.passages, 1)
    ]


def score_answer(subject: Answer, limit: int) -> list[ScoredSentence]:
    """Score at most ``limit`` sentences of the answer."""
    evidence, question = evidence_of(subject), subject.draft.ask.query
    return [
        ScoredSentence(s, score_sentence(s.text, evidence, question), not _PHATIC.search(s.text))
        for s in split_sentences(subject.text, limit)
    ]


class GroundednessRail:
    """Scores an answer with the mean support of its sentences; drops unsupported sentences if enough remain."""

    name = "groundedness"

    def check(self, subject: Answer, rule: GroundednessRule) -> Finding:
        draft = subject.draft
        if draft.ask.output_schema is not None or not draft.passages or is_abstention(subject.text):
            return PASSED
        scored = [item for item in score_answer(subject, rule.max_sentences) if item.claims]
        if not scored:
            return PASSED
        unsupported = [item for item in scored if item.support.probability < rule.threshold]
        kept = [item for item in scored if item not in unsupported]
        score = _mean(kept if kept and unsupported and self._may_drop(kept, scored, rule) else scored)
        if not unsupported:
            return Finding("pass", score, f"{len(scored)} sentences supported")
        reason = f"{len(unsupported)} of {len(scored)} sentences unsupported: {_flaws(unsupported)}"
        if rule.action == "flag":
            return Finding("flag", score, reason)
        if kept and self._may_drop(kept, scored, rule):
            text = cut(subject.text, [item.sentence for item in unsupported])
            return Finding("fix", score, f"dropped {reason}", text=text)
        quoted = "; ".join(item.sentence.text[:160] for item in unsupported[:3])
        return Finding(
            "reask", score, reason, f"Say only what the passages say. They do not support: {quoted}"
        )

    @staticmethod
    def _may_drop(kept: list[ScoredSentence], scored: list[ScoredSentence], rule: GroundednessRule) -> bool:
        return len(kept) / len(scored) >= rule.keep_share


def _mean(scored: list[ScoredSentence]) -> float:
    return round(sum(item.support.probability for item in scored) / len(scored), 3)


def _flaws(unsupported: list[ScoredSentence]) -> str:
    found = dict.fromkeys(flaw for item in unsupported for flaw in item.support.flaws)
    return ", ".join(found) or "too little in common with the passages"
