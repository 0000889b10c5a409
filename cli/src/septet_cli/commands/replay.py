"""``septet replay`` and ``septet replay clean``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from septet_cli.console import err, examples, fail, out, progress, run
from septet_cli.errors import EXIT_INTERRUPTED, EXIT_OK, CliError

if TYPE_CHECKING:
    from septet_kit.tenants import Tenants

    from septet_cli.replay.group import Place
    from septet_cli.replay.logged import Logged
    from septet_cli.replay.session import Options, Runs

WORST = 5
"""Cases that the screen shows."""
EXIT_NOT_RUN = 3
"""The replay has no verdict. 1 and 2 are verdicts."""

app = typer.Typer(
    name="replay",
    help="Run logged requests through a changed system, without side effects, and compare with their responses.\n\n"
    "The replay starts a second instance group of the first service that the change affects and of those after it. "
    "Its topics, groups and schemas belong to a namespace of its own, which is removed at the end. What the stages "
    "before it did is served from the log.\n\n"
    "Exit code: 0 PASS; 1 FAIL; 2 INCONCLUSIVE, or a wrong option; 3 the replay could not run; 130 interrupted.",
    epilog=examples(
        "septet replay --from 24h --where status=answered --with model=next",
        "septet replay --from 7d --where language=ko --with prompt=prompts/ --limit 500 --html replay.html",
        "septet replay --from 2h --with policy=strict           from the input rails on",
        "septet replay --from 2h                                 the same version twice: how much answers vary",
        "septet replay clean                                     remove what killed replays left",
    ),
    invoke_without_command=True,
    rich_markup_mode="rich",
)


@app.callback()
def replay(
    context: typer.Context,
    span: Annotated[str, typer.Option("--from", help="How far back: 90s, 30m, 24h or 7d.")] = "24h",
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=VALUE,…",
            help="Only these requests: tenant, conversation, status, language, policy, model, prompt, document or "
            "answer_kind. Repeat it: different fields must all match. Commas separate alternatives "
            "\\[default: status=answered].",
        ),
    ] = None,
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="KIND=VALUE",
            help="The change: model=ALIAS, model=NAME@URL, prompt=DIR, policy=NAME, policy=DIR, index=NAME "
            "(OpenSearch), index=schema:NAME (PostgreSQL) or cache=off.",
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Number of requests; the newest ones.")] = None,
    metric: Annotated[str, typer.Option(help="Metric that decides.")] = "groundedness",
    margin: Annotated[float, typer.Option(min=0, help="Largest loss of its mean that passes.")] = 0.05,
    also: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC",
            help="Further metric that must not get worse \\[default: abstention, and recall of an index].",
        ),
    ] = None,
    rate: Annotated[float, typer.Option(min=0.01, help="Requests per second.")] = 5.0,
    in_flight: Annotated[int, typer.Option(min=1, help="Requests in work at a time.")] = 4,
    deadline: Annotated[float, typer.Option(min=1, help="Seconds until a response is due.")] = 60.0,
    replication: Annotated[int, typer.Option(min=1, help="Replicas of the topics of the replay.")] = 1,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write one self-contained HTML page.")
    ] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the comparison as JSON.")] = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a JUnit XML report.")] = None,
) -> None:
    """Read the log, run the candidate, compare, and exit with the verdict."""
    if context.invoked_subcommand is not None:
        return
    from septet_cli.commands.up import until_signalled
    from septet_cli.evaluation.pace import Pace
    from septet_cli.replay.candidate import parse_candidate
    from septet_cli.replay.selection import parse_duration, parse_selection
    from septet_cli.replay.session import Options, replay_settings

    try:
        candidate = parse_candidate(change or [])
        options = Options(
            candidate,
            parse_duration(span),
            parse_selection(where or []),
            limit,
            Pace(rate, in_flight, deadline),
            replay_settings(metric, also or candidate.further_metrics, margin),
        )
    except CliError as error:
        error.exit_code = EXIT_NOT_RUN
        fail(error)
    work = _replay(options, replication, {"html": html, "json": json, "junit": junit})
    run(until_signalled(work, when_stopped=EXIT_INTERRUPTED))


async def _replay(options: Options, replication: int, files: dict[str, Path | None]) -> int:
    from septet_cli.commands.evaluation.errors import as_cli_errors
    from septet_cli.evaluation.store import RunStore
    from septet_cli.replay.session import execute, prepare, select
    from septet_cli.settings import CliSettings
    from septet_cli.target import locate
    from septet_cli.tenancy import known_tenants

    try:
        live = known_tenants()
        await _name_leftovers()
        with err.status("[dim]reading the log …[/]"):
            logged = await select(locate().kafka, live, options)
        _show_logged(logged, options)
        runs = prepare(RunStore(CliSettings().data_dir), options, logged.requests)
        where = place(runs.candidate.path.name, live, replication)
        with progress() as bar:
            task = bar.add_task("replayed", total=len(logged.requests))
            await execute(where, options, logged.requests, runs, _print_step, lambda _: bar.advance(task))
        with as_cli_errors():
            return _report(runs, files)
    except CliError as error:
        error.exit_code = EXIT_NOT_RUN
        raise


def place(replay: str, live: Tenants, replication: int = 1) -> Place:
    """Where a replay runs: on the local stack, or on services that the user starts."""
    from dataclasses import replace

    from septet_kit.namespace import Namespace
    from septet_native.stack.state import find_state

    from septet_cli.replay.group import Place, owner_dsn
    from septet_cli.replay.workspace import Workspace
    from septet_cli.settings import CliSettings
    from septet_cli.target import locate

    settings = CliSettings()
    stack = None if settings.kafka_bootstrap else find_state(settings.data_dir)
    return Place(
        kafka=locate(settings).kafka,
        owner_dsn=owner_dsn(stack),
        tenants=replace(live, namespace=Namespace(replay)),
        workspace=Workspace.of(settings.data_dir.resolve(), replay),
        stack=stack,
        replication=replication,
    )


def _print_step(name: str, state: str) -> None:
    from rich.markup import escape

    err.print(f"[dim]{name:<12}[/] {escape(state)}", soft_wrap=True)


def _show_logged(logged: Logged, options: Options) -> None:
    err.print(
        f"{options.candidate}: {len(logged.requests)} of {logged.matching} matching requests since "
        f"{logged.since:%Y-%m-%d %H:%M} UTC, from {options.candidate.topic} on",
        markup=False,
    )
    if logged.ended_before:
        err.print(f"[dim]{logged.ended_before} ended before {options.candidate.first} and are left out[/]")
    if logged.unreadable:
        err.print(f"[yellow]{logged.unreadable} records could not be read[/]")


def _report(runs: Runs, files: dict[str, Path | None]) -> int:
    from septet_cli.commands.evaluation.gate import write_reports
    from septet_cli.evaluation.report_screens import comparison_screen
    from septet_cli.replay.screen import slices_table, usage_line

    result, comparison = runs.compare()
    write_reports(comparison, files)
    out.print(comparison_screen(comparison, WORST))
    out.print()
    out.print(slices_table(comparison))
    err.print(f"[dim]{usage_line(runs.usage, len(comparison.cases))}[/]")
    err.print(f"[dim]runs: {runs.baseline.path.name} and {runs.candidate.path.name}[/]")
    return result.exit_code


async def _name_leftovers() -> None:
    """Name the replays that were killed."""
    for name, what in (await _leftovers()).items():
        err.print(f"[yellow]a killed replay left {name}[/] ({what}): `septet replay clean {name}` removes it")


async def _leftovers() -> dict[str, str]:
    """What exists of replays that do not run, by name."""
    from septet_kit.access.namespaces import Contents, existing
    from septet_native.stack.state import find_state

    from septet_cli.replay.group import owner_dsn
    from septet_cli.replay.workspace import Workspace
    from septet_cli.settings import CliSettings
    from septet_cli.target import locate

    settings = CliSettings()
    stack = None if settings.kafka_bootstrap else find_state(settings.data_dir)
    found = await existing(locate(settings).kafka, owner_dsn(stack))
    data_dir = settings.data_dir.resolve()
    names = {*found, *(workspace.replay for workspace in Workspace.all(data_dir))}
    return {
        name: str(found.get(name, Contents()))
        for name in sorted(names)
        if not Workspace.of(data_dir, name).is_running
    }


@app.command(
    "clean",
    help="Remove topics, groups, schemas and processes that killed replays left.\n\n"
    "A replay that another machine runs looks like a leftover here: name the replay to remove.",
    epilog=examples("septet replay clean", "septet replay clean replay-20260301-120000-1f00"),
)
def clean(
    name: Annotated[
        str | None, typer.Argument(metavar="[REPLAY]", help="The replay \\[default: all leftovers].")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only name them.")] = False,
) -> None:
    """Remove leftovers."""
    run(_clean(name, dry_run))


async def _clean(name: str | None, dry_run: bool) -> int:
    from septet_cli.replay import group
    from septet_cli.tenancy import known_tenants

    found = await _leftovers()
    if name is not None and name not in found:
        raise CliError(f"There is no leftover of {name}.", f"leftovers: {', '.join(found) or 'none'}")
    for each, what in found.items():
        if name in (None, each):
            out.print(f"{'found' if dry_run else 'removing'} {each}: {what}", highlight=False)
            if not dry_run:
                await group.clean(place(each, known_tenants()))
    if not found:
        out.print("no leftovers")
    return EXIT_OK
