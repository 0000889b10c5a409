"""``septet eval new``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from septet_cli.console import examples, fail, out
from septet_cli.errors import CliError


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(
        "new",
        help="Create a suite: `suite.yaml` with every setting explained, and three commented cases to replace.",
        epilog=examples("septet eval new support", "septet eval new support --in quality/suites"),
    )(new)


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Lower-case letters, digits, `_` and `-`.")],
    folder: Annotated[Path, typer.Option("--in", help="Directory of suites.")] = Path("evals"),
) -> None:
    """Write the files of a new suite."""
    from septet_experiments.errors import ExperimentError

    from septet_cli.evaluation.scaffold import write_suite

    path = folder / name
    try:
        write_suite(path, name)
    except ExperimentError as error:
        fail(CliError(str(error), error.fix))
    out.print(f"{path}: edit cases.jsonl, then `septet eval run {path}`", soft_wrap=True)
