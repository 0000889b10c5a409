"""``septet cache``."""

from __future__ import annotations

import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from septet_cli.console import err, examples, fail, out, progress, run
from septet_cli.errors import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_NOT_ANSWERED, EXIT_OK, CliError
from septet_cli.options import tenant_of

if TYPE_CHECKING:
    from septet_cli.caching.questions import Run, WarmRequest
    from septet_cli.caching.traffic import Traffic
    from septet_cli.caching.warm import WarmReport

PATIENCE_S = 65.0
"""Deadline of a request without one (60 s), and time for its release to arrive."""
BAD_LINES = 10

app = typer.Typer(
    help="Compute answers before they are asked for, and report what the cache serves.",
    epilog=examples(
        "septet cache warm faq.txt       compute and store the answers to these questions",
        "septet cache warm --top 50      compute the most frequent questions without a stored answer",
        "septet cache advise             what repeats, what the cache served, and what to change",
    ),
    no_args_is_help=True,
    rich_markup_mode="rich",
)

Hours = Annotated[
    float, typer.Option(min=0.01, max=168, help="Hours of the log to read; the log keeps 7 days.")
]
Limit = Annotated[
    int, typer.Option(min=1, max=100_000, help="Records to read of each topic; the newest ones.")
]


@app.command(
    "warm",
    help="Compute answers in advance: publish each question and wait until the cache may store its answer.\n\n"
    "FILE has one question a line, or one JSON object a line with the fields of a request: "
    '{"question": "…", "cache": {"key": "item:7"}, "policy": "…", "tenant": "…"}. All lines are checked before the '
    "first is published. A question whose answer is stored is not computed again, unless you give --refresh.\n\n"
    "Run the command again to continue an interrupted run: a question is answered once a day (UTC) and --run name. Failed, expired and cancelled requests are published again.\n\n"
    "Exit code: 0 all answers are stored; 3 some were not admitted; 1 some got no response; 130 interrupted.",
    epilog=examples(
        "septet cache warm faq.txt",
        "septet cache warm products.jsonl --tenant acme --concurrency 8",
        "septet cache warm --top 50 --hours 72",
        "septet cache warm --top 50 --dry-run > top.jsonl     review or edit the questions, then warm the file",
        "septet cache warm faq.txt --run after-reindex        publish again on the same day",
        "cat questions.txt | septet cache warm -",
    ),
)
def warm(
    file: Annotated[
        str | None, typer.Argument(metavar="FILE", help="File of questions; `-` reads standard input.")
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(min=1, help="Instead of a file: the most frequent questions of the log.", metavar="N"),
    ] = None,
    hours: Hours = 24,
    limit: Limit = 5000,
    tenant: Annotated[str | None, tenant_of("request")] = None,
    policy: Annotated[
        str | None, typer.Option(help="Guardrail policy of lines without one \\[default: `default`].")
    ] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Also compute stored answers again (`cache.use: refresh`).")
    ] = False,
    run_name: Annotated[
        str, typer.Option("--run", help="Name of the run: another name publishes the same questions again.")
    ] = "",
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Questions in work at a time.")] = 4,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the requests as JSON lines; publish nothing.")
    ] = False,
) -> None:
    """Read the questions, publish them and report what was not admitted."""
    from septet_cli.caching.questions import Run
    from septet_cli.commands.up import until_signalled
    from septet_cli.settings import CliSettings

    if (file is None) == (top is None):
        fail(
            CliError(
                "Give either a file or --top.", "septet cache warm faq.txt, or septet cache warm --top 50"
            )
        )
    tenant = tenant or CliSettings().tenant
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if file is not None:
        given = Run.of(midnight, run_name, refresh, tenant=tenant, policy=policy)
        requests = _read_file(file, given)
        work = _warm(requests, midnight, concurrency, dry_run)
    else:
        given = Run.of(midnight, run_name, refresh)
        work = _warm_top(top or 0, given, tenant, (hours, limit), midnight, concurrency, dry_run)
    run(until_signalled(work, when_stopped=EXIT_INTERRUPTED))


def _read_file(name: str, given: Run) -> list[WarmRequest]:
    from septet_cli.caching.questions import WarmRequest, read_lines

    try:
        content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        fail(CliError(f"FILE cannot be read: {error}", "give the path of a file with one question a line"))
    found = list(read_lines("-" if name == "-" else Path(name).name, content.split(b"\n"), given))
    bad = [item for item in found if not isinstance(item, WarmRequest)]
    for where, problem in bad[:BAD_LINES]:
        err.print(f"{where}: {problem}", markup=False, soft_wrap=True)
    if bad:
        more = f" ({len(bad) - BAD_LINES} more are not shown)" if len(bad) > BAD_LINES else ""
        fail(
            CliError(
                f"{len(bad)} lines are not valid{more}; nothing was published.", "correct the lines above"
            )
        )
    if not found:
        fail(CliError(f"{name} has no question.", "write one question a line"))
    return [item for item in found if isinstance(item, WarmRequest)]


