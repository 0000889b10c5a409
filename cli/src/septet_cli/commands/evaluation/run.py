"""``septet eval run`` and ``septet eval score``."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from septet_cli.commands.evaluation import options
from septet_cli.commands.evaluation.errors import as_cli_errors
from septet_cli.console import err, examples, fail, out, progress
from septet_cli.console import run as run_command
from septet_cli.errors import EXIT_INTERRUPTED, EXIT_NOT_ANSWERED, EXIT_OK, CliError

if TYPE_CHECKING:
    from septet_experiments.runs import RunInfo, Sample
    from septet_experiments.suites import Suite

    from septet_cli.evaluation.session import Session
    from septet_cli.evaluation.store import RunStore


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.command(
        "run",
        help="Run a suite through the real pipeline, and score its responses.\n\n"
        "Each case is a request with the field `evaluation`: it bypasses the cache, its answer is not stored, and "
        "metrics count it apart from live traffic. The run is kept in the data directory. A run that was stopped or "
        "killed continues with --resume: no case is published twice.\n\n"
        "Exit code: 0 finished; 3 finished, but more samples than `max_errors` allows have no usable response; "
        "1 it could not run; 130 interrupted.",
        epilog=examples(
            "septet eval run evals/support",
            "septet eval run evals/support --model next --against baseline",
            "septet eval run evals/support --samples 3 --retrieval 8/dense",
            "septet eval run evals/support --set retrieval.fusion=rrf --rate 20 --in-flight 16",
            "septet eval run --resume support-20260301-120000-1f00",
        ),
    )(run)
    app.command(
        "score",
        help="Score the kept responses of a run again, without publishing a request.\n\n"
        "Give --suite to compute the metrics of an edited suite.yaml.",
        epilog=examples(
            "septet eval score support-20260301-120000-1f00",
            "septet eval score latest --suite evals/support",
        ),
    )(score)


def run(
    suite: Annotated[
        Path | None, typer.Argument(metavar="SUITE", help="Directory of the suite, or its suite.yaml.")
    ] = None,
    against: Annotated[
        str | None, typer.Option(metavar="RUN", help="Compare with this run, or with `baseline`, at the end.")
    ] = None,
    resume: Annotated[
        str | None, typer.Option(metavar="RUN", help="Continue this run, with its own suite and overrides.")
    ] = None,
    samples: options.Samples = None,
    model: options.Model = None,
    policy: options.Policy = None,
    retrieval: options.Retrieval = None,
    set_field: options.SetField = None,
    tenant: options.Tenant = None,
    rate: options.Rate = None,
    in_flight: options.InFlight = None,
    deadline: options.Deadline = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Begin or resume a run, and print its summary."""
    from septet_cli.commands.up import until_signalled
    from septet_cli.evaluation.overrides import overrides_of
    from septet_cli.evaluation.session import PaceOptions
    from septet_cli.evaluation.store import RunStore
    from septet_cli.settings import CliSettings

    if (suite is None) == (resume is None):
        fail(CliError("Give either a suite or --resume.", "septet eval run evals/support"))
    store, pace = RunStore(CliSettings().data_dir), PaceOptions(rate, in_flight, deadline)
    try:
        overrides = overrides_of(
            model=model,
            policy=policy,
            retrieval=retrieval,
            fields=set_field or (),
            tenant=tenant_or_default(tenant),
        )
        if resume is not None and (tenant or overrides.keys() - {"tenant"} or samples):
            raise CliError("--resume continues a run as it began.", "leave the other options of requests out")
        with as_cli_errors():
            if against is not None and suite is not None:
                _check_against(store, suite, against)
            session = open_session(store, suite, resume, overrides, pace, samples)
    except CliError as error:
        fail(error)
    work = _run(store, session, against, as_json=as_json)
    run_command(until_signalled(work, when_stopped=EXIT_INTERRUPTED))


def _check_against(store: RunStore, suite: Path, against: str) -> None:
    from septet_experiments.suites import Suite

    from septet_cli.evaluation.gating import check_gate

    loaded = Suite.load(suite)
    check_gate(loaded.settings, loaded.dataset_digest, store.find(against, loaded.name))


