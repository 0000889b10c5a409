"""``python -m septet_retrieval reindex``: rebuilds the OpenSearch index while it is in use."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Callable, Sequence

from septet_kit import KitSettings, Permanent, SeptetError
from septet_kit.observe import logs
from septet_kit.store import open_pool

from septet_retrieval import migrations
from septet_retrieval.adapters.locks import PostgresLocks
from septet_retrieval.adapters.opensearch import connect
from septet_retrieval.adapters.opensearch.layout import layout_version
from septet_retrieval.adapters.postgres import PostgresStore
from septet_retrieval.application.reindex import Options, Progress, Reindexed, Reindexer
from septet_retrieval.settings import OpenSearchSettings

DONE, FAILED, MISCONFIGURED, INTERRUPTED = 0, 1, 2, 130

Report = Callable[[dict[str, object]], None]


def main(argv: Sequence[str]) -> int:
    """Run the command; return its exit code."""
    options = _parser().parse_args(argv)
    logs.configure("retrieval", "ERROR")
    report = _report_json if options.json else _report_text
    try:
        return asyncio.run(_interruptible(options, report))
    except SeptetError as error:
        report({"event": "failed", "code": error.code, "message": error.message, "fix": error.fix or ""})
        return MISCONFIGURED if isinstance(error, Permanent) else FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m septet_retrieval reindex",
        description="Rebuild the OpenSearch index while it is in use, then move its alias to the new version.",
    )
    parser.add_argument("--if-needed", action="store_true", help="rebuild only if the layout has changed")
    parser.add_argument("--keep-old", action="store_true", help="keep the previous version")
    parser.add_argument("--batch", type=int, default=500, help="documents per write (default: 500)")
    parser.add_argument("--json", action="store_true", help="report progress as JSON lines")
    return parser


async def _interruptible(options: argparse.Namespace, report: Report) -> int:
    """Run until done or signalled to stop. The next run continues with the unfinished version."""
    work = asyncio.ensure_future(_run(options, report))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    try:
        return await work
    except asyncio.CancelledError:
        report({"event": "interrupted", "fix": "run it again to continue"})
        return INTERRUPTED


async def _run(options: argparse.Namespace, report: Report) -> int:
    settings = OpenSearchSettings()
    if settings.url is None:
        message = "OpenSearch is not configured; tantivy rebuilds its index by itself"
        fix = "set SEPTET_OPENSEARCH_URL"
        raise Permanent("no_opensearch", message, field="SEPTET_OPENSEARCH_URL", fix=fix)
    kit = KitSettings()
    # One connection for the re-index lock, one for the alias lock, one for statements.
    kit = kit.model_copy(update={"instance": "reindex", "postgres_pool": max(3, kit.postgres_pool)})
    async with connect(settings) as cluster, open_pool(kit, "retrieval", migrations.HEAD) as pool:
        current = await cluster.versions.current()
        if options.if_needed and current and await cluster.versions.layout_of(current) == layout_version():
            report({"event": "current", "version": current})
            return DONE

        def report_progress(progress: Progress) -> None:
            report({"event": "progress", **vars(progress)})

        run_options = Options(options.batch, options.keep_old, settings.timeout)
        reindexer = Reindexer(PostgresStore(pool), cluster, PostgresLocks(pool), run_options)
        done: Reindexed = await reindexer.run(report_progress)
    report({"event": "done", **vars(done)})
    return FAILED if done.rejected else DONE


def _report_json(fact: dict[str, object]) -> None:
    print(json.dumps(fact, ensure_ascii=False), flush=True)


def _report_text(fact: dict[str, object]) -> None:
    text = {
        "progress": "{version}: {done} of {total} documents",
        "current": "{version} has the current layout",
        "done": "{version} is in use: {documents} documents, {rejected} rejected; previous version: {before}",
        "interrupted": "interrupted; {fix}",
        "failed": "failed: {message} ({fix})",
    }[str(fact["event"])]
    stream = sys.stderr if fact["event"] == "failed" else sys.stdout
    print(text.format(**fact), file=stream, flush=True)
