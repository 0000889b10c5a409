"""Length: whether the answer has a usable size."""

from __future__ import annotations

from septet_contracts import Score

from septet_eval.domain.case import Case
from septet_eval.domain.scorers.protocol import rounded
from septet_eval.domain.text import words

_SHORTEST = 1
_LONGEST = 400


def length(case: Case) -> Score | None:
    """1 from 1 to 400 words (Korean: eojeol), else the ratio to the exceeded bound."""
    if not case.answer:
        return None
    if case.korean:
        count, unit = len(case.plain_answer.split()), "eojeol"
    else:
        count, unit = len(words(case.plain_answer)), "words"
    value = min(1.0, count / _SHORTEST, _LONGEST / count if count else 1.0)
    label = "too_short" if count < _SHORTEST else "too_long" if count > _LONGEST else None
    return Score(
        name="length",
        value=rounded(value),
        label=label,
        scorer="length/1",
        explanation=f"{count} {unit}, {len(case.plain_answer)} characters",
    )