def tenant_or_default(tenant: str | None) -> str | None:
    """The tenant of an option, or that of ``SEPTET_TENANT``; None for the default tenant."""
    from septet_cli.settings import CliSettings

    found = tenant or CliSettings().tenant
    return found if found != "default" else None


def open_session(
    store: RunStore,
    suite: Path | None,
    resumed: str | None,
    overrides: dict[str, Any],
    pace: Any,
    samples: int | None,
) -> Session:
    """The session of a suite or of a run to resume."""
    from septet_experiments.suites import Suite

    from septet_cli.evaluation.session import begin, resume

    if resumed is not None:
        return resume(store.find(resumed), pace)
    assert suite is not None
    loaded = Suite.load(suite)
    _check_metrics(loaded)
    return begin(store, loaded, overrides, pace, samples)


def _check_metrics(suite: Suite) -> None:
    """Report an unknown metric before the first request."""
    from septet_experiments.errors import InvalidSuite
    from septet_experiments.metrics import resources_of

    from septet_cli.evaluation.scoring import without_judged

    try:
        resources_of(without_judged(suite.settings.all_metrics))
    except InvalidSuite as error:
        raise InvalidSuite(f"{suite.folder / 'suite.yaml'}: {error}", error.fix) from error


async def _run(store: RunStore, session: Session, against: str | None, *, as_json: bool) -> int:
    from septet_cli.evaluation.gating import check_gate
    from septet_cli.evaluation.show import summary, summary_screen

    with as_cli_errors():
        baseline = store.find(against, session.info.suite) if against is not None else None
        if baseline is not None:
            check_gate(session.folder.settings(), session.info.dataset_digest, baseline)
        info = await execute(session)
        samples = session.folder.samples()
        figures = summary(info, samples)
        if as_json:
            out.print_json(data=figures)
        else:
            out.print(summary_screen(figures))
        if baseline is not None:
            from septet_experiments.reports import to_text

            from septet_cli.evaluation.gating import gate

            _, comparison = gate(baseline, session.folder, session.folder.settings())
            out.print(to_text(comparison), soft_wrap=True, markup=False, highlight=False)
    return _exit_code(samples, session.folder.settings().max_errors)


async def execute(session: Session) -> RunInfo:
    """Run a session with a progress bar. If it is stopped, print how to continue."""
    from septet_cli.log import open_log
    from septet_cli.target import locate
    from septet_cli.tenancy import known_tenants

    kafka, tenants = locate().kafka, known_tenants()
    err.print(f"run {session.info.id}", markup=False)
    try:
        async with open_log(kafka) as log:
            with progress() as bar:
                done = len(session.draws) - len(session.missing)
                task = bar.add_task(session.info.suite, total=len(session.draws), completed=done)
                failed = 0

                def on_sample(sample: Sample) -> None:
                    nonlocal failed
                    failed += sample.error is not None
                    errors = f" ({failed} without a response)" if failed else ""
                    bar.update(task, advance=1, description=f"{session.info.suite}{errors}")

                return await session.run(log, tenants, on_sample)
    except (CliError, asyncio.CancelledError):
        err.print(f"[dim]continue with:[/] septet eval run --resume {session.info.id}")
        raise


def _exit_code(samples: list[Sample], max_errors: float) -> int:
    errors = sum(sample.error is not None for sample in samples)
    return EXIT_NOT_ANSWERED if errors > max_errors * len(samples) else EXIT_OK


def score(
    reference: Annotated[
        str, typer.Argument(metavar="RUN", help="Id of a run, the beginning of one, or `latest`.")
    ],
    suite: Annotated[
        Path | None,
        typer.Option(metavar="SUITE", help="Take the metrics from this suite \\[default: the run's copy]."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Compute the metrics of a finished or interrupted run."""
    from septet_experiments.suites import Suite

    from septet_cli.evaluation.scoring import score_run
    from septet_cli.evaluation.show import summary, summary_screen
    from septet_cli.evaluation.store import RunStore
    from septet_cli.settings import CliSettings

    try:
        with as_cli_errors():
            folder = RunStore(CliSettings().data_dir).find(reference)
            settings = Suite.load(suite).settings if suite is not None else folder.settings()
            info = score_run(folder, settings.all_metrics)
            figures = summary(info, folder.samples())
    except CliError as error:
        fail(error)
    if as_json:
        out.print_json(data=figures)
    else:
        out.print(summary_screen(figures))
