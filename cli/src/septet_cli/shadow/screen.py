"""What a shadow shows while it runs."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.markup import escape

from septet_cli.console import err
from septet_cli.shadow import telemetry

if TYPE_CHECKING:
    from septet_cli.shadow.session import Options, Shadow
    from septet_cli.shadow.window import Look


class Screen:
    """Prints a line for each look, and keeps one line of counts up to date on a terminal."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._status = err.status("[dim]starting …[/]")
        self.last: Look | None = None

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.stop()

    def step(self, name: str, state: str) -> None:
        """Print the state of a service or of the namespace."""
        err.print(f"[dim]{name:<12}[/] {escape(state)}", soft_wrap=True)

    def update(self, shadow: Shadow) -> None:
        """Show the counts."""
        telemetry.show(shadow)
        self._status.update(f"[dim]{counts(shadow)}[/]")

    def looked(self, look: Look) -> None:
        """Print the verdict of a look."""
        self.last = look
        telemetry.looks.labels(look.result.verdict).inc()
        primary = look.result.primary
        err.print(
            f"look at {look.compared} of {self._options.plan.cases} cases: {look.result.verdict}: {escape(primary.reason)}",
            soft_wrap=True,
        )


def counts(shadow: Shadow) -> str:
    """One line: what was seen, mirrored, compared and dropped."""
    intake = shadow.intake
    dropped = ", ".join(f"{n} {reason}" for reason, n in sorted(intake.dropped.items()) if n) or "none"
    return (
        f"{intake.seen} live requests, {intake.mirrored} mirrored, {shadow.compared} compared, "
        f"{intake.queue.qsize()} waiting; dropped: {dropped}"
    )
