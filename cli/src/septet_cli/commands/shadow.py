"""``septet shadow``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from septet_cli.console import err, examples, fail, out, run
from septet_cli.errors import EXIT_INTERRUPTED, CliError

if TYPE_CHECKING:
    from septet_cli.shadow.session import Options, Shadow
    from septet_cli.shadow.window import Look

WORST = 5
EXIT_NOT_RUN = 3


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(
        "shadow",
        help="Run a share of live traffic through a changed system, beside the live one, and compare.\n\n"
        "It is a replay that goes on: an instance group of the changed services in a namespace of its own gets the requests "
        "of the share once their live responses are there. Nothing of it reaches clients, the cache or feedback. It is the "
        "first to give way: requests that find its queue full, or live services behind, are dropped and counted.\n\n"
        "The gate looks at the comparison every --look cases. All looks at the --cases of one comparison together have the "
        "error probability of one gate. A FAIL ends the shadow; after --cases, the next comparison begins.\n\n"
        "Exit code: 0 the last look is PASS, 2 it is INCONCLUSIVE; 1 FAIL; 3 the shadow could not run; 130 interrupted.",
        epilog=examples(
            "septet shadow --share 0.1 --with model=next --for 24h",
            "septet shadow --share 0.05 --with prompt=prompts/ --cases 1000 --html shadow.html",
            "septet shadow --share 1 --with policy=strict --where language=ko --metrics-port 9321",
            "septet replay clean                                     remove what a killed shadow left",
        ),
    )(shadow)


def shadow(
    share: Annotated[float, typer.Option(min=0.0001, max=1, help="Share of conversations.")] = 0.1,
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="KIND=VALUE",
            help="The change: model=ALIAS, model=NAME@URL, prompt=DIR, policy=NAME, policy=DIR, index=NAME "
            "(OpenSearch), index=schema:NAME (PostgreSQL) or cache=off.",
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD=VALUE,…", help="Only these requests, as for `septet replay`."),
    ] = None,
    span: Annotated[str, typer.Option("--for", help="How long: 90s, 30m, 24h or 7d.")] = "1h",
    cases: Annotated[int, typer.Option(min=10, help="Planned cases of one comparison.")] = 400,
    look: Annotated[int, typer.Option(min=1, help="Cases between two looks of the gate.")] = 50,
    metric: Annotated[str, typer.Option(help="Metric that decides.")] = "groundedness",
    margin: Annotated[float, typer.Option(min=0, help="Largest loss of its mean that passes.")] = 0.05,
    also: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC", help="Further metric that must not get worse \\[default: abstention]."
        ),
    ] = None,
    rate: Annotated[float, typer.Option(min=0.01, help="Mirrored requests per second.")] = 2.0,
    in_flight: Annotated[int, typer.Option(min=1, help="Mirrored requests in work at a time.")] = 2,
    queue: Annotated[int, typer.Option(min=1, help="Requests that may wait; others are dropped.")] = 50,
    most_lag: Annotated[
        int, typer.Option("--lag", min=0, help="Unread live records above which requests are dropped.")
    ] = 100,
    deadline: Annotated[float, typer.Option(min=1, help="Seconds until a response is due.")] = 60.0,
    replication: Annotated[int, typer.Option(min=1, help="Replicas of the topics of the shadow.")] = 1,
    metrics_port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="Serve Prometheus metrics on this port of loopback.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write one self-contained HTML page.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the last comparison as JSON.")
    ] = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a JUnit XML report.")] = None,
) -> None:
    """Mirror live requests, compare, and exit with the verdict."""
    from septet_cli.commands.up import until_signalled
    from septet_cli.evaluation.pace import Pace
    from septet_cli.replay.candidate import parse_candidate
    from septet_cli.replay.selection import parse_duration, parse_selection
    from septet_cli.replay.session import replay_settings
    from septet_cli.shadow.intake import Bounds
    from septet_cli.shadow.session import Options
    from septet_cli.shadow.window import Plan

    try:
        if look * 100 < cases:
            raise CliError(f"--look {look} is less than a hundredth of --cases {cases}.", "look less often")
        candidate = parse_candidate(change or [])
        options = Options(
            candidate,
            share,
            parse_selection(where or []),
            parse_duration(span, "--for"),
            Plan(cases, min(look, cases)),
            Pace(rate, in_flight, deadline),
            Bounds(queue=queue, lag=most_lag),
            replay_settings(metric, also or candidate.further_metrics, margin),
        )
    except CliError as error:
        error.exit_code = EXIT_NOT_RUN
        fail(error)
    work = _shadow(options, replication, metrics_port, {"html": html, "json": json, "junit": junit})
    run(until_signalled(work, when_stopped=EXIT_INTERRUPTED))


async def _shadow(
    options: Options, replication: int, metrics_port: int | None, files: dict[str, Path | None]
) -> int:
    from dataclasses import replace

    from septet_cli.commands.evaluation.errors import as_cli_errors
    from septet_cli.commands.replay import place
    from septet_cli.evaluation.store import RunStore
    from septet_cli.settings import CliSettings
    from septet_cli.shadow.screen import Screen
    from septet_cli.shadow.session import RETENTION, run_shadow
    from septet_cli.shadow.telemetry import serve
    from septet_cli.tenancy import known_tenants

    live, store = known_tenants(), RunStore(CliSettings().data_dir)
    try:
        if metrics_port is not None:
            serve(metrics_port)
        with Screen(options) as screen, as_cli_errors():
            try:
                found = await run_shadow(
                    lambda name: replace(place(name, live, replication), retention=RETENTION),
                    live,
                    store,
                    options,
                    screen,
                )
            finally:
                _report(screen.last, files)
    except CliError as error:
        error.exit_code = EXIT_NOT_RUN
        raise
    return _verdict(found)


def _report(look: Look | None, files: dict[str, Path | None]) -> None:
    """Show the last look; also after Ctrl-C."""
    from septet_cli.commands.evaluation.gate import write_reports
    from septet_cli.evaluation.report_screens import comparison_screen
    from septet_cli.replay.screen import slices_table, usage_line

    if look is None:
        err.print("[yellow]no look yet[/]: too few requests were compared")
        return
    write_reports(look.comparison, files)
    out.print(comparison_screen(look.comparison, WORST))
    out.print()
    out.print(slices_table(look.comparison))
    err.print(f"[dim]{usage_line(look.runs.usage, look.compared)}[/]")
    err.print(f"[dim]runs: {look.runs.baseline.path.name} and {look.runs.candidate.path.name}[/]")


def _verdict(found: Shadow) -> int:
    """The exit code of the last look. Without one, nothing is known."""
    from septet_experiments.gates import EXIT_CODES

    return EXIT_CODES["INCONCLUSIVE"] if found.last is None else found.last.result.exit_code
