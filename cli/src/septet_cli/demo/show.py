"""Runs the demo: stack, documents and scenes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from septet_kit.messaging.connection import Kafka
from septet_native.errors import StackError
from septet_native.services import default_services
from septet_native.stack.addresses import Addresses
from septet_native.stack.settings import StackSettings
from septet_native.stack.stack import Stack

from septet_cli.client import connect
from septet_cli.console import err, out, progress, report
from septet_cli.demo.checks import Checks
from septet_cli.demo.corpus import make_facts, shared_documents, unrelated_question
from septet_cli.demo.scenes_answers import (
    answered_questions,
    by_meaning,
    hostile_and_private,
    korean,
    unanswerable,
)
from septet_cli.demo.scenes_api import openai_api
from septet_cli.demo.scenes_cache import deleted, not_served, served, thumbs_down
from septet_cli.demo.scenes_checked import harmless, hostile_document, table
from septet_cli.demo.scenes_gates import gates
from septet_cli.demo.scenes_trace import exactly_one, waterfall
from septet_cli.demo.session import Session
from septet_cli.embedded import running
from septet_cli.errors import EXIT_FAILED, EXIT_OK, CliError
from septet_cli.ingest.document import Document, parts
from septet_cli.ingest.publish import deletion, publish_documents, upsert
from septet_cli.keys import open_keys

SERVERS = 5
MIN_PASSAGES = 1000
Scene = Callable[[Session], Awaitable[None]]
SCENES: tuple[Scene, ...] = (
    answered_questions,
    served,
    not_served,
    unanswerable,
    hostile_and_private,
    harmless,
    hostile_document,
    table,
    korean,
    by_meaning,
    deleted,
    thumbs_down,
    openai_api,
    waterfall,
    exactly_one,
    gates,
)


async def run_demo(data_dir: Path | None, *, keep: bool) -> int:
    """Start the stack, play the scenes, stop the stack; the exit code is 0 if all checks passed."""
    began = time.monotonic()
    checks = Checks(out)
    given: dict[str, Any] = {"data_dir": data_dir} if data_dir else {}
    try:
        async with AsyncExitStack() as context:
            settings = StackSettings(**given)
            stack = await _start(context, settings)
            assert stack.addresses is not None
            await _play(stack.addresses, settings.data_dir, checks)
            out.print(f"\n[dim]{time.monotonic() - began:.0f} s in total[/]")
            if keep:
                out.print(checks.line)
                out.print("[dim]the stack keeps running; Ctrl-C stops it[/]")
                await asyncio.Event().wait()
            err.print("[dim]stopping …[/]")
    except (StackError, CliError) as error:
        report(error.message, error.fix)
        checks.that("stack runs", False, expected="a running stack", got=type(error).__name__)
    out.print(checks.line)
    return EXIT_FAILED if checks.failures else EXIT_OK


async def _start(context: AsyncExitStack, settings: StackSettings) -> Stack:
    with progress() as bar:
        task = bar.add_task("starting servers and services", total=SERVERS + 1 + len(default_services()))

        def on_progress(name: str, state: str) -> None:
            if state == "ready":
                bar.advance(task)
            elif state not in ("preparing", "starting", "creating"):
                bar.console.print(f"[dim]{name}: {state}[/]", soft_wrap=True)

        stack = await context.enter_async_context(running(settings, default_services(), on_progress))
    return stack


async def _play(addresses: Addresses, data_dir: Path, checks: Checks) -> None:
    run = uuid4().hex[:8]
    facts = make_facts(run)
    documents = await shared_documents()
    await _ingest(addresses.connection(), [*documents, *(fact.document for fact in facts)], checks)
    async with connect(addresses.connection()) as client:
        session = Session(
            addresses.connection(),
            addresses.traces_url,
            client,
            out,
            checks,
            run,
            facts,
            unrelated_question(documents),
            addresses.gateway_url,
            await _new_key(addresses, run),
            data_dir,
        )
        for scene in SCENES:
            try:
                await scene(session)
            except CliError as error:
                checks.that(
                    str(scene.__doc__).splitlines()[0], False, expected="a response", got=error.message
                )
    # Delete the documents of this run: the next run does not need them.
    await publish_documents(
        addresses.connection(),
        [deletion(f.document.document_id) for f in facts[1:]],
        "default",
        title="deleting facts",
    )


async def _new_key(addresses: Addresses, run: str) -> str:
    """An API key for this run, which expires in an hour."""
    async with open_keys(addresses) as store:
        expires = datetime.now(UTC) + timedelta(hours=1)
        return await store.table.create("default", f"demo-{run}", ("ask",), store.secret, expires)


async def _ingest(kafka: Kafka, documents: Sequence[Document], checks: Checks) -> None:
    began = time.monotonic()
    result = await publish_documents(
        kafka,
        [upsert(part) for document in documents for part in parts(document)],
        "default",
        title="indexing documentation",
    )
    out.print(f"{result.summary()} ({time.monotonic() - began:.0f} s)", soft_wrap=True)
    total = sum(result.passages.values())
    checks.that(
        f"{total} passages of real documentation indexed",
        result.complete and total >= MIN_PASSAGES,
        expected=f"at least {MIN_PASSAGES} passages and no failed document",
        got=result.summary(),
    )
