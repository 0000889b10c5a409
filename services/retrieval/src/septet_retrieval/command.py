"""``python -m septet_retrieval reindex``: builds the OpenSearch index anew while it is in use."""

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
from septet_retrieval.adapters.opensearch import connect
from septet_retrieval.adapters.opensearch.layout import layout_version
from septet_retrieval.adapters.postgres import PostgresStore
from septet_retrieval.adapters.turns import PostgresTurns
from septet_retrieval.reindex import Options, Progress, Reindexed, Reindexer
from septet_retrieval.settings import OpenSearchSettings

DONE, FAILED, MISCONFIGURED, INTERRUPTED = 0, 1, 2, 130

Say = Callable[[dict[str, object]], None]


def main(argv: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(argv)
    logs.configure("retrieval", "ERROR")
    say = _say_json if options.json else _say_text
    try:
        return asyncio.run(_interruptible(options, say))
    except SeptetError as error:
        say({"event": "failed", "code": error.code, "message": error.message, "fix": error.fix or ""})
        return MISCONFIGURED if isinstance(error, Permanent) else FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m septet_retrieval reindex",
        description="Build the OpenSearch index anew while it is searched and written to, then move its alias.",
    )
    parser.add_argument("--if-needed", action="store_true", help="only where the layout has changed")
    parser.add_argument("--keep-old", action="store_true", help="keep the version that the alias leaves")
    parser.add_argument("--batch", type=int, default=500, help="documents written together (default: 500)")
    parser.add_argument("--json", action="store_true", help="say how far it is as JSON lines")
    return parser


async def _interruptible(options: argparse.Namespace, say: Say) -> int:
    """Run until done or told to stop: what is in the new version stays there for the next run."""
    work = asyncio.ensure_future(_run(options, say))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    try:
        return await work
    except asyncio.CancelledError:
        say({"event": "interrupted", "fix": "run it again: it goes on where it stood"})
        return INTERRUPTED


async def _run(options: argparse.Namespace, say: Say) -> int:
    settings = OpenSearchSettings()
    if settings.url is None:
        raise Permanent(
            "no_opensearch", "there is no OpenSearch to index in: tantivy builds its index anew by itself",
            field="SEPTET_OPENSEARCH_URL", fix="set SEPTET_OPENSEARCH_URL",
        )  # fmt: skip
    kit = KitSettings()
    # One connection for the right to re-index, one for the turn to move the alias, one to read.
    kit = kit.model_copy(update={"instance": "reindex", "postgres_pool": max(3, kit.postgres_pool)})
    async with connect(settings) as cluster, open_pool(kit, "retrieval", migrations.HEAD) as pool:
        current = await cluster.versions.current()
        if options.if_needed and current and await cluster.versions.layout_of(current) == layout_version():
            say({"event": "current", "version": current})
            return DONE

        def report(progress: Progress) -> None:
            say({"event": "progress", **vars(progress)})

        wanted = Options(options.batch, options.keep_old, settings.timeout)
        done: Reindexed = await Reindexer(
            PostgresStore(pool), cluster, PostgresTurns(pool), wanted, report
        ).run()
    say({"event": "done", **vars(done)})
    return FAILED if done.rejected else DONE


def _say_json(fact: dict[str, object]) -> None:
    print(json.dumps(fact, ensure_ascii=False), flush=True)


def _say_text(fact: dict[str, object]) -> None:
    text = {
        "progress": "{version}: {done} of {total} documents",
        "current": "{version} has the current layout",
        "done": "{version} is in use: {documents} documents, {rejected} rejected; before: {before}",
        "interrupted": "interrupted; {fix}",
        "failed": "failed: {message} ({fix})",
    }[str(fact["event"])]
    stream = sys.stderr if fact["event"] == "failed" else sys.stdout
    print(text.format(**fact), file=stream, flush=True)
