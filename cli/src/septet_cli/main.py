"""The ``septet`` command. Heavy imports happen inside the commands, so that ``--help`` is quick."""

from __future__ import annotations

import typer

from septet_cli.commands import (
    ask,
    bench,
    contracts,
    delete,
    demo,
    dlq,
    doctor,
    feedback,
    ingest,
    kafka,
    reindex,
    stack,
    stub_model,
    tenants,
    topics,
    trace,
    up,
)
from septet_cli.console import examples

app = typer.Typer(
    name="septet",
    help="Questions in over Kafka, answers out: guarded, cached safely, scored and traced.",
    epilog=examples(
        "septet up                                     start everything (Ctrl-C stops it)",
        "septet ingest docs/ python:json               make documents searchable",
        'septet ask "What does json.dumps do?"         ask, with sources and scores',
        "septet feedback ask-1f00 --down               say that an answer was wrong",
        "septet trace ask-1f00                         see where the time went",
    ),
    rich_markup_mode="rich",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for module in (up, ask, ingest, delete, feedback, trace, topics, tenants, reindex, doctor, demo, stub_model):
    module.register(app)
app.add_typer(dlq.app, name="dlq")
app.add_typer(kafka.app, name="kafka")
app.add_typer(stack.app, name="stack")
app.add_typer(bench.app, name="bench")
contracts.register(app)
