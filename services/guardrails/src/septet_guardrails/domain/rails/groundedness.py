"""Rail for groundedness: the passages must support every sentence of an answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from septet_contracts import Passage

from septet_guardrails.domain.abstention import is_abstention
from septet_guardrails.domain.entailment import Judgements, claim_of, premise_of
from septet_guardrails.domain.grounding import Evidence, Leaf, Support, leaves, score_leaf, score_passages
from septet_guardrails.domain.grounding.claims import CITATION, cited_numbers
from septet_guardrails.domain.grounding.tables import MAX_TABLES
from septet_guardrails.domain.grounding.tokens import tokens
from septet_guardrails.domain.policy import GroundednessRule
from septet_guardrails.domain.rails.base import PASSED, Answer, Decision, Finding
from septet_guardrails.domain.rails.format import cut
from septet_guardrails.domain.rails.structure import INVALID, parse
from septet_guardrails.domain.text import MAX_CACHED, Sentence, cached_if_short, split_sentences

_MAX_TABLES = 50
_MAX_TITLE = 1_000
# Most characters of passages whose sentences' scores are cached.
_MAX_CACHED_SUM = 32_768
# Openers of sentences that may have no claim about the subject.
_ANSWER = re.compile(r"(?:sure|certainly|of course|yes|no|네|예|아니요)\b", re.IGNORECASE)
_COURTESY = re.compile(
    r"(?:hello|hi|thanks?|thank you|here (?:is|are)|i hope|let me know|안녕하세요|감사합니다|도움이 되[가-힣]*)(?!\w)",
    re.IGNORECASE,
)
# Words beside stop words that may follow them.
_AFTER_ANSWER = frozenset(
    tokens("that's it're i'll we've i'm right correct exactly 그렇습니다 맞습니다 물론입니다")
)
_AFTER_COURTESY = _AFTER_ANSWER | frozenset(
    tokens(
        "please help helps helpful question questions asking know need else happy glad answer 바랍니다 좋겠습니다 반갑습니다"
    )
)


@dataclass(frozen=True)
class ScoredSentence:
    """A sentence of the answer.

    Attributes:
        sentence: with its place in the answer.
        supports: its support by each passage, in the order of the passages.
        claims: false for greetings and headings.
        doubted: whether an entailment model that only reports finds no support.
        by_rules: whether the rules decide in place of an entailment model.
    """

    sentence: Sentence
    supports: tuple[Support, ...]
    claims: bool
    doubted: bool = False
    by_rules: bool = False

    @property
    def support(self) -> Support:
        """Support by the passage that supports the sentence best."""
        return max(self.supports, key=lambda support: support.probability)


def score_answer(subject: Answer, limit: int) -> list[ScoredSentence]:
    """Score at most ``limit`` sentences of an answer from passages."""
    supports = _scorer(subject.draft.passages, _question(subject))
    scored = [
        ScoredSentence(s, supports(s.text), _has_claim(s.text)) for s in split_sentences(subject.text, limit)
    ]
    if subject.judgements is None:
        return scored
    premises = [premise_of(passage) for passage in subject.draft.passages]
    return [_judged(item, premises, _question(subject), subject.judgements) for item in scored]


def _judged(
    item: ScoredSentence, premises: Sequence[str], question: str, judgements: Judgements
) -> ScoredSentence:
    if not item.claims:
        return item
    text = item.sentence.text
    found = judgements.judge(claim_of(text, question), premises, item.supports, cited_numbers(text))
    return replace(item, supports=found.supports, doubted=found.doubted, by_rules=found.by_rules)


def _has_claim(sentence: str) -> bool:
    """Whether a sentence is neither a heading nor a greeting or an answer word with only small words after it."""
    if sentence.endswith(":"):
        return False
    for opener, small in ((_ANSWER, _AFTER_ANSWER), (_COURTESY, _AFTER_COURTESY)):
        if (match := opener.match(sentence)) and small.issuperset(
            tokens(CITATION.sub("", sentence[match.end() :]))
        ):
            return False
    return True


def _scorer(passages: tuple[Passage, ...], question: str) -> Callable[[str], tuple[Support, ...]]:
    """Return the function that scores a sentence. Long passages are parsed once, and nothing of them is cached."""
    sizes = [len(p.text) + len(p.title) + len(p.location) for p in passages]
    if max(sizes, default=0) <= MAX_CACHED and sum(sizes) <= _MAX_CACHED_SUM:
        return lambda sentence: _supports(sentence, passages, question)
    evidence = evidence_of(passages)
    return lambda sentence: tuple(score_passages(sentence, evidence, question))


@cached_if_short(maxsize=128)
def _supports(sentence: str, passages: tuple[Passage, ...], question: str) -> tuple[Support, ...]:
    """Score a sentence. Cached: the rails for groundedness and for citations read the same sentences."""
    return tuple(score_passages(sentence, evidence_of(passages), question))


def evidence_of(passages: Sequence[Passage]) -> list[Evidence]:
    """Parse passages, numbered as in the prompt."""
    evidence: list[Evidence] = []
    left = _MAX_TABLES
    for number, passage in enumerate(passages, 1):
        title = f"{passage.title} {passage.location}"[:_MAX_TITLE]
        evidence.append(Evidence.of(number, passage.text, title, min(MAX_TABLES, left)))
        left -= len(evidence[-1].tables)
    return evidence


def _question(subject: Answer) -> str:
    """Return the start of the question: its words are neutral, and each passage is compared with them."""
    return subject.draft.ask.query[:MAX_CACHED]


class GroundednessRail:
    """Scores an answer with its weakest claim; drops unsupported sentences if enough remain.

    Each value of a JSON answer is a claim. None of them can be dropped.
    """

    name = "groundedness"

    def check(self, subject: Answer, rule: GroundednessRule) -> Finding:
        draft = subject.draft
        if not draft.passages:
            return PASSED
        if draft.ask.output_schema is not None:
            return self._check_values(subject, rule, draft.ask.output_schema)
        if is_abstention(subject.text):
            return PASSED
        scored = [item for item in score_answer(subject, rule.max_sentences) if item.claims]
        return self._check_sentences(subject, rule, scored) if scored else PASSED

    def _check_sentences(
        self, subject: Answer, rule: GroundednessRule, scored: list[ScoredSentence]
    ) -> Finding:
        unsupported = [item for item in scored if item.support.probability < rule.threshold]
        kept = [item for item in scored if item not in unsupported]
        note = _note(scored)
        if not unsupported:
            decision: Decision = "flag" if any(item.doubted for item in scored) else "pass"
            return Finding(decision, _weakest(scored), f"{len(scored)} sentences supported{note}")
        reason = f"{len(unsupported)} of {len(scored)} sentences unsupported: {_flaws(unsupported)}{note}"
        if rule.action == "flag":
            return Finding("flag", _weakest(scored), reason)
        if kept and len(kept) / len(scored) >= rule.keep_share:
            text = cut(subject.text, [item.sentence for item in unsupported])
            return Finding("fix", _weakest(kept), f"dropped {reason}", text=text)
        quoted = "; ".join(item.sentence.text[:160] for item in unsupported[:3])
        complaint = f"Say only what the passages say. They do not support: {quoted}"
        return Finding("reask", _weakest(scored), reason, complaint)

    @staticmethod
    def _check_values(subject: Answer, rule: GroundednessRule, schema: dict[str, Any]) -> Finding:
        value = parse(subject.text)
        found = [] if value is INVALID else leaves(value, schema)
        if not found:
            return PASSED
        scored = _score_leaves(found, subject)
        weakest = round(min(item.probability for item in scored), 3)
        unsupported = [item.leaf for item in scored if item.probability < rule.threshold]
        note = _note(scored)
        if not unsupported:
            decision: Decision = "flag" if any(item.doubted for item in scored) else "pass"
            return Finding(decision, weakest, f"{len(scored)} values supported{note}")
        reason = f"{len(unsupported)} of {len(scored)} values unsupported{note}"
        if rule.action == "flag":
            return Finding("flag", weakest, reason)
        quoted = "; ".join(leaf.shown[:160] for leaf in unsupported[:3])
        return Finding(
            "reask", weakest, reason, f"Use only values of the passages. They do not support: {quoted}"
        )


@dataclass(frozen=True)
class _ScoredLeaf:
    """A value of a JSON answer; see :class:`ScoredSentence`."""

    leaf: Leaf
    probability: float
    doubted: bool = False
    by_rules: bool = False


def _score_leaves(found: Sequence[Leaf], subject: Answer) -> list[_ScoredLeaf]:
    passages, question = subject.draft.passages, _question(subject)
    evidence, judgements = evidence_of(passages), subject.judgements
    if judgements is None:
        return [_ScoredLeaf(leaf, score_leaf(leaf, evidence, question)) for leaf in found]
    premises = [premise_of(passage) for passage in passages]
    scored = []
    for leaf in found:
        supports = [Support(score_leaf(leaf, [e], question), e.number, (), {}) for e in evidence]
        judged = judgements.judge(claim_of(leaf.statement, question), premises, supports)
        best = max(support.probability for support in judged.supports)
        scored.append(_ScoredLeaf(leaf, best, judged.doubted, judged.by_rules))
    return scored


def _note(scored: Sequence[ScoredSentence] | Sequence[_ScoredLeaf]) -> str:
    """Return what the verdict adds about an entailment model."""
    doubted, by_rules = sum(item.doubted for item in scored), sum(item.by_rules for item in scored)
    notes = [
        f"; the model without a calibration doubts {doubted}" if doubted else "",
        f"; {by_rules} by rules, without the model" if by_rules else "",
    ]
    return "".join(notes)


def _weakest(scored: list[ScoredSentence]) -> float:
    return round(min(item.support.probability for item in scored), 3)


def _flaws(unsupported: list[ScoredSentence]) -> str:
    found = dict.fromkeys(flaw for item in unsupported for flaw in item.support.flaws)
    return ", ".join(found) or "too little in common with the passages"
