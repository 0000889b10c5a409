"""A tuning run that prints its progress to stderr: one line that is rewritten on a terminal, else plain lines."""

from __future__ import annotations

from septet_tuning.tuning_runs import TuningRun

from septet_cli.console import err


class PrintedRun(TuningRun):
    """Prints each reported step."""

    def report(self, step: int, loss: float, held_out: float | None = None) -> None:
        """Record and print a step. A held-out loss ends its line."""
        super().report(step, loss, held_out)
        line = f"step {step}  loss {loss:.4f}"
        if held_out is not None:
            line += f"  held-out loss {held_out:.4f}"
        if err.is_terminal:
            err.print(f"\r{line:<50}", end="\n" if held_out is not None else "", markup=False)
        else:
            err.print(line, markup=False)