async def _warm_top(
    count: int,
    given: Run,
    tenant: str,
    window: tuple[float, int],
    midnight: datetime,
    concurrency: int,
    dry_run: bool,
) -> int:
    from septet_cache.application.advice import rules_of
    from septet_cache.domain.frequent import frequent
    from septet_cache.settings import CacheSettings
    from septet_kit.settings import KitSettings

    from septet_cli.caching.questions import frequent_request

    traffic = await _traffic(*window, tenant)
    found = frequent(traffic.requests, rules_of(CacheSettings(), KitSettings()), datetime.now(UTC))
    if not found:
        out.print(
            f"Each question of the {len(traffic.requests)} requests that were read is stored, or cannot be."
        )
        return EXIT_OK
    return await _warm([frequent_request(f, given) for f in found[:count]], midnight, concurrency, dry_run)


async def _traffic(hours: float, limit: int, tenant: str | None) -> Traffic:
    from septet_cli.caching.traffic import read_traffic
    from septet_cli.target import locate

    since = datetime.now(UTC) - timedelta(hours=hours)
    with err.status("[dim]reading the log …[/]"):
        traffic = await read_traffic(locate().kafka, since, limit, tenant)
    if traffic.is_cut:
        err.print(
            f"[yellow]--limit {limit} was reached[/]: this is the traffic since {traffic.since:%Y-%m-%d %H:%M:%S} UTC"
        )
    if traffic.unreadable:
        err.print(f"[yellow]{traffic.unreadable} records could not be read[/] and are left out")
    return traffic


async def _warm(requests: list[WarmRequest], midnight: datetime, concurrency: int, dry_run: bool) -> int:
    from septet_cli.caching.warm import Pace, WarmReport, explain_failures, warm
    from septet_cli.target import locate
    from septet_cli.tenancy import known_tenants

    distinct = list({r.request_id: r for r in reversed(requests)}.values())[::-1]
    if dry_run:
        _print_requests(distinct)
        return EXIT_OK
    if len(distinct) < len(requests):
        err.print(f"[dim]{len(requests) - len(distinct)} repeated lines are published once[/]")
    report, tenants, kafka = WarmReport(), known_tenants(), locate().kafka
    try:
        with progress() as bar:
            task = bar.add_task("answers", total=len(distinct))
            pace = Pace(concurrency, PATIENCE_S)
            await warm(kafka, distinct, midnight, pace, tenants, report, lambda: bar.advance(task))
        await explain_failures(kafka, report, tenants)
    finally:
        _show(report, len(distinct))
    return _exit_code(report)


def _print_requests(requests: list[WarmRequest]) -> None:
    """Print the lines of a file for this command: the requests without their ids."""
    import json

    for request in requests:
        fields = {name: value for name, value in request.body.items() if name != "request_id"}
        print(json.dumps(fields, ensure_ascii=False))


def _show(report: WarmReport, total: int) -> None:
    from septet_cli.caching.show import warm_summary

    out.print(warm_summary(report, total), soft_wrap=True)
    if report.done < total:
        err.print("[dim]run the command again to continue; questions in work are answered meanwhile[/]")


def _exit_code(report: WarmReport) -> int:
    if report.unanswered:
        return EXIT_FAILED
    return EXIT_NOT_ANSWERED if report.refused else EXIT_OK


@app.command(
    "advise",
    help="Report on the traffic of the log: what repeats, what the cache served, why it did not serve the rest, and "
    "what to change.\n\n"
    "Questions are compared by the rules of the cache, with the embeddings of the log; no model is called. The report "
    "assumes the SEPTET_CACHE_ settings of this process: set those of the service, if they differ from the defaults. "
    "Questions are shown as after the input rails, with personal data masked.",
    epilog=examples(
        "septet cache advise",
        "septet cache advise --hours 168 --limit 50000 --tenant acme",
        "SEPTET_CACHE_TTL=P7D septet cache advise --hours 168",
        "septet cache advise --json | jq .refused",
    ),
)
def advise(
    hours: Hours = 24,
    limit: Limit = 5000,
    tenant: Annotated[str | None, typer.Option(help="Only requests of this tenant \\[default: all].")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Read the log, compare the questions and print the report."""
    run(_advise(hours, limit, tenant, as_json))


async def _advise(hours: float, limit: int, tenant: str | None, as_json: bool) -> int:
    from septet_cache.application.advice import advise as report_on
    from septet_cache.application.advice import rules_of
    from septet_cache.application.sentences import sentences
    from septet_cache.settings import CacheSettings
    from septet_kit.settings import KitSettings

    from septet_cli.caching.show import advice_screen

    traffic = await _traffic(hours, limit, tenant)
    # The comparison blocks the event loop: let Ctrl-C raise in it instead of cancelling this task.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with err.status(f"[dim]comparing {len(traffic.requests)} requests …[/]"):
        advice = report_on(traffic.requests, rules_of(CacheSettings(), KitSettings()))
    lines = sentences(advice)
    if as_json:
        out.print_json(data={**advice.model_dump(mode="json"), "advice": lines})
    else:
        out.print(advice_screen(advice, lines))
    return EXIT_OK
