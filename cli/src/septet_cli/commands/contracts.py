"""``septet contracts``."""

from __future__ import annotations

import typer

from septet_cli.console import examples


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(
        "contracts",
        help="Check, freeze and print the contracts of the topics (the same as `python -m septet_contracts`).",
        epilog=examples(
            "septet contracts check",
            "septet contracts freeze",
            "septet contracts schema requests",
            "septet contracts asyncapi",
        ),
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    )(contracts)


def contracts(context: typer.Context) -> None:
    """Pass the arguments to ``python -m septet_contracts``."""
    import runpy
    import sys

    sys.argv = ["septet contracts", *context.args]
    runpy.run_module("septet_contracts", run_name="__main__", alter_sys=False)
