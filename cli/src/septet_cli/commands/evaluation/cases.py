"""``septet eval cases``."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from septet_cli.commands.evaluation.errors import as_cli_errors
from septet_cli.console import err, examples, fail
from septet_cli.console import run as run_command
from septet_cli.errors import EXIT_INTERRUPTED, EXIT_OK, CliError
from septet_cli.options import tenant_of

if TYPE_CHECKING:
    from septet_client.ports import Log
    from septet_contracts import Label

    from septet_cli.evaluation.case_file import CaseFile
    from septet_cli.evaluation.from_feedback import FeedbackCases
    from septet_cli.evaluation.from_traffic import TrafficCases
    from septet_cli.wire import Record

FOLLOW_S = 0.5

app = typer.Typer(
    help="Make cases of a suite from the log.",
    epilog=examples(
        "septet eval cases from-traffic --to evals/support/traffic.jsonl --sample 200",
        "septet eval cases from-feedback --to evals/support/feedback.jsonl",
    ),
    no_args_is_help=True,
    rich_markup_mode="rich",
)

To = Annotated[
    Path | None,
    typer.Option("--to", metavar="FILE", help="Add the cases to this file \\[default: print them]."),
]
Hours = Annotated[float, typer.Option(min=0.01, max=720, help="Hours of the log to read.")]
Limit = Annotated[int, typer.Option(min=1, max=1_000_000, help="Records to read; the newest ones.")]
Tenant = Annotated[str | None, tenant_of("requests")]


@app.command(
    "from-traffic",
    help="Make cases from logged requests: one for each different question.\n\n"
    "The questions are as after the input rails, and are searched for personal data again. Requests of evaluation runs, "
    "failed ones, small talk and checks are left out, and blocked ones unless you ask for them. The cases have no "
    "references: add them, or use metrics that need none. The log keeps 7 days.",
    epilog=examples(
        "septet eval cases from-traffic --hours 24 > cases.jsonl",
        "septet eval cases from-traffic --to evals/support/traffic.jsonl --sample 200 --seed 7",
        "septet eval cases from-traffic --where status=answered --where language=ko,en --where policy=default",
        "septet eval cases from-traffic --where status=blocked --sample 50",
    ),
)
def from_traffic(
    to: To = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=VALUE,…",
            help="status, language, policy, model, answer_kind or tenant \\[default: status=answered,abstained].",
        ),
    ] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="So many cases, drawn at random \\[default: all].")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the sample.")] = 1,
    hours: Hours = 24,
    limit: Limit = 20_000,
    tenant: Tenant = None,
) -> None:
    """Read outcomes, and write a case for each question."""
    from septet_cli.commands.evaluation.run import tenant_or_default
    from septet_cli.evaluation.case_file import CaseFile
    from septet_cli.evaluation.from_traffic import TrafficCases, filters_of

    try:
        filters = filters_of(where or ())
        with as_cli_errors():
            file = CaseFile(to)
    except CliError as error:
        fail(error)
    if "tenant" not in filters:
        filters["tenant"] = frozenset({tenant_or_default(tenant) or "default"})
    made = TrafficCases(filters, file.questions())
    run_command(_from_traffic(made, file, (sample, seed), hours, limit))


async def _from_traffic(
    made: TrafficCases, file: CaseFile, sampling: tuple[int | None, int], hours: float, limit: int
) -> int:
    from septet_contracts import ContractError, decode, topic

    from septet_cli.target import locate
    from septet_cli.window import read_window
    from septet_cli.wire import header

    outcomes = topic("outcomes")

    def receive(record: Record) -> None:
        try:
            outcome = decode(outcomes, record.value)
        except ContractError:
            return
        made.add(outcome, _trace_of(header(record, "traceparent")))

    since = datetime.now(UTC) - timedelta(hours=hours)
    with err.status("[dim]reading the log …[/]"):
        cut = await read_window(locate().kafka, outcomes.name, since, limit, receive)
    if cut is not None:
        err.print(
            f"[yellow]--limit {limit} was reached[/]: this is the traffic since {cut:%Y-%m-%d %H:%M:%S} UTC"
        )
    cases = made.sample(*sampling)
    for case in cases:
        file.add(case)
    err.print(f"{len(cases)} cases; personal data was masked in {made.scrubbed} of all that were read")
    return EXIT_OK


def _trace_of(traceparent: str | None) -> str | None:
    parts = (traceparent or "").split("-")
    return parts[1] if len(parts) == 4 and len(parts[1]) == 32 else None


@app.command(
    "from-feedback",
    help="Make cases from feedback: each answer that a user rejected becomes a case.\n\n"
    "A thumbs-down, a rating of 1 or 2, or a flagged source gives a case without a reference. A correction gives the "
    "corrected answer as the reference, also to a case that exists. Personal data is masked. With --follow the command "
    "stays, and adds a case within seconds after the feedback.",
    epilog=examples(
        "septet eval cases from-feedback --to evals/support/feedback.jsonl",
        "septet eval cases from-feedback --to evals/support/feedback.jsonl --hours 168 --follow",
        "septet eval cases from-feedback --tenant acme > cases.jsonl",
    ),
)
def from_feedback(
    to: To = None,
    hours: Hours = 168,
    limit: Limit = 20_000,
    follow: Annotated[
        bool, typer.Option("--follow", help="Stay and add cases as labels arrive (Ctrl-C ends).")
    ] = False,
    tenant: Tenant = None,
) -> None:
    """Read labels, and write a case for each rejected answer."""
    from septet_cli.commands.evaluation.run import tenant_or_default
    from septet_cli.commands.up import until_signalled
    from septet_cli.evaluation.case_file import CaseFile
    from septet_cli.evaluation.from_feedback import FeedbackCases

    try:
        with as_cli_errors():
            file = CaseFile(to)
    except CliError as error:
        fail(error)
    made = FeedbackCases(file, tenant_or_default(tenant) or "default")
    work = _from_feedback(made, hours, limit, follow=follow)
    run_command(until_signalled(work, when_stopped=EXIT_OK if follow else EXIT_INTERRUPTED))


async def _from_feedback(made: FeedbackCases, hours: float, limit: int, *, follow: bool) -> int:
    from septet_contracts import ContractError, decode, topic

    from septet_cli.log import open_log
    from septet_cli.tail import tail
    from septet_cli.target import locate
    from septet_cli.window import read_window

    labels, kafka = topic("labels"), locate().kafka
    since = datetime.now(UTC) - timedelta(hours=hours)
    arrived: asyncio.Queue[Label] = asyncio.Queue()

    def receive(record: Record) -> None:
        try:
            label: Label = decode(labels, record.value)
        except ContractError:
            return
        if made.accepts(label):
            arrived.put_nowait(label)

    try:
        async with open_log(kafka) as log:
            if not follow:
                await read_window(kafka, labels.name, since, limit, receive)
                await _write(made, log, arrived, since)
                return EXIT_OK
            # Follow first: a label that arrives while the window is read is then seen, at most twice.
            async with tail(kafka, [labels.name], receive) as reading:
                await read_window(kafka, labels.name, since, limit, receive)
                while not reading.done():
                    await _write(made, log, arrived, since, show=True)
                    await asyncio.sleep(FOLLOW_S)
                reading.result()
        return EXIT_OK
    finally:
        err.print(f"{made.written} cases were written; personal data was masked in {made.scrubbed}")


async def _write(
    made: FeedbackCases, log: Log, arrived: asyncio.Queue[Label], since: datetime, *, show: bool = False
) -> None:
    """Write the cases of the labels that have arrived."""
    from septet_cli.evaluation.from_feedback import outcome_of

    while not arrived.empty():
        label = arrived.get_nowait()
        case = made.add(label, await outcome_of(log, label, since))
        if case is not None and show:
            err.print(f"{case.id}: {case.question}", markup=False, highlight=False)
