"""``septet trace``."""

from __future__ import annotations

from typing import Annotated

import typer

from septet_cli.console import examples, out, run
from septet_cli.errors import EXIT_OK, CliError
from septet_cli.options import tenant_of


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(
        "trace",
        help="Show the trace of a request as a waterfall of hops, model calls and queries.",
        epilog=examples(
            "septet trace ask-1f00",
            "septet trace 4bf92f3577b34da6a3ce929d0e0e4736",
            "septet trace ask-1f00 --json",
        ),
    )(trace)


def trace(
    name: Annotated[str, typer.Argument(metavar="REQUEST_ID|TRACE_ID", help="Id from `septet ask`.")],
    tenant: Annotated[str | None, tenant_of("request")] = None,
    queries: Annotated[bool, typer.Option("--queries", help="Show each database query.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the trace as JSON of the query API.")
    ] = False,
) -> None:
    """Read the trace and show it."""
    from septet_cli.settings import CliSettings

    run(_trace(name, tenant or CliSettings().tenant, queries, as_json))


async def _trace(name: str, tenant: str, queries: bool, as_json: bool) -> int:
    from septet_cli.render import trace_page
    from septet_cli.target import locate
    from septet_cli.traces import complete_trace, trace_id_of
    from septet_cli.waterfall import render

    target = locate()
    if target.traces_url is None:
        raise CliError(
            "No trace server is set.",
            "set SEPTET_TRACES_URL to the URL of Jaeger or of the embedded receiver",
        )
    trace_id = await trace_id_of(target.kafka, target.traces_url, name, tenant)
    found = await complete_trace(target.traces_url, trace_id)
    if found is None:
        raise CliError(
            f"The trace server has no trace {trace_id}.",
            "check the id; older traces are deleted, so repeat the request for a new trace",
        )
    if as_json:
        out.print_json(data=found)
        return EXIT_OK
    out.print(render(found, queries=queries))
    out.print(f"[dim]{trace_page(target.traces_url, trace_id)}[/]", soft_wrap=True)
    return EXIT_OK
