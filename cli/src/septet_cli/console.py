"""Console output (results to stdout, progress and errors to stderr) and running a command."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from septet_cli.errors import EXIT_INTERRUPTED, CliError

if TYPE_CHECKING:
    from rich.progress import Progress

# All C0 and C1 controls besides tab and line feed.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class SafeConsole(Console):
    """A console that drops control characters of texts, so that an answer cannot control the terminal."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else _CONTROL.sub("", text), style, control)


out = SafeConsole(highlight=False, soft_wrap=False)
err = SafeConsole(stderr=True, highlight=False)


def examples(*lines: str) -> str:
    """Epilog of ``--help`` with one command per line; square brackets are not markup."""
    return "Examples:\n" + "\n".join(line.replace("[", r"\[") for line in lines)


def fail(error: CliError) -> NoReturn:
    """Print an error with its fix and exit with its code."""
    report(error.message, error.fix)
    raise typer.Exit(error.exit_code)


def report(message: str, fix: str) -> None:
    """Print an error message and its fix to stderr."""
    err.print(Text.assemble(("error: ", "bold red"), message))
    err.print(Text.assemble(("fix:   ", "bold green"), fix))


def run(work: Coroutine[Any, Any, int]) -> NoReturn:
    """Run the coroutine of a command and exit with the code that it returns."""
    from septet_kit.errors import SeptetError
    from septet_native.errors import StackError

    try:
        code = asyncio.run(work)
    except CliError as error:
        fail(error)
    except StackError as error:
        fail(CliError(error.message, error.fix))
    except SeptetError as error:
        fail(CliError(error.message, error.fix or "run `septet doctor`"))
    except KeyboardInterrupt:
        raise typer.Exit(EXIT_INTERRUPTED) from None
    raise typer.Exit(code)


def progress(description_width: int = 34) -> Progress:
    """A progress bar on stderr."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description:<" + str(description_width) + "}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
    )
