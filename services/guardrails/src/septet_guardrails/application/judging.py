"""Judging: repeat a review with the scores of an entailment model, within a time limit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from septet_kit.errors import SeptetError
from septet_kit.observe import get_logger

from septet_guardrails.domain.entailment import Calibration, Judgements, Pair
from septet_guardrails.domain.lru import Lru
from septet_guardrails.domain.policy import GroundednessRule
from septet_guardrails.domain.score_memory import digest_of
from septet_guardrails.ports import EntailmentModel
from septet_guardrails.telemetry import count_judged

R = TypeVar("R")
log = get_logger()

COMPONENT = "guardrails.entailment"
"""Entry of ``degraded`` if the rules decided on a claim because the model gave no score in time."""

# The draft, its corrected text, and a quotation in its place: each may have new claims. The last round asks nothing.
_ROUNDS = 4
# Time that the rest of the step needs.
_RESERVE_S = 0.5
_FAILURES, _PAUSE_S = 3, 10.0


@dataclass(frozen=True)
class Limits:
    """Limits of the calls of an entailment model.

    Attributes:
        timeout: seconds for all claims of an answer.
        concurrency: most calls at the same time, in the whole process.
        entries: scores that are remembered.
        passages: most passages that the model reads for a claim, besides the cited ones.
    """

    timeout: float
    concurrency: int
    entries: int
    passages: int


class Judge:
    """Scores claims with a model. It remembers scores by claim, passage and model, and holds digests and no text.

    After three answers in a row without any score it does not call the model for ten seconds, so that an outage does
    not delay every answer. Answers with less than half of the timeout left do not count.
    """

    def __init__(self, model: EntailmentModel, calibration: Calibration, limits: Limits) -> None:
        self._model = model
        self._calibration = calibration
        self._limits = limits
        self._known = Lru[bytes, float](limits.entries)
        self._slots = asyncio.Semaphore(limits.concurrency)
        self._failures = 0
        self._resume_at = 0.0

    async def run(
        self,
        rule: GroundednessRule,
        remaining: Callable[[], float],
        review: Callable[[Judgements], Awaitable[R]],
    ) -> tuple[R, bool]:
        """Review until every claim has a score; return the last result and whether the rules decided on a claim.

        Args:
            rule: of the rail; its method is not ``rules``.
            remaining: returns the seconds that are left for the step.
            review: runs the rails with the scores that are known.
        """
        method: Literal["model", "both"] = "both" if rule.method == "both" else "model"
        ends = time.monotonic() + min(self._limits.timeout, remaining() - _RESERVE_S)
        scores: dict[Pair, float] = {}
        failed: set[Pair] = set()
        for left in reversed(range(_ROUNDS)):
            judgements = Judgements(method, rule.threshold, self._calibration, scores, self._limits.passages)
            result = await review(judgements)
            wanted = [pair for pair in judgements.missing if pair not in failed] if left else []
            found = await self._score(wanted, ends)
            if not found:
                break
            failed.update(pair for pair in wanted if pair not in found)
            scores |= found
        return result, bool(judgements.missing)

    async def _score(self, pairs: Sequence[Pair], ends: float) -> dict[Pair, float]:
        """Return the scores that are known or come before ``ends``."""
        remembered = ((pair, self._known.get(self._key(pair))) for pair in pairs)
        found = {pair: score for pair, score in remembered if score is not None}
        count_judged("cached", len(found))
        asked = [pair for pair in pairs if pair not in found]
        left = ends - time.monotonic()
        if asked and left > 0 and time.monotonic() >= self._resume_at:
            answered = await self._ask(asked, left)
            count_judged("called", len(answered))
            # A model that had hardly any time is not down: the step was late.
            if answered or left >= self._limits.timeout / 2:
                self._note(len(answered), len(asked))
            found |= answered
        count_judged("missing", len(pairs) - len(found))
        return found

    async def _ask(self, pairs: Sequence[Pair], timeout: float) -> dict[Pair, float]:
        tasks = {asyncio.ensure_future(self._call(pair)): pair for pair in pairs}
        try:
            done, _ = await asyncio.wait(tasks, timeout=timeout)
        finally:
            pending = [task for task in tasks if not task.done()]
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
        return {tasks[task]: score for task in done if (score := task.result()) is not None}

    async def _call(self, pair: Pair) -> float | None:
        async with self._slots:
            try:
                score = await self._model.score(pair)
            except SeptetError as error:
                log.warning("entailment model failed", code=error.code, error=error.message)
                return None
            except Exception as error:
                # The rules decide, so that an unforeseen reply fails no answer. The message could repeat the reply.
                log.error("entailment model failed", code="internal_error", error=type(error).__name__)  # noqa: TRY400
                return None
        self._known.put(self._key(pair), score)
        return score

    def _note(self, answered: int, asked: int) -> None:
        self._failures = 0 if answered else self._failures + 1
        if self._failures >= _FAILURES:
            self._resume_at = time.monotonic() + _PAUSE_S
            log.warning("entailment model paused", seconds=_PAUSE_S, claims=asked)

    def _key(self, pair: Pair) -> bytes:
        return digest_of((self._model.digest, pair.claim, pair.premise))


async def judged(
    judge: Judge | None,
    rule: GroundednessRule,
    remaining: Callable[[], float],
    review: Callable[[Judgements | None], Awaitable[R]],
) -> tuple[R, tuple[str, ...]]:
    """Review by rules, or with the model if the rule says so; return the result and the degraded components."""
    if rule.method == "rules" or not rule.enabled:
        return await review(None), ()
    if judge is None:
        return await review(None), (COMPONENT,)
    result, by_rules = await judge.run(rule, remaining, review)
    return result, (COMPONENT,) if by_rules else ()
