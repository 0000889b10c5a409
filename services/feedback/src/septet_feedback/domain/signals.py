"""Polarity and weight of each kind of feedback.

| kind           | polarity                                   | weight | explicit |
| -------------- | ------------------------------------------ | ------ | -------- |
| thumbs         | up positive, down negative                 | 1.0    | yes      |
| rating         | 1 and 2 negative, 3 neutral, 4 and 5 positive | 1.0, 0.6, 0.3, 0.6, 1.0 | yes |
| comment        | neutral (its text is not analysed)         | 0.5    | yes      |
| correction     | negative: the shown answer was not right   | 1.0    | yes      |
| flagged_source | negative                                   | 0.8    | yes      |
| copied         | positive                                   | 0.4    | no       |
| regenerated    | negative                                   | 0.4    | no       |
| dismissed      | negative                                   | 0.2    | no       |
| dwell          | under 3 s negative, from 15 s to 10 min positive, else neutral | 0.1, 0.2, 0.1 | no |

Implicit signals are biased by position and presentation (Joachims et al., "Accurately interpreting clickthrough data as
implicit feedback", SIGIR 2005), so their weight is lower than that of any explicit one. A page that stays open for more
than ten minutes is probably not being read.
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
    1: ("negative", 1.0),
    2: ("negative", 0.6),
    3: ("neutral", 0.3),
    4: ("positive", 0.6),
    5: ("positive", 1.0),
}


@dataclass(frozen=True)
class Signal:
    """The meaning of one feedback event.

    Attributes:
        polarity: positive, negative or neutral.
        weight: reliability, from 0 to 1.
        explicit: whether the user gave it on purpose.
        score: the feedback as a value from 0 (bad) to 1 (good), for kinds that have one.
        label: the score in words.
    """

    polarity: Polarity
    weight: float
    explicit: bool
    score: float | None = None
    label: str | None = None


_FIXED: dict[type[FeedbackEvent], Signal] = {
    Comment: Signal("neutral", 0.5, True),
    Correction: Signal("negative", 1.0, True),
    FlaggedSource: Signal("negative", 0.8, True),
    Copied: Signal("positive", 0.4, False),
    Regenerated: Signal("negative", 0.4, False),
    Dismissed: Signal("negative", 0.2, False),
}


def signal_of(feedback: FeedbackEvent) -> Signal:
    """The signal of a feedback event by the table above."""

    match feedback:
        case Thumbs(value="up"):
            return Signal("positive", 1.0, True, 1.0, "up")
        case Thumbs():
            return Signal("negative", 1.0, True, 0.0, "down")
        case Rating(stars=stars):
            polarity, weight = _STARS[stars]
            return Signal(polarity, weight, True, (stars - 1) / 4, f"{stars} of 5")
        case Dwell(seconds=seconds):
            return _of_dwell(seconds)
    return _FIXED[type(feedback)]


def _of_dwell(seconds: float) -> Signal:
    if seconds < SKIMMED_S:
        return Signal("negative", 0.1, False)
    if READ_S <= seconds <= LEFT_OPEN_S:
        return Signal("positive", 0.2, False)
    return Signal("neutral", 0.1, False)
