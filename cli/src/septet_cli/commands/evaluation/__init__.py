"""``septet eval``. Each module of this package registers its commands on ``app``."""

from __future__ import annotations

import typer

from septet_cli.commands.evaluation import (
    cases,
    convert,
    gate,
    judge,
    judge_labels,
    listing,
    new,
    reports,
    run,
)
from septet_cli.console import examples

app = typer.Typer(
    name="eval",
    help="Compare two versions of the system on a suite of cases, and decide with a gate.\n\n"
    "A suite is a directory with `suite.yaml` and cases. A run publishes its cases through Kafka and keeps their "
    "responses. A gate compares a run with the suite's baseline.",
    epilog=examples(
        "septet eval new support              create a suite with three cases",
        "septet eval run evals/support        run it through the real pipeline",
        "septet eval promote RUN              make that run the suite's baseline",
        "septet eval gate evals/support       run it again, and compare with the baseline",
    ),
    no_args_is_help=True,
    rich_markup_mode="rich",
)

new.register(app)
run.register(app)
listing.register(app)
reports.register(app)
gate.register(app)
convert.register(app)
app.add_typer(cases.app, name="cases")
judge_labels.register(judge.app)
app.add_typer(judge.app, name="judge")
