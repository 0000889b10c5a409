"""``septet stub-model``."""

from __future__ import annotations

from typing import Annotated

import typer

from septet_cli.console import examples, out, run
from septet_cli.errors import CliError


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(
        "stub-model",
        help="Serve an OpenAI-compatible stub model for load and fault tests. It quotes the first passage.",
        epilog=examples(
            "septet stub-model --port 8099",
            "septet stub-model --latency-ms 200 --tokens-per-s 50",
            "septet stub-model --fail-rate 0.1            every tenth call fails with status 503",
            "septet stub-model --hang                     accepts calls and never responds",
            'septet stub-model --says "Hello."              plays a broken prompt',
            "curl -s localhost:8099/calls                 number of calls",
        ),
    )(stub_model)


def stub_model(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on loopback; 0 picks a free one.")] = 8099,
    latency_ms: Annotated[float, typer.Option(min=0, help="Milliseconds before the first token.")] = 0,
    tokens_per_s: Annotated[float, typer.Option(min=0, help="Tokens per second; 0 sends all at once.")] = 0,
    fail_rate: Annotated[float, typer.Option(min=0, max=1, help="Share of failed calls.")] = 0,
    hang: Annotated[bool, typer.Option("--hang", help="Accept calls and never respond.")] = False,
    says: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Answer every question with this text.")
    ] = None,
) -> None:
    """Serve until Ctrl-C."""
    from septet_cli.stub.server import StubOptions

    run(_serve(StubOptions(port, latency_ms, tokens_per_s, fail_rate, hang, says=says)))


async def _serve(options: object) -> int:
    import asyncio

    from septet_cli.stub.server import StubOptions, serve_stub

    assert isinstance(options, StubOptions)
    try:
        async with serve_stub(options) as url:
            out.print(f"SEPTET_LLM_URL={url}")
            await asyncio.Event().wait()
    except OSError as error:
        raise CliError(
            f"--port {options.port} cannot be used: {error.strerror}",
            "give another --port, or 0 for a free one",
        ) from error
    return 0
