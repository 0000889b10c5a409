"""What a row says when it is done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .checker import Violations
from .lab import Scale, Verdict


@dataclass
class Claims:
    """Collects what was expected of a row, and whether each held."""

    verdicts: list[Verdict] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def keep(self, verdict: Verdict) -> None:
        """No violation at all, in a run that sent something."""
        self.verdicts.append(verdict)
        if not verdict.sent:
            self.broken.append("nothing was sent")
        if verdict.violations.count:
            self.broken.append(f"violations: {verdict.violations}")

    def expect(self, held: bool, what: str) -> None:
        """One more expectation of the row; ``what`` says it with its figure."""
        if not held:
            self.broken.append(what)

    def figure(self, **figures: Any) -> None:
        """Figures for the table; floats are rounded to what a reader can use."""
        self.figures |= {k: round(v, 3) if isinstance(v, float) else v for k, v in figures.items()}


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Something that has passed unless an expectation is broken; ``seconds`` is how long it took."""

    broken: tuple[str, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether everything held."""
        return not self.broken

    def as_json(self) -> dict[str, Any]:
        """For the committed results."""
        return {**asdict(self), "passed": self.passed}


@dataclass(frozen=True)
class Result(Judged):
    """A finished row."""

    number: int
    load: str
    expected: str
    seed: int
    scale: Scale
    sent: int
    lost: int
    duplicated: int
    figures: Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """A scenario. ``run`` gets a folder of its own, the seed and the scale."""

    number: int
    load: str
    expected: str
    run: Callable[[Path, int, Scale], Awaitable[Claims]]


def finish(row: Row, seed: int, scale: Scale, claims: Claims, seconds: float) -> Result:
    """Sum a row up."""
    found = [v.violations for v in claims.verdicts] or [Violations()]
    return Result(
        row.number,
        row.load,
        row.expected,
        seed,
        scale,
        sum(v.sent for v in claims.verdicts),
        sum(len(v.lost) for v in found),
        sum(len(v.duplicated) for v in found),
        claims.figures,
        broken=tuple(claims.broken),
        seconds=round(seconds, 1),
    )
