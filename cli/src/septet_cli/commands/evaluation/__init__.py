"""``septet eval``. Each module of this package registers its commands on ``app``."""

from __future__ import annotations

import typer

from septet_cli.commands.evaluation import judge
from septet_cli.console import examples

app = typer.Typer(
    name="eval",
    help="Compare two versions of the system on a suite of cases, and decide with a gate.\n\n"
    "A suite is a directory with `suite.yaml` and cases. A run publishes its cases through Kafka and keeps their "
    "responses. A gate compares a run with the suite's baseline.",
    epilog=examples(
        "septet eval new support                        create a suite with three cases",
        "septet eval run suites/support                 run it through the real pipeline",
        "septet eval promote RUN                        make that run the suite's baseline",
        "septet eval gate suites/support                run again and compare with the baseline; 0 pass, 1 fail, 2 inconclusive",
    ),
    no_args_is_help=True,
    rich_markup_mode="rich",
)

app.add_typer(judge.app, name="judge")
