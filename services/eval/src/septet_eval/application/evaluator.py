"""Score an outcome within the time budget of the hot path."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from septet_contracts import Outcome
from septet_kit.offload import Offload

from septet_eval.domain.case import Case, Vector, case_of
from septet_eval.domain.scorers import Scorer
from septet_eval.domain.scorers.relevance import CALIBRATIONS, Calibrations, calibration_of
from septet_eval.domain.scoring import ScoreCard, run_scorers
from septet_eval.ports import Vectors

_offload = Offload(inline=8_192)
_RESERVE_S = 0.01
"""Part of the budget that is kept from the embedding call, for the scorers that use the embedding."""


class Evaluator:
    """Runs the scorers. The answer's embedding is fetched while the lexical scorers run."""

    def __init__(
        self,
        scorers: Sequence[Scorer],
        vectors: Vectors,
        budget_s: float,
        calibrations: Calibrations = CALIBRATIONS,
    ) -> None:
        self._calibrations = calibrations
        self._lexical = [s for s in scorers if not s.semantic]
        self._semantic = [s for s in scorers if s.semantic]
        self._vectors = vectors
        self._budget_s = budget_s

    async def evaluate(self, outcome: Outcome) -> ScoreCard:
        """The scores of an outcome. Without an embedding in time, semantic scorers use words alone."""
        size = _size(outcome)
        case = await _offload(size, case_of, outcome)
        out_of_time = self._timer()
        embedding = asyncio.ensure_future(self._answer_vector(case, outcome))
        await asyncio.sleep(0)
        card = ScoreCard()
        await _offload(size, run_scorers, card, case, self._lexical, out_of_time=out_of_time)
        vector = await embedding
        if vector is not None and outcome.embedding is not None:
            question = np.asarray(outcome.embedding.vector, np.float32)
            case = replace(
                case, question_vector=question, answer_vector=vector, vector_model=outcome.embedding.model
            )
        elif self._needs_vector(case, outcome):
            card.skipped.append("embeddings")
        return await _offload(size, run_scorers, card, case, self._semantic, out_of_time=out_of_time)

    def _timer(self) -> Callable[[], bool]:
        """Predicate that turns true when the budget is spent."""
        deadline = time.monotonic() + self._budget_s
        return lambda: time.monotonic() > deadline

    def _needs_vector(self, case: Case, outcome: Outcome) -> bool:
        """Whether to embed the answer. A cached answer was scored when it was made, so its hit stays fast.

        No scorer reads the vectors of a model without a calibration.
        """
        if outcome.embedding is None:
            return False
        if calibration_of(outcome.embedding.model, self._calibrations) is None:
            return False
        return bool(self._semantic) and case.answered and bool(case.answer) and not case.cached

    async def _answer_vector(self, case: Case, outcome: Outcome) -> Vector | None:
        if not self._needs_vector(case, outcome) or outcome.embedding is None:
            return None
        within = self._budget_s - _RESERVE_S
        return await self._vectors.embed(case.plain_answer, outcome.embedding.model, within)


def _size(outcome: Outcome) -> int:
    """Number of characters that the scorers read."""
    reference = outcome.ask.reference or ""
    references = (reference,) if isinstance(reference, str) else reference
    texts = (outcome.answer or "", outcome.ask.query, *references)
    return sum(map(len, texts)) + sum(len(passage.text) for passage in outcome.passages)
