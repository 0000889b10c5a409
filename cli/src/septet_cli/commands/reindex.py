"""``septet reindex``: has the retrieval service's package rebuild its OpenSearch index."""

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
        help="Build the OpenSearch index anew, and move its alias to it. Searches and writes go on meanwhile; "
        "a run that was ended goes on where it stood.",
        epilog=examples(
            "septet reindex                 after a change of the mapping, of the shards, or of a broken index",
            "septet reindex --if-needed     only where the layout has changed (for deployments)",
            "septet reindex --keep-old      keep the version that the alias leaves",
        ),
    )(reindex)


def reindex(
    if_needed: Annotated[
        bool, typer.Option("--if-needed", help="Only where the layout has changed.")
    ] = False,
    keep_old: Annotated[bool, typer.Option("--keep-old", help="Keep the version before.")] = False,
    batch: Annotated[int, typer.Option(min=1, help="Documents written together.")] = 500,
) -> None:
    """Run the service's own command, and show how far it is."""
    options = [f"--batch={batch}"]
    options += ["--if-needed"] if if_needed else []
    options += ["--keep-old"] if keep_old else []
    run(_reindex(options))


async def _reindex(options: list[str]) -> int:
    """The exit code of the service's command. Ctrl-C reaches it too, and it ends by itself."""
    command = (sys.executable, "-m", SERVICE, "reindex", "--json", *options)
    child = await asyncio.create_subprocess_exec(*command, stdout=PIPE, env={**_environment(), **os.environ})
    assert child.stdout is not None
    try:
        with progress() as bar:
            shown = bar.add_task("reindex", total=None)
            async for line in child.stdout:
                _show(json.loads(line), bar, shown)
        return await child.wait()
    except asyncio.CancelledError:
        await child.wait()
        err.print("interrupted: run it again, and it goes on where it stood")
        raise
    finally:
        if child.returncode is None:
            child.terminate()
            await child.wait()


def _environment() -> Mapping[str, str]:
    """Addresses of the stack that runs here, as its retrieval service has them. What the environment says goes
    before them."""
    from septet_native.stack.state import find_state

    from septet_cli.settings import CliSettings

    state = find_state(CliSettings().data_dir)
    return state.addresses.environment("retrieval") if state else {}


def _show(fact: Mapping[str, Any], bar: Progress, shown: TaskID) -> None:
    match fact["event"]:
        case "progress":
            bar.update(shown, description=fact["version"], completed=fact["done"], total=fact["total"])
        case "current":
            out.print(f"{fact['version']} has the current layout: nothing to do")
        case "done":
            before = f", in place of {fact['before']}" if fact["before"] else ""
            out.print(f"{fact['version']} is in use{before}: {fact['documents']} documents")
            if fact["rejected"]:
                err.print(f"[red]{fact['rejected']} documents were rejected[/]; the log says which")
        case "interrupted":
            err.print(f"interrupted: {fact['fix']}")
        case "failed":
            report(fact["message"], fact["fix"] or "run it again: it goes on where it stood")
        case _:
            err.print_json(data=dict(fact))
