"""``septet reindex``: runs the reindex command of the retrieval service."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from septet_cli.console import err, examples, out, progress, report, run

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

SERVICE = "septet_retrieval"


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(
        "reindex",
        help="Rebuild the OpenSearch index and move its alias to the new version.\n\n"
        "Searches and writes continue during the run. An interrupted run resumes.",
        epilog=examples(
            "septet reindex                 after a change of mapping or shards, or to repair the index",
            "septet reindex --if-needed     only if the layout changed (for deployments)",
            "septet reindex --keep-old      keep the previous version",
        ),
    )(reindex)


def reindex(
    if_needed: Annotated[
        bool, typer.Option("--if-needed", help="Rebuild only if the layout changed.")
    ] = False,
    keep_old: Annotated[
        bool, typer.Option("--keep-old", help="Keep the previous version of the index.")
    ] = False,
    batch: Annotated[int, typer.Option(min=1, help="Documents per write.")] = 500,
) -> None:
    """Run the service's command and show its progress."""
    options = [f"--batch={batch}"]
    options += ["--if-needed"] if if_needed else []
    options += ["--keep-old"] if keep_old else []
    run(_reindex(options))


async def _reindex(options: list[str]) -> int:
    """Run the service's command and return its exit code. It receives Ctrl-C itself."""
    command = (sys.executable, "-m", SERVICE, "reindex", "--json", *options)
    child = await asyncio.create_subprocess_exec(*command, stdout=PIPE, env={**_environment(), **os.environ})
    assert child.stdout is not None
    try:
        with progress() as bar:
            task = bar.add_task("reindex", total=None)
            async for line in child.stdout:
                _show(json.loads(line), bar, task)
        return await child.wait()
    except asyncio.CancelledError:
        await child.wait()
        err.print("interrupted; run the command again to resume")
        raise
    finally:
        if child.returncode is None:
            child.terminate()
            await child.wait()


def _environment() -> Mapping[str, str]:
    """Variables of the retrieval service of the local stack; those of this process override them."""
    from septet_native.stack.state import find_state

    from septet_cli.settings import CliSettings

    state = find_state(CliSettings().data_dir)
    return state.addresses.environment("retrieval") if state else {}


def _show(event: Mapping[str, Any], bar: Progress, task: TaskID) -> None:
    """Show one event of the service's command."""
    match event["event"]:
        case "progress":
            bar.update(task, description=event["version"], completed=event["done"], total=event["total"])
        case "current":
            out.print(f"{event['version']} has the current layout; nothing to do")
        case "done":
            replaced = f" and replaces {event['before']}" if event["before"] else ""
            out.print(f"{event['version']} is in use{replaced}: {event['documents']} documents")
            if event["rejected"]:
                err.print(f"[red]{event['rejected']} documents were rejected[/]; the lines above name them")
        case "interrupted":
            err.print(f"interrupted: {event['fix']}")
        case "failed":
            report(event["message"], event["fix"] or "run the command again to resume")
        case _:
            err.print_json(data=dict(event))
