"""``septet doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from septet_cli.console import examples, out, run
from septet_cli.errors import EXIT_FAILED, EXIT_OK


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(
        "doctor",
        help="Say what is missing or misconfigured, and how to fix it. Exit code 1 when something is.",
        epilog=examples("septet doctor", "septet doctor --data-dir /srv/septet"),
    )(doctor)


def doctor(
    data_dir: Annotated[
        Path | None, typer.Option(help="Data directory to look at \\[default: .septet].")
    ] = None,
) -> None:
    """Run the checks and print them."""
    run(_doctor(data_dir))


async def _doctor(data_dir: Path | None) -> int:
    from rich.text import Text
    from septet_native.doctor import examine
    from septet_native.settings import StackSettings

    given: dict[str, Any] = {"data_dir": data_dir} if data_dir else {}
    settings = StackSettings(**given)
    failed = 0
    for check in await examine(settings):
        mark = ("✓ ", "green") if check.ok else ("✗ ", "red")
        out.print(Text.assemble(mark, (check.name, "bold"), "  ", check.detail), soft_wrap=True)
        if not check.ok:
            failed += 1
            out.print(Text.assemble(("  fix: ", "green"), check.fix or ""), soft_wrap=True)
    out.print(
        f"{failed} problem{'' if failed == 1 else 's'} found" if failed else "[green]nothing is wrong[/]"
    )
    return EXIT_FAILED if failed else EXIT_OK
