"""``septet eval judge labels``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from septet_cli.console import err, examples, run
from septet_cli.errors import EXIT_OK, CliError
from septet_cli.options import tenant_of

if TYPE_CHECKING:
    from septet_cli.wire import Record

MAX_LABELS = 1_000_000
"""Labels that are read; the newest ones."""


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(
        "labels",
        help="Write labelled data for `calibrate` from explicit feedback on live answers.\n\n"
        "A correction is a pair for `pairwise`; thumbs and ratings rate an answer for the other protocols. Personal "
        "data is masked. The log keeps 7 days.",
        epilog=examples(
            "septet eval judge labels labels.jsonl",
            "septet eval judge labels labels.jsonl --hours 24 --tenant acme",
        ),
    )(labels)


def labels(
    to: Annotated[Path, typer.Argument(metavar="FILE", help="JSONL file to write.")],
    hours: Annotated[float, typer.Option(min=0.01, max=720, help="Hours of the log to read.")] = 168,
    tenant: Annotated[str | None, tenant_of("labels")] = None,
) -> None:
    """Read the labels of the log."""
    run(_labels(to, hours, tenant))


async def _labels(to: Path, hours: float, tenant: str | None) -> int:
    import json
    from datetime import UTC, datetime, timedelta

    from septet_contracts import ContractError, decode, topic

    from septet_cli.commands.evaluation.run import tenant_or_default
    from septet_cli.evaluation.labelled_feedback import labelled_line
    from septet_cli.target import locate
    from septet_cli.window import read_window

    wanted, lines = tenant_or_default(tenant) or "default", dict[str, str]()

    def receive(record: Record) -> None:
        try:
            label = decode(topic("labels"), record.value)
        except ContractError:
            return
        line = labelled_line(label) if label.tenant == wanted else None
        if line is not None:
            lines[line["id"]] = json.dumps(line, ensure_ascii=False) + "\n"

    since = datetime.now(UTC) - timedelta(hours=hours)
    with err.status("[dim]reading the log …[/]"):
        await read_window(locate().kafka, topic("labels").name, since, MAX_LABELS, receive)
    _write(to, lines.values())
    err.print(f"{len(lines)} labels")
    return EXIT_OK


def _write(to: Path, lines: Iterable[str]) -> None:
    try:
        to.write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        raise CliError(f"{to}: {error.strerror}", "give a path that can be written") from error
