"""``septet eval list`` and ``septet eval promote``."""

from __future__ import annotations

from typing import Annotated

import typer

from septet_cli.commands.evaluation.errors import as_cli_errors
from septet_cli.console import examples, fail, out
from septet_cli.errors import CliError


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.command(
        "list",
        help="List runs, the newest first: samples, errors, the mean of the primary metric, and what the run changed.",
        epilog=examples("septet eval list", "septet eval list support"),
    )(list_runs)
    app.command(
        "promote",
        help="Make a run the baseline of its suite: gates compare with it.\n\n"
        "The run must be finished. Promote the run of the version that is in use.",
        epilog=examples("septet eval promote support-20260301-120000-1f00", "septet eval promote latest"),
    )(promote)


def list_runs(
    suite: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Name of a suite \\[default: all].")
    ] = None,
) -> None:
    """Print the runs of the data directory."""
    from septet_cli.evaluation.show import runs_table
    from septet_cli.evaluation.store import RunStore
    from septet_cli.settings import CliSettings

    store = RunStore(CliSettings().data_dir)
    try:
        with as_cli_errors():
            runs = [(folder, info) for folder, info in store.all() if suite in (None, info.suite)]
            baselines = {info.suite: store.baseline(info.suite) for _, info in runs}
            shown = runs_table(runs, baselines)
    except CliError as error:
        fail(error)
    out.print(shown if runs else "There are no runs. Start one with `septet eval run SUITE`.")


def promote(
    reference: Annotated[
        str, typer.Argument(metavar="RUN", help="Id of a run, the beginning of one, or `latest`.")
    ],
) -> None:
    """Write the baseline of the run's suite."""
    from septet_cli.evaluation.store import RunStore
    from septet_cli.settings import CliSettings

    store = RunStore(CliSettings().data_dir)
    try:
        with as_cli_errors():
            info = store.find(reference).info()
            if info.finished_at is None:
                raise CliError(f"The run {info.id} is not finished.", f"septet eval run --resume {info.id}")
            before = store.promote(info)
    except CliError as error:
        fail(error)
    out.print(
        f"baseline of {info.suite}: {info.id}" + (f" (before: {before})" if before else ""), soft_wrap=True
    )
