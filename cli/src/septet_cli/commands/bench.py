"""``septet bench``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from septet_cli.console import examples, run
from septet_cli.errors import EXIT_INTERRUPTED

app = typer.Typer(
    help="Measure Septet on your own data.",
    epilog=examples("septet bench rag ../data/cranfield --retrieval-only"),
    no_args_is_help=True,
    rich_markup_mode="rich",
)


@app.callback()
def bench() -> None:
    """Measure Septet on your own data."""


@app.command(
    "rag",
    help="Measure retrieval and answers on a labelled data set.\n\n"
    "Starts its own stack, ingests the documents, asks the questions, and prints nDCG@10, recall@10 and MRR for BM25, "
    "dense and hybrid search, answer quality, and latency by stage.\n\n"
    "The folder holds a BEIR data set (corpus.jsonl, queries.jsonl, qrels.jsonl), or a question set "
    "(corpus|chunks|contexts|documents.jsonl, questions.jsonl).",
    epilog=examples(
        "septet bench rag ../data/cranfield --retrieval-only",
        "septet bench rag ../data/hotpotqa_100 --limit 20 --json",
        "SEPTET_LLM_URL=http://host:8000/v1 septet bench rag my-set",
    ),
)
def rag(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the data set.")],
    limit: Annotated[int | None, typer.Option(min=1, help="Number of questions \\[default: all].")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    retrieval_only: Annotated[
        bool, typer.Option("--retrieval-only", help="Measure retrieval only, without a model.")
    ] = False,
    data_dir: Annotated[
        Path | None, typer.Option(help="Data directory of the stack \\[default: a temporary folder].")
    ] = None,
) -> None:
    """Run the benchmark."""
    from septet_cli.bench.rag import BenchOptions, run_bench
    from septet_cli.commands.up import until_signalled

    options = BenchOptions(folder, limit, retrieval_only, data_dir)
    run(until_signalled(run_bench(options, as_json=as_json), when_stopped=EXIT_INTERRUPTED))
