"""The event of a judged response."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from septet_contracts import Evaluation, Response, Score, event_id
from septet_experiments.judges import CalibrationCard, Item, JudgeProtocol, Judgment

_MAX_EXPLANATION = 1000


@dataclass(frozen=True)
class CalibratedProtocol:
    """A protocol with the calibration card of its signature, if there is one."""

    protocol: JudgeProtocol
    card: CalibrationCard | None = None

    @property
    def scorer(self) -> str:
        """Judge, prompt, parameters and calibration."""
        return f"{self.protocol.signature} calibration={self.card.digest[:12] if self.card else 'none'}"


def item_of(response: Response) -> Item:
    """What is judged of a response."""
    return Item(
        question=response.question or "",
        answer=response.answer or "",
        sources=tuple(source.passage for source in response.sources),
        language=response.language,
    )


def applicable(protocols: Sequence[CalibratedProtocol], response: Response) -> list[CalibratedProtocol]:
    """The protocols that a response has enough for: groundedness needs sources."""
    return [p for p in protocols if p.protocol.name != "groundedness" or response.sources]


def evaluation_of(
    response: Response,
    evaluator: str,
    judgments: Mapping[CalibratedProtocol, Judgment],
    at: datetime,
) -> Evaluation:
    """The event. Its id depends on the response and on the judge's protocols, never on the attempt."""
    scorers = "\x1f".join(p.scorer for p in judgments)
    item = f"{evaluator}/{hashlib.sha256(scorers.encode()).hexdigest()[:16]}"
    return Evaluation(
        request_id=response.request_id,
        tenant=response.tenant,
        conversation_id=response.conversation_id,
        event_id=event_id(response.tenant, response.request_id, Evaluation.STEP, item),
        causation_id=response.event_id,
        occurred_at=at,
        evaluator=evaluator,
        scores=tuple(
            Score(
                name=f"judge_{p.protocol.name}",
                value=judgment.value,
                label=judgment.label,
                explanation=_explanation(judgment.reason),
                scorer=p.scorer,
            )
            for p, judgment in judgments.items()
        ),
    )


def _explanation(reason: str) -> str | None:
    """The judge's reason, shortened. A JSON reply can hold half of a surrogate pair, which no event can."""
    return reason[:_MAX_EXPLANATION].encode("utf-8", "replace").decode() or None
