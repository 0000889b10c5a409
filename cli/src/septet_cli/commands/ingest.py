"""``septet ingest``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from septet_cli.console import err, examples, out, report, run
from septet_cli.errors import EXIT_FAILED, EXIT_OK
from septet_cli.options import tenant_of

if TYPE_CHECKING:
    from septet_cli.ingest.document import Document, Problem


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(
        "ingest",
        help="Index documents: Markdown, text, HTML, PDF, DOCX, PPTX, XLSX, CSV, EPUB, EML, Jupyter, JSONL, source code, or "
        "the documentation of Python modules.\n\n"
        "Types and encodings are found by content. Unchanged documents are skipped. A file is one document, whether it is "
        "given alone or with its folder.",
        epilog=examples(
            "septet ingest docs/                      a folder; document ids start with docs/",
            "septet ingest docs/ --prune              also delete documents that were removed from it",
            "septet ingest articles.jsonl             one document per line: id, title, text",
            "septet ingest python:json python:asyncio docstrings of these modules",
            "septet ingest python:stdlib              the whole standard library",
        ),
    )(ingest)


def ingest(
    sources: Annotated[list[str], typer.Argument(metavar="PATH…", help="Files, folders or python:MODULE.")],
    tenant: Annotated[str | None, tenant_of("documents")] = None,
    prefix: Annotated[
        str | None, typer.Option(help="Prefix of the document ids \\[default: the folder's name].")
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Delete documents that were removed since the last ingest.")
    ] = False,
    timeout: Annotated[
        float, typer.Option(min=1, help="Stop after this many seconds without progress.")
    ] = 120,
) -> None:
    """Load the documents, publish them and wait until they are indexed."""
    from septet_cli.settings import CliSettings

    run(_ingest(sources, tenant or CliSettings().tenant, prefix, prune, timeout))


async def _ingest(sources: list[str], tenant: str, prefix: str | None, prune: bool, timeout: float) -> int:
    from septet_cli.ingest.document import stale_parts
    from septet_cli.ingest.load import load_sources
    from septet_cli.ingest.manifest import Manifest, known_files
    from septet_cli.ingest.publish import deletion, publish_documents, upsert
    from septet_cli.target import locate
    from septet_cli.tenancy import known_tenants

    target = locate()
    loaded = await load_sources(sources, prefix, known_files(target.data_dir, tenant))
    documents = {d.document_id: d for source in loaded.values() for d in source.documents}
    problems = [problem for source in loaded.values() for problem in source.problems]
    manifests = {name: Manifest(target.data_dir, tenant, _identity(name)) for name in loaded}
    removed: set[str] = set()
    for name, source in loaded.items():
        # An unreadable file still exists: keep its documents.
        if not source.problems:
            removed |= manifests[name].read() - {d.document_id for d in source.documents}
    _show(documents.values(), problems)
    events = [upsert(d) for d in documents.values()]
    obsolete = removed if prune else stale_parts(removed, documents)
    events += [deletion(i) for i in sorted(obsolete - documents.keys())]
    if not events:
        report("No document could be read.", "correct the skipped files listed above")
        return EXIT_FAILED
    result = await publish_documents(target.kafka, events, tenant, stall=timeout, tenants=known_tenants())
    out.print(result.summary(), soft_wrap=True)
    if result.complete:
        for name, source in loaded.items():
            ids = {d.document_id for d in source.documents}
            manifests[name].write(ids | (manifests[name].read() - obsolete), source.files)
    return EXIT_OK if result.complete and not problems else EXIT_FAILED


def _show(documents: Iterable[Document], problems: Iterable[Problem]) -> None:
    for problem in problems:
        err.print(f"[yellow]skipped[/] {escape(f'{problem.where}: {problem.message}')}", soft_wrap=True)
    for document in documents:
        for warning in document.warnings:
            err.print(f"[yellow]warning[/] {escape(f'{document.uri}: {warning}')}", soft_wrap=True)


def _identity(source: str) -> str:
    return source if source.startswith("python:") else str(Path(source).resolve())
