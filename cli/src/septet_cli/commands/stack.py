"""``septet stack up|down|status``: a stack in the background."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from septet_cli.console import err, examples, out, run
from septet_cli.errors import EXIT_FAILED, EXIT_OK, CliError, NoStack

if TYPE_CHECKING:
    from septet_native.stack.settings import StackSettings
    from septet_native.stack.state import State

app = typer.Typer(
    name="stack",
    help="A stack that runs in the background: start it, stop it, look at it.",
    no_args_is_help=True,
    epilog=examples(
        "septet stack up                      Kafka, OpenSearch, PostgreSQL and Jaeger, and all services",
        "septet stack up --stack embedded     the servers of `septet up`, in the background",
        "septet stack status                  state, memory, addresses, logs",
        "septet stack down                    stop exactly what was started",
    ),
)
Which = Annotated[str, typer.Option("--stack", help="`native` or `embedded`.")]
DataDir = Annotated[Path | None, typer.Option(help="Where everything is kept \\[default: .septet].")]


@app.command("up")
def up(stack: Which = "native", data_dir: DataDir = None) -> None:
    """Start the stack in the background, and wait until all of it is ready."""
    run(_up(_settings(stack, data_dir)))


@app.command("down")
def down(stack: Which = "native", data_dir: DataDir = None) -> None:
    """Stop the stack; harmless when none runs."""
    run(_down(_settings(stack, data_dir)))


@app.command("status")
def status(stack: Which = "native", data_dir: DataDir = None) -> None:
    """Show the stack; exit code 1 when it is not running or not whole."""
    run(_status(_settings(stack, data_dir)))


@app.command("address")
def address(
    server: Annotated[
        str, typer.Argument(help="`kafka`, `opensearch`, `traces`, `otlp`, `embeddings` or `llm`.")
    ],
    stack: Which = "native",
    data_dir: DataDir = None,
) -> None:
    """Print where one server of a running stack is reached; an empty line when it was left out."""
    run(_address(server, _settings(stack, data_dir)))


def _settings(stack: str, data_dir: Path | None) -> StackSettings:
    from septet_cli.embedded import stack_settings

    return stack_settings(stack, data_dir)


async def _up(settings: StackSettings) -> int:
    from septet_cli import daemon
    from septet_cli.commands.up import say

    began = time.monotonic()
    state, started = await daemon.start(settings, say)
    _show(state)
    said = f"ready after {time.monotonic() - began:.1f} s" if started else "already running"
    err.print(f"[green]{said}[/] (pid {state.pid}); stop it with `septet stack down`", highlight=False)
    return EXIT_OK


async def _down(settings: StackSettings) -> int:
    from septet_cli import daemon

    stopped = await daemon.stop(settings.places().data)
    err.print(f"stopped: {', '.join(stopped)}" if stopped else f"no {settings.stack} stack runs")
    return EXIT_OK


async def _status(settings: StackSettings) -> int:
    from septet_native.stack.start_progress import read_starting
    from septet_native.stack.state import read_state

    data_dir = settings.places().data
    if (starting := read_starting(data_dir)) is not None:
        latest: dict[str, Any] = dict(starting.steps)
        out.print(f"the {settings.stack} stack is starting (pid {starting.pid})")
        for name, step in latest.items():
            out.print(f"  {name:<12} {step}", highlight=False)
        return EXIT_FAILED
    state = read_state(data_dir)
    if state is None:
        out.print(f"no {settings.stack} stack runs on {data_dir}")
        return EXIT_FAILED
    _show(state)
    return EXIT_OK if all(process.state == "ready" for process in state.processes) else EXIT_FAILED


async def _address(server: str, settings: StackSettings) -> int:
    from septet_native.stack.state import read_state

    state = read_state(settings.places().data)
    if state is None:
        raise NoStack(f"No {settings.stack} stack runs.", "start it with `septet stack up`")
    at = state.addresses
    known = {
        "kafka": at.kafka, "opensearch": at.opensearch_url, "traces": at.traces_url,
        "otlp": at.otlp_endpoint, "embeddings": at.embeddings_url, "llm": at.llm_url,
    }  # fmt: skip
    if server not in known:
        raise CliError(f"There is no server {server}.", f"choose among {', '.join(known)}")
    print(known[server])
    return EXIT_OK


def _show(state: State) -> None:
    from datetime import UTC, datetime

    from septet_native.processes.process import memory_mb

    from septet_cli.screen import status_screen

    processes = [replace(p, rss_mb=memory_mb(p.pid)) if p.pid else p for p in state.processes]
    uptime = datetime.now(UTC) - datetime.fromisoformat(state.started_at)
    out.print(
        status_screen(processes, state.addresses, uptime.total_seconds(), state.missing, background=True)
    )
