"""``septet bench``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from septet_cli.console import examples, run
from septet_cli.errors import EXIT_INTERRUPTED

app = typer.Typer(help="Measure Septet on your own data.", no_args_is_help=True, rich_markup_mode="rich")


@app.callback()
def bench() -> None:
    """Measure Septet on your own data."""


@app.command(
    "rag",
    help="Ingest a data set through the documents topic, send its questions through the requests topic, and print "
    "retrieval nDCG@10, recall@10 and MRR for BM25, dense and hybrid, and answer quality and latency by stage.\n\n"
    "Layouts: BEIR's (corpus.jsonl, queries.jsonl, qrels.jsonl), or a question set (corpus|chunks|contexts|"
    "documents.jsonl, questions.jsonl).",
    epilog=examples(
        "septet bench rag ../data/cranfield --retrieval-only",
        "septet bench rag ../data/hotpotqa_100 --limit 20 --json",
        "SEPTET_LLM_URL=http://host:8000/v1 septet bench rag my-set",
    ),
)
def rag(
    folder: Annotated[Path, typer.Argument(help="Folder of the data set.")],
    limit: Annotated[int | None, typer.Option(min=1, help="Use only the first N questions.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print figures as JSON.")] = False,
    retrieval_only: Annotated[bool, typer.Option("--retrieval-only", help="Skip generation.")] = False,
    data_dir: Annotated[
        Path | None, typer.Option(help="Keep the stack's data here \\[default: a temporary folder].")
    ] = None,
) -> None:
    """Run the benchmark."""
    from septet_cli.bench.rag import BenchOptions, run_bench
    from septet_cli.commands.up import until_signalled

    options = BenchOptions(folder, limit, retrieval_only, data_dir)
    run(until_signalled(run_bench(options, as_json=as_json), when_stopped=EXIT_INTERRUPTED))
