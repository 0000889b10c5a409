"""``septet tenants``."""

from __future__ import annotations

from typing import Annotated

import typer

from septet_cli.console import err, examples, out, run
from septet_cli.errors import EXIT_FAILED, EXIT_OK


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(
        "tenants",
        help="List the tenants of the tenants file and the topics of each.",
        epilog=examples(
            "septet tenants",
            "septet tenants --check            exit code 1 if a topic is missing",
            "septet tenants --json | jq '.[] | select(.topics == \"own\")'",
        ),
    )(tenants)


def tenants(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Check that the topics exist on the broker.")
    ] = False,
) -> None:
    """Read the tenants file and print its tenants."""
    run(_tenants(as_json, check))


async def _tenants(as_json: bool, check: bool) -> int:
    from rich.table import Table
    from septet_contracts import client_access

    from septet_cli.tenancy import known_tenants

    known = known_tenants()
    missing = await _missing([t.name for t in known.topics()]) if check else []
    if as_json:
        rows = [{"name": n, "topics": "own" if n in known.own else "shared"} for n in sorted(known.names)]
        out.print_json(data=rows)
    else:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for title in ("tenant", "writes", "reads"):
            table.add_column(title)
        for name in sorted(known.names):
            access = client_access(name) if name in known.own else None
            table.add_row(
                name,
                "\n".join(access.writes) if access else "the shared topics",
                "\n".join(access.reads) if access else "the shared topics",
            )
        out.print(table)
    for topic in missing:
        err.print(f"[red]missing[/] {topic}: create it with `septet kafka apply`")
    return EXIT_FAILED if missing else EXIT_OK


async def _missing(names: list[str]) -> list[str]:
    from septet_cli.target import locate
    from septet_cli.topics import existing_topics

    return sorted(set(names) - await existing_topics(locate().kafka))
