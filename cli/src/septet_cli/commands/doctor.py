"""``septet doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from septet_cli.console import examples, out, run
from septet_cli.errors import EXIT_FAILED, EXIT_OK
from septet_cli.options import DataDir


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(
        "doctor",
        help="Check the machine, the settings and Kafka, and print a fix for each problem.\n\n"
        "Exit code: 0 without problems, else 1.",
        epilog=examples(
            "septet doctor",
            "septet doctor --stack native            also check the needs of the native stack",
            "septet doctor --data-dir /srv/septet",
        ),
    )(doctor)


def doctor(
    data_dir: DataDir = None,
    stack: Annotated[
        str | None, typer.Option(help="Stack to check: `embedded` or `native` \\[default: embedded].")
    ] = None,
) -> None:
    """Run the checks and print their results."""
    run(_doctor(data_dir, stack))


async def _doctor(data_dir: Path | None, stack: str | None) -> int:
    from rich.text import Text
    from septet_native.doctor.report import examine

    from septet_cli.embedded import stack_settings
    from septet_cli.kafka_checks import check_kafka
    from septet_cli.settings import CliSettings

    failed = 0
    given = {"data_dir": data_dir} if data_dir else {}
    found = await examine(stack_settings(stack, data_dir))
    for check in [*found, *await check_kafka(CliSettings().model_copy(update=given))]:
        mark = ("✓ ", "green") if check.ok else ("✗ ", "red")
        out.print(Text.assemble(mark, (check.name, "bold"), "  ", check.detail), soft_wrap=True)
        if not check.ok:
            failed += 1
            out.print(Text.assemble(("  fix: ", "green"), check.fix or ""), soft_wrap=True)
    out.print(
        f"{failed} problem{'' if failed == 1 else 's'} found" if failed else "[green]no problems found[/]"
    )
    return EXIT_FAILED if failed else EXIT_OK
