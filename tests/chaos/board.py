"""What a person sees while the suite runs: a line per part that is done, and what runs now with its time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from .proofs import Proved
from .result import Result


class Board:
    """A progress display on a terminal; elsewhere only lines, the first of each part when it begins."""

    def __init__(self, parts: int) -> None:
        self._out = Console(soft_wrap=True, highlight=False)
        terminal = self._out.is_terminal
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(None),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._out,
            transient=True,
            disable=not terminal,
        )
        self._all = self._progress.add_task("chaos", total=parts)
        self._now = self._progress.add_task("", total=None, visible=False)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def begin(self, name: str, about: str) -> None:
        """A part runs from now on."""
        self._progress.reset(self._now, total=None, visible=True, description=f"{name}: {escape(about)}")
        if not self._out.is_terminal:
            self._out.print(f"{name:>12}  begins: {escape(about)}")

    def row(self, result: Result) -> None:
        """A row is done."""
        self._done(
            str(result.number), escape(result.load), result.seconds, _figures(result.figures), result.broken
        )

    def proof(self, proof: Proved) -> None:
        """A proof is done."""
        violations = _figures(proof.weakened.get("violations", {})) or "nothing"
        self._done(
            proof.name,
            f"without {escape(proof.without)}",
            proof.seconds,
            f"reported: {violations}",
            proof.broken,
        )

    def _done(self, name: str, about: str, seconds: float, figures: str, broken: Sequence[str]) -> None:
        mark = "[red]FAILED[/]" if broken else "[green]passed[/]"
        self._out.print(f"{name:>12}  {mark}  {about}  ({seconds:.0f} s)  {figures}")
        for reason in broken:
            self._out.print(f"{'':>14}{escape(reason)}", style="red")
        self._progress.update(self._now, visible=False)
        self._progress.advance(self._all)


def _figures(figures: Mapping[str, Any]) -> str:
    return escape(", ".join(f"{name} {value}" for name, value in figures.items()))
