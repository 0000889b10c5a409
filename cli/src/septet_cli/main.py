"""The ``septet`` command. Commands import heavy packages inside their functions, so that ``--help`` stays fast."""

from __future__ import annotations

import typer

from septet_cli.commands import (
    ask,
    bench,
    cache,
    calibrate,
    canary,
    cancel,
    contracts,
    dataset,
    delete,
    demo,
    dlq,
    doctor,
    evaluation,
    feedback,
    ingest,
    kafka,
    keys,
    reindex,
    replay,
    shadow,
    stack,
    stub_model,
    tenants,
    topics,
    trace,
    tune,
    up,
)
from septet_cli.console import examples

app = typer.Typer(
    name="septet",
    help="Ask questions over Kafka and get answers that are checked, cached, scored and traced.\n\n"
    "First steps: `septet up` in one terminal, then `septet ingest` and `septet ask` in another.",
    epilog=examples(
        "septet up                                     start all servers and services (Ctrl-C stops them)",
        "septet ingest docs/ python:json               make documents searchable",
        'septet ask "What does json.dumps do?"         ask, with sources and scores',
        "septet feedback ask-1f00 --down               report a wrong answer",
        "septet trace ask-1f00                         show where the time was spent",
    ),
    rich_markup_mode="rich",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for module in (
    up,
    ask,
    cancel,
    ingest,
    delete,
    feedback,
    trace,
    topics,
    tenants,
    reindex,
    doctor,
    demo,
    calibrate,
    tune,
    shadow,
    stub_model,
):
    module.register(app)
app.add_typer(cache.app, name="cache")
app.add_typer(dlq.app, name="dlq")
app.add_typer(kafka.app, name="kafka")
app.add_typer(stack.app, name="stack")
app.add_typer(keys.app, name="keys")
app.add_typer(bench.app, name="bench")
app.add_typer(replay.app, name="replay")
app.add_typer(canary.app, name="canary")
app.add_typer(evaluation.app, name="eval")
app.add_typer(dataset.app, name="dataset")
contracts.register(app)
