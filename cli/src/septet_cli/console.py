"""Console output (results to stdout, progress and errors to stderr) and running a command."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from septet_cli.errors import EXIT_INTERRUPTED, CliError

if TYPE_CHECKING:
    from rich.progress import Progress

out = Console(highlight=False, soft_wrap=False)
err = Console(stderr=True, highlight=False)


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
