"""``septet demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from septet_cli.console import examples, run
from septet_cli.errors import EXIT_INTERRUPTED


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(
        "demo",
        help="Show the main job on real documents, from start to stop, and check each point of it.\n\n"
        "Ends with `demo: N passed, M failed`; exit code 0 only when M is 0.",
        epilog=examples(
            "septet demo",
            "septet demo --data-dir /tmp/septet-demo",
            "septet demo --keep     then try `septet ask`",
        ),
    )(demo)


def demo(
    data_dir: Annotated[
        Path | None, typer.Option(help="Where the stack keeps its data \\[default: .septet].")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the stack running afterwards, until Ctrl-C.")
    ] = False,
) -> None:
    """Run the demo."""
    from septet_cli.commands.up import until_signalled
    from septet_cli.demo.show import run_demo

    run(until_signalled(run_demo(data_dir, keep=keep), when_stopped=EXIT_INTERRUPTED))
