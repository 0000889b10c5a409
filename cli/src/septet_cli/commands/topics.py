"""``septet topics``."""

from __future__ import annotations

from typing import Annotated

import typer

from septet_cli.console import examples, out, run
from septet_cli.errors import EXIT_OK

WIDE = 110
"""Terminal width from which the table also describes each topic."""


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(
        "topics",
        help="List the topics with their number of records and the lag of each service.",
        epilog=examples("septet topics", "septet topics --json | jq '.[] | select(.lag != {})'"),
    )(topics)


def topics(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Read the offsets and print the table."""
    run(_topics(as_json))


async def _topics(as_json: bool) -> int:
    from dataclasses import asdict

    from rich.table import Table

    from septet_cli.target import locate
    from septet_cli.topics import topic_states

    states = await topic_states(locate().kafka)
    if as_json:
        out.print_json(data=[asdict(state) for state in states])
        return EXIT_OK
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("septet.…", no_wrap=True)
    table.add_column("records", justify="right", no_wrap=True)
    table.add_column("lag by group", no_wrap=out.width >= WIDE)
    if out.width >= WIDE:
        table.add_column("content", style="dim", no_wrap=True, overflow="ellipsis")
    for state in states:
        lag = "  ".join(
            f"[{'red' if n else 'green'}]{group} {n}[/]" for group, n in sorted(state.lag.items())
        )
        records = f"[red]{state.depth}[/]" if ".dead." in state.name and state.depth else str(state.depth)
        about = (state.about,) if out.width >= WIDE else ()
        table.add_row(state.name.removeprefix("septet."), records, lag, *about)
    out.print(table)
    return EXIT_OK
