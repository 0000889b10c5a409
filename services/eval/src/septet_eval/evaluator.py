"""Score an outcome within the budget of the hot path."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from septet_contracts import Outcome
from septet_kit.offload import Offload

from septet_eval.domain.case import Case, Vector, case_of
from septet_eval.domain.panel import Card, mark
from septet_eval.domain.scorers import Scorer
from septet_eval.ports import Vectors

_offload = Offload(inline=8_192)
_RESERVE_S = 0.01
"""Kept back from the embedding for the scorers that use it."""


class Evaluator:
    """Runs the panel of scorers; the answer's embedding is fetched while the others compute."""

    def __init__(self, scorers: Sequence[Scorer], vectors: Vectors, budget_s: float) -> None:
        self._plain = [s for s in scorers if not s.semantic]
        self._semantic = [s for s in scorers if s.semantic]
        self._vectors = vectors
        self._budget_s = budget_s

    async def evaluate(self, outcome: Outcome) -> Card:
        """The scores of an outcome; an embedding that is late or missing leaves the lexical ones."""
        size = _size(outcome)
        case = await _offload(size, case_of, outcome)
        deadline = time.monotonic() + self._budget_s
        embedding = asyncio.ensure_future(self._answer_vector(case, outcome))
        await asyncio.sleep(0)
        card = Card()
        await _offload(size, mark, card, case, self._plain, out_of_time=lambda: time.monotonic() > deadline)
        vector = await embedding
        if vector is not None and outcome.embedding is not None:
            question = np.asarray(outcome.embedding.vector, np.float32)
            case = replace(case, question_vector=question, answer_vector=vector)
        elif self._wants_vector(case, outcome):
            card.skipped.append("embeddings")
        return await _offload(
            size, mark, card, case, self._semantic, out_of_time=lambda: time.monotonic() > deadline
        )

    def _wants_vector(self, case: Case, outcome: Outcome) -> bool:
        """A cached answer was scored when it was made; its hit is not slowed down by an embedding."""
        answer = case.answered and bool(case.answer) and not case.cached
        return bool(self._semantic) and answer and outcome.embedding is not None

    async def _answer_vector(self, case: Case, outcome: Outcome) -> Vector | None:
        if not self._wants_vector(case, outcome) or outcome.embedding is None:
            return None
        return await self._vectors.embed(
            case.plain_answer, outcome.embedding.model, self._budget_s - _RESERVE_S
        )


def _size(outcome: Outcome) -> int:
    """Characters that scorers read."""
    reference = outcome.ask.reference or ""
    texts = (
        outcome.answer or "",
        outcome.ask.query,
        *((reference,) if isinstance(reference, str) else reference),
    )
    return sum(map(len, texts)) + sum(len(passage.text) for passage in outcome.passages)
