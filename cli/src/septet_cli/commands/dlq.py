"""``septet dlq``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from septet_cli.console import err, examples, out, run
from septet_cli.errors import EXIT_OK, CliError

if TYPE_CHECKING:
    from septet_cli.dead_letters import DeadLetter

app = typer.Typer(
    help="List, show and re-drive dead letters: records that a service could not process.",
    epilog=examples(
        "septet dlq list",
        "septet dlq list guardrails --code malformed_json",
        "septet dlq show guardrails/3",
        "septet dlq redrive --code store_unavailable --rate 20",
    ),
    no_args_is_help=True,
    rich_markup_mode="rich",
)

Service = Annotated[
    str | None, typer.Argument(metavar="SERVICE", help="Only dead letters of this service \\[default: all].")
]
Code = Annotated[str | None, typer.Option(help="Only dead letters with this error code.")]


@app.command("list", help="List dead letters, oldest first.", epilog=examples("septet dlq list retrieval"))
def list_letters(service: Service = None, code: Code = None) -> None:
    """Print dead letters as a table."""
    run(_list(service, code))


async def _list(service: str | None, code: str | None) -> int:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("name", "at", "code", "from", "tries", "redrives", "reason"):
        table.add_column(column, overflow="fold", no_wrap=column in ("name", "code"))
    letters = await _read(service, code)
    for letter in letters:
        table.add_row(
            letter.name,
            letter.fact("at")[:19],
            letter.fact("code"),
            f"{letter.fact('topic')}/{letter.fact('partition')}@{letter.fact('offset')}",
            letter.fact("attempts"),
            str(letter.redrives),
            letter.fact("reason"),
        )
    if letters:
        out.print(table)
    err.print(f"[dim]{len(letters)} dead letters[/]")
    return EXIT_OK


@app.command(
    "show",
    help="Show the headers, key and value of one dead letter.",
    epilog=examples("septet dlq show guardrails/3"),
)
def show(
    name: Annotated[str, typer.Argument(metavar="SERVICE/OFFSET", help="Name from `septet dlq list`.")],
) -> None:
    """Print one dead letter."""
    run(_show(name))


async def _show(name: str) -> int:
    from rich.markup import escape

    service, _, _ = name.partition("/")
    found = next((letter for letter in await _read(service, None) if letter.name == name), None)
    if found is None:
        raise CliError(
            f"There is no dead letter {name}.", "give a name from `septet dlq list`, such as guardrails/3"
        )
    for key, value in found.record.headers:
        out.print(f"[bold]{key}[/]: {escape(value.decode('utf-8', 'replace'))}", soft_wrap=True)
    out.print(f"[bold]key[/]: {escape((found.record.key or b'').decode('utf-8', 'replace'))}")
    out.print(escape((found.record.value or b"").decode("utf-8", "replace")), soft_wrap=True)
    return EXIT_OK


@app.command(
    "redrive",
    help="Send dead letters to their source topics again, at most 3 times each.",
    epilog=examples(
        "septet dlq redrive guardrails/3", "septet dlq redrive --code embeddings_unavailable --rate 5"
    ),
)
def redrive(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="SERVICE/OFFSET…", help="Names from `septet dlq list`.")
    ] = None,
    code: Code = None,
    rate: Annotated[float, typer.Option(min=0.1, help="Records per second.")] = 10,
) -> None:
    """Re-drive dead letters by name or by error code."""
    run(_redrive(names or [], code, rate))


async def _redrive(names: list[str], code: str | None, rate: float) -> int:
    import asyncio

    from septet_cli.dead_letters import MAX_REDRIVES
    from septet_cli.dead_letters import redrive as send_again
    from septet_cli.target import locate
    from septet_cli.wire import open_producer

    if not names and code is None:
        raise CliError("No dead letters were selected.", "give names (guardrails/3) or --code CODE")
    letters = [letter for letter in await _read(None, code) if not names or letter.name in names]
    whole = [letter for letter in letters if letter.is_record]
    due = [letter for letter in whole if letter.redrives < MAX_REDRIVES]
    async with open_producer(locate().kafka) as producer:
        for letter in due:
            await send_again(producer, letter)
            await asyncio.sleep(1 / rate)
    out.print(f"{len(due)} sent again, {len(whole) - len(due)} skipped after {MAX_REDRIVES} re-drives")
    if skipped := len(letters) - len(whole):
        out.print(
            f"{skipped} skipped: undecoded bytes, or a record that was too large to keep (see `septet dlq show`)"
        )
    return EXIT_OK


async def _read(service: str | None, code: str | None) -> list[DeadLetter]:
    from septet_contracts import SERVICES

    from septet_cli.dead_letters import read_dead_letters
    from septet_cli.target import locate

    if service is not None and service not in SERVICES:
        raise CliError(f"There is no service {service}.", f"give one of {', '.join(SERVICES)}")
    letters = await read_dead_letters(locate().kafka, service)
    return [letter for letter in letters if code in (None, letter.fact("code"))]
