"""Run scorers over a case within a time budget."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from septet_contracts import Score

from septet_eval.domain.case import Case
from septet_eval.domain.scorers import Scorer


@dataclass
class ScoreCard:
    """Scores of one case, plus the scorers that were skipped for lack of time or raised an exception."""

    scores: list[Score] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    errors: dict[str, Exception] = field(default_factory=dict)

    @property
    def degraded(self) -> tuple[str, ...]:
        """Names for ``Response.degraded``: the scores that are missing."""
        return tuple(f"eval.{name}" for name in (*self.skipped, *self.errors))


def run_scorers(
    card: ScoreCard, case: Case, scorers: Iterable[Scorer], *, out_of_time: Callable[[], bool]
) -> ScoreCard:
    """Add the scores of ``scorers`` to ``card``.

    An exception of a scorer is stored on the card: a failed score is reported and never withholds an answer.
    """
    for scorer in scorers:
        if out_of_time():
            card.skipped.append(scorer.name)
            continue
        try:
            score = scorer.function(case)
        except Exception as error:
            card.errors[scorer.name] = error
        else:
            if score is not None:
                card.scores.append(score)
    return card
