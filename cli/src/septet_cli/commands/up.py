"""``septet up``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from septet_cli.console import err, examples, fail, out, run
from septet_cli.errors import EXIT_OK, CliError
from septet_cli.options import DataDir

if TYPE_CHECKING:
    from septet_native.stack.addresses import Addresses
    from septet_native.stack.stack import Stack

# Reading the memory of a dozen processes takes several milliseconds of CPU.
REFRESH_S = 2.0


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(
        "up",
        help="Start all servers and services on this machine, in the foreground. Ctrl-C stops them.",
        epilog=examples(
            "septet up",
            "septet up --stack native                        Kafka with ACLs, OpenSearch, PostgreSQL, Jaeger",
            "septet up --data-dir /srv/septet",
            "septet up --stub-model                          with a stub of the model, for load tests",
            "SEPTET_LLM_URL=http://host:8000/v1 septet up    with your own model",
        ),
    )(up)


def up(
    data_dir: DataDir = None,
    stack: Annotated[
        str | None, typer.Option(help="Stack to start: `embedded` or `native` \\[default: embedded].")
    ] = None,
    stub_model: Annotated[
        bool, typer.Option("--stub-model", help="Start a stub instead of the language model.")
    ] = False,
    only: Annotated[
        str | None,
        typer.Option(
            help="Services to start, such as `guardrails,cache` \\[default: all, and `judge` only with SEPTET_JUDGE_URL]."
        ),
    ] = None,
    no_key: Annotated[
        bool, typer.Option("--no-key", help="Create no API key for a gateway that has none.")
    ] = False,
) -> None:
    """Start the stack, show its status, and stop it on Ctrl-C."""
    from septet_native.services import ALL_SERVICES, default_services

    services = tuple(name.strip() for name in only.split(",")) if only else default_services()
    unknown = set(services) - set(ALL_SERVICES)
    if unknown:
        fail(
            CliError(
                f"--only: there is no service {sorted(unknown)[0]}.",
                f"give some of {', '.join(ALL_SERVICES)}",
            )
        )
    run(until_signalled(_up(stack, data_dir, stub_model, services, not no_key)))


async def until_signalled(work: Coroutine[Any, Any, int], *, when_stopped: int = EXIT_OK) -> int:
    """Run *work*; cancel it on SIGINT, SIGTERM or SIGHUP and wait for its clean-up.

    Returns the exit code of *work*, or *when_stopped* after a signal.
    """
    import signal

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    task, stopped = asyncio.ensure_future(work), asyncio.create_task(stop.wait())
    await asyncio.wait([task, stopped], return_when=asyncio.FIRST_COMPLETED)
    if not task.done():
        err.print("[dim]stopping …[/]")
        task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    stopped.cancel()
    return when_stopped if task.cancelled() else int(task.result())


async def _up(
    stack: str | None, data_dir: Path | None, stub_model: bool, services: tuple[str, ...], make_key: bool
) -> int:
    from contextlib import AsyncExitStack

    from septet_cli.embedded import running, stack_settings

    async with AsyncExitStack() as context:
        given: dict[str, Any] = {}
        if stub_model:
            from septet_cli.stub.server import StubOptions, serve_stub

            given = {
                "llm_url": await context.enter_async_context(serve_stub(StubOptions())),
                "llm_model": "stub",
            }
        began = time.monotonic()
        settings = stack_settings(stack, data_dir, **given)
        up = await context.enter_async_context(running(settings, services, print_step))
        err.print(f"[green]ready[/] after {time.monotonic() - began:.1f} s")
        await _show(up, await gateway_note(up.addresses, make_key) if "gateway" in services else "")
    return EXIT_OK


def print_step(name: str, state: str) -> None:
    """Print one step of a start as a line on stderr."""
    style = "green" if state == "ready" else "yellow" if state.startswith("left out") else "dim"
    err.print(f"{name:<12} {state}", style=style, markup=False)


async def gateway_note(addresses: Addresses | None, make_key: bool) -> str:
    """How to use the gateway's API. Creates a key if ``make_key`` is true and there is none."""
    from septet_cli.keys import first_key, introduction

    assert addresses is not None
    return introduction(addresses.gateway_url, await first_key(addresses) if make_key else None)


async def _show(stack: Stack, note: str) -> None:
    """Show the status screen on a terminal, else print a line for each change of state."""
    if out.is_terminal:
        await _show_live(stack, note)
        return
    if stack.addresses is not None:
        out.print(
            f"kafka {stack.addresses.kafka}\ntraces {stack.addresses.traces_url}\ndata {stack.addresses.data_dir}"
        )
        out.print(note, soft_wrap=True, markup=False, highlight=False)
    known = {p.name: p.state for p in stack.status()}
    while True:
        await asyncio.sleep(REFRESH_S)
        for process in stack.status():
            if known.get(process.name) != process.state:
                out.print(f"{process.name} {process.state} (restarts {process.restarts}, log {process.log})")
            known[process.name] = process.state


async def _show_live(stack: Stack, note: str) -> None:
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    from septet_cli.screen import status_screen

    assert stack.addresses is not None
    began = time.monotonic()
    with Live(console=out, auto_refresh=False, screen=True) as live:
        while True:
            live.update(
                Group(
                    status_screen(stack.status(), stack.addresses, time.monotonic() - began, stack.missing),
                    Text(f"\n{note}"),
                ),
                refresh=True,
            )
            await asyncio.sleep(REFRESH_S)
