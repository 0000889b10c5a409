"""Calibration cards on disk, and the bar that a judge has to clear before it decides."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from septet_experiments.errors import ExperimentError
from septet_experiments.judges.calls import Usage
from septet_experiments.judges.estimates import Estimate
from septet_experiments.judges.measures import AnswerMeasures, PairMeasures


class CalibrationCard(BaseModel):
    """The calibration of one judge: a model with a protocol, its prompt and its parameters, on one data set.

    Attributes:
        signature: of the protocol, with the digest of its prompt. Another signature is another judge.
        data: name of the labelled file; ``data_digest`` is the SHA-256 of its lines.
    """

    model_config = ConfigDict(frozen=True)

    format: int = 1
    judge: str
    judge_digest: str = ""
    protocol: str
    signature: str
    data: str
    data_digest: str
    seed: int
    measured_at: AwareDatetime
    pairs: PairMeasures | None = None
    answers: AnswerMeasures | None = None
    usage: Usage = Usage()

    @property
    def digest(self) -> str:
        """SHA-256 of the card: 64 hexadecimal digits."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


class Bar(BaseModel):
    """The least quality of a judge that decides. Lower ends of the 95 % intervals are compared, so that luck on few labels
    does not suffice. ``max_unparsed`` is a share of replies."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kappa: float = Field(default=0.6, ge=-1, le=1)
    accuracy: float = Field(default=0.7, ge=0, le=1)
    consistency: float = Field(default=0.8, ge=0, le=1)
    max_unparsed: float = Field(default=0.05, ge=0, le=1)


@dataclass(frozen=True)
class Standing:
    """Whether a judge decides; ``reasons`` say why not."""

    decides: bool
    reasons: tuple[str, ...] = ()


def standing(card: CalibrationCard | None, bar: Bar) -> Standing:
    """Compare a judge's calibration with the bar. A judge without a card reports and does not decide."""
    if card is None:
        return Standing(False, ("the judge is not calibrated",))
    measured = [m for m in (card.pairs, card.answers) if m is not None]
    reasons = [reason for measures in measured for reason in shortfalls(measures, bar)]
    if not measured:
        reasons.append("the card holds no measures")
    return Standing(not reasons, tuple(reasons))


def shortfalls(measures: PairMeasures | AnswerMeasures, bar: Bar) -> list[str]:
    """Where measures do not reach the bar."""
    reasons = []
    total = 2 * measures.pairs if isinstance(measures, PairMeasures) else measures.answers
    if measures.unparsed > bar.max_unparsed * total:
        reasons.append(f"{measures.unparsed} of {total} replies have no verdict")
    for name, least, estimate in _compared(measures, bar):
        if estimate is None:
            reasons.append(f"{name} has no value")
        elif estimate.low < least:
            reasons.append(f"{name} {estimate} begins below {least:g}")
    return reasons


def _compared(
    measures: PairMeasures | AnswerMeasures, bar: Bar
) -> Iterator[tuple[str, float, Estimate | None]]:
    yield "kappa", bar.kappa, measures.kappa
    if isinstance(measures, PairMeasures):
        yield "consistency", bar.consistency, measures.consistency
        yield "accuracy when consistent", bar.accuracy, measures.accuracy_consistent
    else:
        yield "accuracy", bar.accuracy, measures.accuracy


class CardFolder:
    """The cards of a directory, one per signature: a new calibration replaces the old one."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def path(self, signature: str) -> Path:
        """Where the card of a judge lies."""
        digest = hashlib.sha256(signature.encode()).hexdigest()[:12]
        return self._directory / f"{signature.split('/')[0]}-{digest}.json"

    def write(self, card: CalibrationCard) -> Path:
        """Write a card atomically; returns its path."""
        path = self.path(card.signature)
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.write_text(card.model_dump_json(indent=1, exclude_none=True) + "\n", encoding="utf-8")
        new.replace(path)
        return path

    def find(self, signature: str) -> CalibrationCard | None:
        """The card of a judge.

        Raises:
            ExperimentError: the file is no card.
        """
        path = self.path(signature)
        return _read(path) if path.exists() else None

    def all(self) -> list[CalibrationCard]:
        """All cards, newest first."""
        cards = [_read(path) for path in self._directory.glob("*.json")]
        return sorted(cards, key=lambda card: card.measured_at, reverse=True)


def _read(path: Path) -> CalibrationCard:
    try:
        return CalibrationCard.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ExperimentError(f"{path} is not a calibration card", "calibrate the judge again") from error
