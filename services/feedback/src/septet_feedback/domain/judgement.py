"""How much each kind of feedback says, and in which direction.

| kind           | polarity                                   | weight | explicit |
| -------------- | ------------------------------------------ | ------ | -------- |
| thumbs         | up positive, down negative                 | 1.0    | yes      |
| rating         | 1 and 2 negative, 3 neutral, 4 and 5 positive | 1.0, 0.6, 0.3, 0.6, 1.0 | yes |
| comment        | neutral (its words are for people to read) | 0.5    | yes      |
| correction     | negative: the shown answer was not right   | 1.0    | yes      |
| flagged_source | negative                                   | 0.8    | yes      |
| copied         | positive                                   | 0.4    | no       |
| regenerated    | negative                                   | 0.4    | no       |
| dismissed      | negative                                   | 0.2    | no       |
| dwell          | under 3 s negative, from 15 s to 10 min positive, else neutral | 0.1, 0.2, 0.1 | no |

Behaviour is read with more care than words: it is biased by position and by how the answer was shown
(Joachims et al., "Accurately interpreting clickthrough data as implicit feedback", SIGIR 2005), so an
implicit signal never weighs as much as an explicit one. A page left open for more than ten minutes was
probably not being read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from septet_contracts import (
    Comment,
    Copied,
    Correction,
    Dismissed,
    Dwell,
    FeedbackEvent,
    FlaggedSource,
    Rating,
    Regenerated,
    Thumbs,
)

Polarity = Literal["positive", "negative", "neutral"]

SKIMMED_S = 3.0
READ_S = 15.0
LEFT_OPEN_S = 600.0

_STARS: dict[int, tuple[Polarity, float]] = {
    1: ("negative", 1.0), 2: ("negative", 0.6), 3: ("neutral", 0.3), 4: ("positive", 0.6), 5: ("positive", 1.0),
}  # fmt: skip


@dataclass(frozen=True)
class Judgement:
    """``weight`` is from 0 (says nothing) to 1 (says it all); ``score`` is that feedback as a value from
    0 (bad) to 1 (good), for kinds that have one."""

    polarity: Polarity
    weight: float
    explicit: bool
    score: float | None = None
    label: str | None = None


_FIXED: dict[type[FeedbackEvent], Judgement] = {
    Comment: Judgement("neutral", 0.5, True),
    Correction: Judgement("negative", 1.0, True),
    FlaggedSource: Judgement("negative", 0.8, True),
    Copied: Judgement("positive", 0.4, False),
    Regenerated: Judgement("negative", 0.4, False),
    Dismissed: Judgement("negative", 0.2, False),
}


def judge(feedback: FeedbackEvent) -> Judgement:
    """Read one feedback event by the table above."""
    match feedback:
        case Thumbs(value="up"):
            return Judgement("positive", 1.0, True, 1.0, "up")
        case Thumbs():
            return Judgement("negative", 1.0, True, 0.0, "down")
        case Rating(stars=stars):
            polarity, weight = _STARS[stars]
            return Judgement(polarity, weight, True, (stars - 1) / 4, f"{stars} of 5")
        case Dwell(seconds=seconds):
            return _of_dwell(seconds)
    return _FIXED[type(feedback)]


def _of_dwell(seconds: float) -> Judgement:
    if seconds < SKIMMED_S:
        return Judgement("negative", 0.1, False)
    if READ_S <= seconds <= LEFT_OPEN_S:
        return Judgement("positive", 0.2, False)
    return Judgement("neutral", 0.1, False)
