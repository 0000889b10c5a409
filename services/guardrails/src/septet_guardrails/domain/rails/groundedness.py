"""Whether every sentence of an answer rests on the passages."""

from __future__ import annotations

import re
from dataclasses import dataclass

from septet_guardrails.domain.abstention import is_abstention
from septet_guardrails.domain.grounding import Evidence, Support, judge_sentence
from septet_guardrails.domain.policy import GroundednessRule
from septet_guardrails.domain.rails.base import PASSED, Answer, Finding
from septet_guardrails.domain.rails.format import cut
from septet_guardrails.domain.text import Sentence, split_sentences

# Sentences that claim nothing about the subject.
_PHATIC = re.compile(
    r"^(?:sure|certainly|of course|yes|no|hello|hi|thanks?|thank you|here (?:is|are)|i hope|let me know|in (?:summary|short)"
    r"|please note|네|예|아니요|안녕하세요|감사합니다|도움이 되)\b[^.]{0,40}[.!:,]?$|:$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Judged:
    """A sentence of the answer with its support; ``claims`` is false for greetings and headings."""

    sentence: Sentence
    support: Support
    claims: bool


def evidence_of(subject: Answer) -> list[Evidence]:
    """The draft's passages, numbered as in the prompt."""
    return [
        Evidence.of(i, p.text, f"{p.title} {p.location}") for i, p in enumerate(subject.draft.passages, 1)
    ]


def judge_answer(subject: Answer, limit: int) -> list[Judged]:
    """Judge the answer's sentences, at most ``limit``."""
    evidence, question = evidence_of(subject), subject.draft.ask.query
    return [
        Judged(s, judge_sentence(s.text, evidence, question), not _PHATIC.search(s.text))
        for s in split_sentences(subject.text, limit)
    ]


class GroundednessRail:
    """The score is the mean support of the sentences that remain; unsupported ones are dropped if few."""

    name = "groundedness"

    def check(self, subject: Answer, rule: GroundednessRule) -> Finding:
        draft = subject.draft
        if draft.ask.output_schema is not None or not draft.passages or is_abstention(subject.text):
            return PASSED
        judged = [one for one in judge_answer(subject, rule.max_sentences) if one.claims]
        if not judged:
            return PASSED
        bad = [one for one in judged if one.support.probability < rule.threshold]
        kept = [one for one in judged if one not in bad]
        score = _mean(kept if kept and bad and self._may_drop(kept, judged, rule) else judged)
        if not bad:
            return Finding("pass", score, f"{len(judged)} sentences supported")
        reason = f"{len(bad)} of {len(judged)} sentences unsupported: {_flaws(bad)}"
        if rule.action == "flag":
            return Finding("flag", score, reason)
        if kept and self._may_drop(kept, judged, rule):
            text = cut(subject.text, [one.sentence for one in bad])
            return Finding("fix", score, f"dropped {reason}", text=text)
        quoted = "; ".join(one.sentence.text[:160] for one in bad[:3])
        return Finding(
            "reask", score, reason, f"Say only what the passages say. They do not support: {quoted}"
        )

    @staticmethod
    def _may_drop(kept: list[Judged], judged: list[Judged], rule: GroundednessRule) -> bool:
        return len(kept) / len(judged) >= rule.keep_share


def _mean(judged: list[Judged]) -> float:
    return round(sum(one.support.probability for one in judged) / len(judged), 3)


def _flaws(bad: list[Judged]) -> str:
    found = dict.fromkeys(flaw for one in bad for flaw in one.support.flaws)
    return ", ".join(found) or "too little in common with the passages"
