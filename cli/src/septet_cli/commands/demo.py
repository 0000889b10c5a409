"""``septet demo``."""

from __future__ import annotations

from typing import Annotated

import typer

from septet_cli.console import examples, run
from septet_cli.errors import EXIT_INTERRUPTED
from septet_cli.options import DataDir


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(
        "demo",
        help="Start a stack, ingest real documents, and show and check answers, caching, guardrails and traces.\n\n"
        "The last line is `demo: N passed, M failed`; the exit code is 0 when M is 0.",
        epilog=examples(
            "septet demo",
            "septet demo --data-dir /tmp/septet-demo",
            "septet demo --keep                          keep the stack running, for `septet ask`",
        ),
    )(demo)


def demo(
    data_dir: DataDir = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the stack running after the last scene, until Ctrl-C.")
    ] = False,
) -> None:
    """Run the demo."""
    from septet_cli.commands.up import until_signalled
    from septet_cli.demo.show import run_demo

    run(until_signalled(run_demo(data_dir, keep=keep), when_stopped=EXIT_INTERRUPTED))
