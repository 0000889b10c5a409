"""``septet ingest``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from septet_cli.console import err, examples, out, report, run
from septet_cli.errors import EXIT_FAILED, EXIT_OK
from septet_cli.options import tenant_of

if TYPE_CHECKING:
    from septet_cli.ingest.document import Document, Problem


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(
        "ingest",
        help="Index documents: Markdown, text, HTML, JSONL, or the documentation of Python modules.\n\n"
        "Unchanged documents are skipped.",
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
    from septet_cli.ingest.manifest import Manifest
    from septet_cli.ingest.publish import deletion, publish_documents, upsert
    from septet_cli.target import locate
    from septet_cli.tenancy import known_tenants

    target = locate()
    documents: dict[str, Document] = {}
    removed: set[str] = set()
    manifests: list[tuple[Manifest, set[str]]] = []
    problems: list[Problem] = []
    for source in sources:
        loaded, bad = _load(source, prefix)
        documents.update((d.document_id, d) for d in loaded)
        problems += bad
        manifest = Manifest(target.data_dir, tenant, _identity(source))
        ids = {d.document_id for d in loaded}
        # An unreadable file still exists: keep its documents.
        removed |= manifest.read() - ids if not bad else set()
        manifests.append((manifest, ids))
    for problem in problems:
        err.print(f"[yellow]skipped[/] {problem.where}: {problem.message}", soft_wrap=True)
    events = [upsert(d) for d in documents.values()]
    obsolete = removed if prune else stale_parts(removed, documents)
    events += [deletion(i) for i in sorted(obsolete - documents.keys())]
    if not events:
        report("No document could be read.", "correct the skipped files listed above")
        return EXIT_FAILED
    result = await publish_documents(target.kafka, events, tenant, stall=timeout, tenants=known_tenants())
    out.print(result.summary(), soft_wrap=True)
    if result.complete:
        for manifest, ids in manifests:
            manifest.write(ids | (manifest.read() - obsolete))
    return EXIT_OK if result.complete and not problems else EXIT_FAILED


def _load(source: str, prefix: str | None) -> tuple[list[Document], list[Problem]]:
    from septet_cli.ingest.document import Document, Problem, parts
    from septet_cli.ingest.files import load_path
    from septet_cli.ingest.python_docs import PREFIX, load_modules

    if source.startswith(PREFIX):
        loaded = list(load_modules(source.removeprefix(PREFIX)))
        return [part for document in loaded for part in parts(document)], []
    found = list(load_path(Path(source), prefix))
    documents = [part for item in found if isinstance(item, Document) for part in parts(item)]
    return documents, [item for item in found if isinstance(item, Problem)]


def _identity(source: str) -> str:
    return source if source.startswith("python:") else str(Path(source).resolve())
