"""``septet trace``."""

from __future__ import annotations

from typing import Annotated

import typer

from septet_cli.console import examples, out, run
from septet_cli.errors import EXIT_OK, CliError


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(
        "trace",
        help="Draw a request's trace: every hop, model call and query, and where the time went.",
        epilog=examples(
            "septet trace ask-1f00",
            "septet trace 4bf92f3577b34da6a3ce929d0e0e4736",
            "septet trace ask-1f00 --json",
        ),
    )(trace)


def trace(
    name: Annotated[str, typer.Argument(metavar="REQUEST_ID|TRACE_ID", help="What to look up.")],
    tenant: Annotated[str | None, typer.Option(help="Whose request.")] = None,
    queries: Annotated[bool, typer.Option("--queries", help="Show database queries one by one.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the trace as the query API gives it.")
    ] = False,
) -> None:
    """Look the trace up and draw it."""
    from septet_cli.settings import CliSettings

    run(_trace(name, tenant or CliSettings().tenant, queries, as_json))


async def _trace(name: str, tenant: str, queries: bool, as_json: bool) -> int:
    from septet_cli.render import trace_page
    from septet_cli.running import locate
    from septet_cli.traces import settled_trace, trace_id_of
    from septet_cli.waterfall import render

    target = locate()
    if target.traces_url is None:
        raise CliError("No trace server is known.", "set SEPTET_TRACES_URL (embedded stack or Jaeger)")
    trace_id = await trace_id_of(target.kafka, target.traces_url, name, tenant)
    found = await settled_trace(target.traces_url, trace_id)
    if found is None:
        raise CliError(
            f"The trace {trace_id} is not kept any more.", "traces are kept for a while only: ask again"
        )
    if as_json:
        out.print_json(data=found)
        return EXIT_OK
    out.print(render(found, queries=queries))
    out.print(f"[dim]{trace_page(target.traces_url, trace_id)}[/]", soft_wrap=True)
    return EXIT_OK
