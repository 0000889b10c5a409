"""Protocols of judges. A protocol makes calls from an item and concludes from their replies; it does no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from septet_experiments.judges.calls import ChatCall, Reply
from septet_experiments.judges.errors import Unparsed
from septet_experiments.judges.parsing import Verdict, json_object, pair_verdict, rating
from septet_experiments.judges.templates import Prompt, digest_of_prompt, render
from septet_experiments.judges.weighting import weighted_score

HELPFUL = "The answer is correct, answers the question that was asked, and states nothing that its sources do not support."


@dataclass(frozen=True)
class JudgeModel:
    """The model that judges.

    Attributes:
        name: its name at the endpoint.
        digest: digest of its weights, if known.
        temperature: of protocols that ask once; None sends none, for models that accept none.
        max_tokens: longest reply.
    """

    name: str
    digest: str = ""
    temperature: float | None = 0.0
    max_tokens: int = 512

    @property
    def signature(self) -> str:
        """Name, digest and parameters of the model."""
        digest = f"@{self.digest}" if self.digest else ""
        temperature = "default" if self.temperature is None else f"{self.temperature:g}"
        return f"model={self.name}{digest} temperature={temperature} max_tokens={self.max_tokens}"

    def call(self, prompt: Prompt, **changes: Any) -> ChatCall:
        """A call with this prompt."""
        fields: dict[str, Any] = {
            "model": self.name,
            "model_digest": self.digest,
            "prompt": prompt.id,
            "system": prompt.system,
            "user": prompt.user,
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
        }
        return ChatCall(**(fields | changes))


@dataclass(frozen=True)
class Item:
    """What is judged. ``other`` is the answer that ``answer`` is compared with."""

    question: str
    answer: str
    other: str | None = None
    references: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    language: str | None = None


@dataclass(frozen=True)
class Judgment:
    """The result of a protocol.

    Attributes:
        value: 0 to 1.
        label: the verdict in a word.
        reason: the judge's words; empty if it gives none.
        unparsed: replies without a verdict that the value does without.
        detail: further facts, such as the verdict of each order.
    """

    value: float
    label: str | None = None
    reason: str = ""
    unparsed: int = 0
    detail: dict[str, Any] = field(default_factory=dict)


class JudgeProtocol(Protocol):
    """A protocol. ``signature`` names everything that changes its values."""

    @property
    def name(self) -> str: ...
    @property
    def signature(self) -> str: ...
    def calls(self, item: Item) -> tuple[ChatCall, ...]:
        """The calls for an item, in the order in which ``conclude`` gets their replies."""
        ...

    def conclude(self, item: Item, replies: Sequence[Reply]) -> Judgment:
        """The judgment.

        Raises:
            Unparsed: the replies contain no verdict.
        """
        ...


@dataclass(frozen=True)
class Rubric:
    """Rates one answer by a criterion.

    With the weighting ``logprobs`` the judge writes the score alone, and the value is its expectation under the token
    probabilities (G-Eval). With ``samples`` the judge is asked several times, with reasons, and the scores are averaged.
    A scale of one digit keeps each score one token.
    """

    model: JudgeModel
    weighting: Literal["logprobs", "samples"] = "samples"
    samples: int = 5
    criterion: str = HELPFUL
    low: int = 1
    high: int = 5
    name: str = "rubric"

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 9:
            raise ValueError("a scale lies within 0 to 9, so that each score is one token")
        if self.samples < 1:
            raise ValueError("`samples` is 1 or more")

    @property
    def signature(self) -> str:
        prompt, weighting = (
            ("rubric", "logprobs")
            if self.weighting == "logprobs"
            else ("rubric_reason", f"samples:{self.samples}")
        )
        return (
            f"{self.name}/1 {self.model.signature} prompt={prompt}@{digest_of_prompt(prompt)} weighting={weighting} "
            f"scale={self.low}-{self.high} criterion={self.criterion!r}"
        )

    def calls(self, item: Item) -> tuple[ChatCall, ...]:
        texts = {"question": item.question, "answer": item.answer, "sources": numbered(item.sources)}
        values = {"criterion": self.criterion, "low": self.low, "high": self.high}
        if self.weighting == "logprobs":
            prompt = render("rubric", item.language, texts, **values)
            return (self.model.call(prompt, top_logprobs=20, max_tokens=8),)
        prompt = render("rubric_reason", item.language, texts, **values)
        # Draws at temperature 0 would be one draw, repeated.
        temperature = self.model.temperature if self.samples == 1 or self.model.temperature is None else 1.0
        return tuple(self.model.call(prompt, draw=n, temperature=temperature) for n in range(self.samples))

    def conclude(self, item: Item, replies: Sequence[Reply]) -> Judgment:
        if self.weighting == "logprobs":
            (reply,) = replies
            if reply.tokens is None:
                raise Unparsed("the endpoint offers no token probabilities: use `weighting: samples`")
            rating(reply.text, self.low, self.high)
            return self._judgment([weighted_score(reply.tokens, self.low, self.high)], 0, "")
        scores, reasons = [], []
        for reply in replies:
            try:
                scores.append(rating(reply.text, self.low, self.high))
            except Unparsed:
                continue
            reasons.append(_reason(reply.text))
        if 2 * len(scores) < len(replies) or not scores:
            raise Unparsed(f"{len(replies) - len(scores)} of {len(replies)} replies contain no rating")
        return self._judgment(scores, len(replies) - len(scores), reasons[0])

    def _judgment(self, scores: list[float], unparsed: int, reason: str) -> Judgment:
        mean = sum(scores) / len(scores)
        value = (mean - self.low) / (self.high - self.low)
        return Judgment(round(value, 6), None, reason, unparsed, {"scores": [round(s, 4) for s in scores]})


@dataclass(frozen=True)
class Pairwise:
    """Compares ``answer`` with ``other`` in both orders: 1 better, 0 worse, 0.5 a tie or two verdicts that disagree.

    Two answers with the same text are a tie without a call.
    """

    model: JudgeModel
    criterion: str = HELPFUL
    name: str = "pairwise"

    @property
    def signature(self) -> str:
        return (
            f"{self.name}/1 {self.model.signature} prompt=pairwise@{digest_of_prompt('pairwise')} orders=both "
            f"criterion={self.criterion!r}"
        )

    def calls(self, item: Item) -> tuple[ChatCall, ...]:
        if item.other is None:
            raise ValueError("a pairwise comparison needs another answer")
        if item.answer == item.other:
            return ()
        orders = ((item.answer, item.other), (item.other, item.answer))
        return tuple(self._call(item, first, second) for first, second in orders)

    def _call(self, item: Item, first: str, second: str) -> ChatCall:
        texts = {
            "question": item.question,
            "reference": "\n".join(item.references),
            "answer_a": first,
            "answer_b": second,
        }
        return self.model.call(render("pairwise", item.language, texts, criterion=self.criterion))

    def conclude(self, item: Item, replies: Sequence[Reply]) -> Judgment:
        if item.answer == item.other:
            return Judgment(0.5, "tie", "both answers are the same text")
        in_order, swapped = (pair_verdict(reply.text) for reply in replies)
        mapped = mirrored(swapped)
        winner = in_order if in_order == mapped else "tie"
        value = {"A": 1.0, "B": 0.0, "tie": 0.5}[winner]
        label = {"A": "better", "B": "worse", "tie": "tie"}[winner]
        detail = {"in_order": in_order, "swapped": mapped, "consistent": in_order == mapped}
        return Judgment(value, label, _reason(replies[0].text), 0, detail)


@dataclass(frozen=True)
class Reference:
    """Compares one answer with correct answers: 1 correct, 0.5 a correct part, 0 incorrect."""

    model: JudgeModel
    name: str = "reference"

    @property
    def signature(self) -> str:
        return f"{self.name}/1 {self.model.signature} prompt=reference@{digest_of_prompt('reference')}"

    def calls(self, item: Item) -> tuple[ChatCall, ...]:
        if not item.references:
            raise ValueError("the comparison needs a reference answer")
        texts = {"question": item.question, "answer": item.answer, "reference": "\n\n".join(item.references)}
        return (self.model.call(render("reference", item.language, texts)),)

    def conclude(self, item: Item, replies: Sequence[Reply]) -> Judgment:
        (reply,) = replies
        found = json_object(reply.text, "verdict")
        verdict = str(found["verdict"]).strip().lower()
        values = {"correct": 1.0, "partial": 0.5, "incorrect": 0.0}
        if verdict not in values:
            raise Unparsed(f"the verdict is not one of {', '.join(values)}")
        return Judgment(values[verdict], verdict, str(found.get("reason", "")))


@dataclass(frozen=True)
class Groundedness:
    """Share of the answer's factual claims that its sources support. The judge lists the claims and decides on each."""

    model: JudgeModel
    name: str = "groundedness"

    @property
    def signature(self) -> str:
        return f"{self.name}/1 {self.model.signature} prompt=groundedness@{digest_of_prompt('groundedness')}"

    def calls(self, item: Item) -> tuple[ChatCall, ...]:
        if not item.sources:
            raise ValueError("groundedness needs sources")
        texts = {"question": item.question, "answer": item.answer, "sources": numbered(item.sources)}
        return (self.model.call(render("groundedness", item.language, texts)),)

    def conclude(self, item: Item, replies: Sequence[Reply]) -> Judgment:
        (reply,) = replies
        claims = json_object(reply.text, "claims")["claims"]
        if not isinstance(claims, list) or not all(_is_claim(c) for c in claims):
            raise Unparsed("`claims` is not a list of claims with `supported`: true or false")
        if not claims:
            raise Unparsed("the judge finds no factual claim in the answer")
        unsupported = [str(c.get("claim", "")) for c in claims if not c["supported"]]
        value = 1 - len(unsupported) / len(claims)
        detail = {"claims": len(claims), "unsupported": unsupported}
        return Judgment(round(value, 6), None, "; ".join(unsupported), 0, detail)


def mirrored(verdict: Verdict) -> Verdict:
    """A verdict on exchanged answers, in terms of the original order."""
    if verdict == "tie":
        return verdict
    return "B" if verdict == "A" else "A"


def numbered(sources: Sequence[str]) -> str:
    """Sources as ``[n]`` blocks."""
    return "\n\n".join(f"[{n}] {text}" for n, text in enumerate(sources, 1))


def _is_claim(claim: Any) -> bool:
    return isinstance(claim, dict) and isinstance(claim.get("supported"), bool)


def _reason(text: str) -> str:
    try:
        return str(json_object(text, "reason")["reason"])
    except Unparsed:
        return text.strip()[:500]
