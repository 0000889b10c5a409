"""``septet stack``: a stack in the background."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from septet_cli.console import err, examples, out, run
from septet_cli.errors import EXIT_FAILED, EXIT_OK, CliError, NoStack
from septet_cli.options import DataDir

if TYPE_CHECKING:
    from septet_native.stack.settings import StackSettings
    from septet_native.stack.state import State

app = typer.Typer(
    name="stack",
    help="Start, stop and show a stack in the background.",
    no_args_is_help=True,
    epilog=examples(
        "septet stack up                      start Kafka, OpenSearch, PostgreSQL, Jaeger and all services",
        "septet stack up --stack embedded     start the servers of `septet up` instead",
        "septet stack status                  show state, memory, addresses and logs",
        "septet stack down                    stop what `septet stack up` started",
    ),
)
Which = Annotated[str, typer.Option("--stack", help="Which stack: `native` or `embedded`.")]


@app.command("up", epilog=examples("septet stack up", "septet stack up --stack embedded"))
def up(stack: Which = "native", data_dir: DataDir = None) -> None:
    """Start the stack in the background and wait until it is ready."""
    run(_up(_settings(stack, data_dir)))


@app.command("down", epilog=examples("septet stack down"))
def down(stack: Which = "native", data_dir: DataDir = None) -> None:
    """Stop the stack; do nothing if none runs."""
    run(_down(_settings(stack, data_dir)))


@app.command("status", epilog=examples("septet stack status"))
def status(stack: Which = "native", data_dir: DataDir = None) -> None:
    """Show the state of the stack. Exit code: 0 if all processes are ready, else 1."""
    run(_status(_settings(stack, data_dir)))


@app.command("address", epilog=examples("septet stack address opensearch"))
def address(
    server: Annotated[
        str,
        typer.Argument(
            metavar="SERVER", help="`kafka`, `opensearch`, `traces`, `otlp`, `embeddings` or `llm`."
        ),
    ],
    stack: Which = "native",
    data_dir: DataDir = None,
) -> None:
    """Print the address of a server; an empty line if the stack runs without it."""
    run(_address(server, _settings(stack, data_dir)))


def _settings(stack: str, data_dir: Path | None) -> StackSettings:
    from septet_cli.embedded import stack_settings

    return stack_settings(stack, data_dir)


async def _up(settings: StackSettings) -> int:
    from septet_cli import daemon
    from septet_cli.commands.up import gateway_note, print_step

    began = time.monotonic()
    state, started = await daemon.start(settings, print_step)
    _show(state)
    if any(process.name == "gateway" for process in state.processes):
        note = await gateway_note(state.addresses, make_key=started)
        out.print(f"\n{note}", soft_wrap=True, markup=False, highlight=False)
    outcome = f"ready after {time.monotonic() - began:.1f} s" if started else "already running"
    err.print(f"[green]{outcome}[/] (pid {state.pid}); stop it with `septet stack down`", highlight=False)
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
    addresses = state.addresses
    known = {
        "kafka": addresses.kafka,
        "opensearch": addresses.opensearch_url,
        "traces": addresses.traces_url,
        "otlp": addresses.otlp_endpoint,
        "embeddings": addresses.embeddings_url,
        "llm": addresses.llm_url,
    }
    if server not in known:
        raise CliError(f"There is no server {server}.", f"give one of {', '.join(known)}")
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
