"""Eval: scoring an outcome and building its response, without the request registry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from septet_contracts import Ask, Embedding, Outcome
from septet_eval.application.evaluator import Evaluator
from septet_eval.domain.response import ReleaseContext, respond
from septet_eval.domain.scorers import SCORERS, select
from septet_eval.settings import EvalSettings
from septet_kit import Context, Emit
from septet_kit.hostile import UNITS, text
from septet_kit.testing import flow

from benchmarks.loop_block.case import QUESTION, Case, of, passages

_EMBEDDING = Embedding.of("m", (0.05,) * 384)


class Vectors:
    """Embeddings of answers, without latency."""

    async def embed(self, text: str, model: str, within: float) -> NDArray[np.float32]:
        return np.full(384, 0.05, dtype=np.float32)


def cases() -> Iterator[Case]:
    # A large budget, so that every scorer runs to its end.
    evaluator = Evaluator(select(tuple(SCORERS)), Vectors(), 60.0)
    settings = EvalSettings()
    floors = settings.admission_floors

    async def release(outcome: Outcome, ctx: Context) -> Sequence[Emit]:
        card = await evaluator.evaluate(outcome)
        at = ReleaseContext(at=datetime.now(UTC), timing=ctx.timing("eval"), trace_id=ctx.trace_id)
        return (Emit("responses", respond(outcome, tuple(card.scores), card.degraded, floors, at).response),)

    for unit in UNITS:
        for size, references in ((1_200, 1), (20_000, 1), (1_200, 500)):
            name = f"50 passages of {size}, {references} references, {unit}"
            yield of(name, "outcomes", _outcome(unit, size, references), release)
    for name, answer in {"lists": "[" + "[]," * 42_000 + "1]", "brackets": "[" * 100_000}.items():
        ask: dict[str, Any] = {"ask": Ask(question="What?", output_schema={"type": "array"})}
        yield of(f"JSON answer, {name}", "outcomes", flow(Outcome, answer=answer, **ask), release)


def _outcome(unit: str, size: int, references: int) -> Outcome:
    reference = tuple(text(unit, 16_000 if references == 1 else 600) for _ in range(references))
    return flow(
        Outcome,
        answer=text(unit, 16_000),
        answer_kind="generated",
        passages=passages(unit, size=size),
        question_vector=_EMBEDDING,
        ask=Ask(question=text(unit, QUESTION), reference=reference),
    )
