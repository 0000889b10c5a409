"""``septet eval gate``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from septet_cli.commands.evaluation import options
from septet_cli.commands.evaluation.errors import as_cli_errors
from septet_cli.console import examples, fail, out
from septet_cli.console import run as run_command
from septet_cli.errors import EXIT_INTERRUPTED, CliError

if TYPE_CHECKING:
    from septet_experiments.reports import Comparison
    from septet_experiments.runs import RunFolder
    from septet_experiments.suites import Suite

    from septet_cli.evaluation.session import Session

EXIT_NOT_RUN = 3
"""The gate has no verdict. 1 and 2 are verdicts."""


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(
        "gate",
        help="Run a suite and decide whether it is worse than the baseline: PASS, FAIL or INCONCLUSIVE.\n\n"
        "The decision follows the suite's `primary` and `secondary` metrics and their margins. INCONCLUSIVE names how "
        "many cases would decide. With --run, that run is compared and nothing is published.\n\n"
        "Exit code: 0 PASS; 1 FAIL; 2 INCONCLUSIVE, or a wrong option; 3 the gate could not run; 130 interrupted.",
        epilog=examples(
            "septet eval gate evals/support",
            "septet eval gate evals/support --model next --junit gate.xml --html gate.html",
            "septet eval gate evals/support --against support-20260301-120000-1f00 --run latest",
            "septet eval gate evals/support --retrieval 8/dense --samples 3",
        ),
    )(gate)


def gate(
    suite: options.SuiteFolder,
    against: Annotated[
        str,
        typer.Option(
            metavar="RUN", help="Run to compare with: `baseline`, its id, or the path of its folder."
        ),
    ] = "baseline",
    run: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Compare this run instead of a new one: its id, or `latest`."),
    ] = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a JUnit XML report.")] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write one self-contained HTML page.")
    ] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the comparison as JSON.")] = None,
    samples: options.Samples = None,
    model: options.Model = None,
    policy: options.Policy = None,
    retrieval: options.Retrieval = None,
    set_field: options.SetField = None,
    tenant: options.Tenant = None,
    rate: options.Rate = None,
    in_flight: options.InFlight = None,
    deadline: options.Deadline = None,
) -> None:
    """Run the suite, compare, write the reports and exit with the verdict."""
    from septet_experiments.suites import Suite

    from septet_cli.commands.evaluation.run import open_session, tenant_or_default
    from septet_cli.commands.up import until_signalled
    from septet_cli.evaluation.gating import check_gate
    from septet_cli.evaluation.overrides import overrides_of
    from septet_cli.evaluation.session import PaceOptions
    from septet_cli.evaluation.store import RunStore
    from septet_cli.settings import CliSettings

    store, pace = RunStore(CliSettings().data_dir), PaceOptions(rate, in_flight, deadline)
    files = {"junit": junit, "html": html, "json": json}
    try:
        overrides = overrides_of(
            model=model,
            policy=policy,
            retrieval=retrieval,
            fields=set_field or (),
            tenant=tenant_or_default(tenant),
        )
        with as_cli_errors():
            loaded = Suite.load(suite)
            baseline = store.find(against, loaded.name)
            existing = None if run is None else store.find(run, loaded.name)
            check_gate(loaded.settings, loaded.dataset_digest, baseline, existing)
            session = open_session(store, suite, None, overrides, pace, samples) if existing is None else None
    except CliError as error:
        error.exit_code = EXIT_NOT_RUN
        fail(error)
    work = _gate(loaded, baseline, session or existing, files)
    run_command(until_signalled(work, when_stopped=EXIT_INTERRUPTED))


async def _gate(
    suite: Suite, baseline: RunFolder, candidate: Session | RunFolder | None, files: dict[str, Path | None]
) -> int:
    from septet_experiments.reports import to_text
    from septet_experiments.runs import RunFolder
    from septet_kit.errors import SeptetError
    from septet_native.errors import StackError

    from septet_cli.commands.evaluation.run import execute
    from septet_cli.evaluation.gating import gate as decide

    assert candidate is not None
    try:
        with as_cli_errors():
            if isinstance(candidate, RunFolder):
                folder = candidate
            else:
                await execute(candidate)
                folder = candidate.folder
            result, comparison = decide(baseline, folder, suite.settings)
        write_reports(comparison, files)
    except CliError as error:
        error.exit_code = EXIT_NOT_RUN
        raise
    except (SeptetError, StackError) as error:
        failed = CliError(error.message, error.fix or "run `septet doctor`")
        failed.exit_code = EXIT_NOT_RUN
        raise failed from error
    out.print(to_text(comparison), soft_wrap=True, markup=False, highlight=False)
    return result.exit_code


def write_reports(comparison: Comparison, files: dict[str, Path | None]) -> None:
    """Write a comparison to files by form.

    Raises:
        CliError: a file cannot be written.
    """
    from septet_experiments.reports import to_html, to_json, to_junit

    forms: dict[str, Callable[[Comparison], str]] = {"junit": to_junit, "html": to_html, "json": to_json}
    for name, path in files.items():
        if path is None:
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(forms[name](comparison), encoding="utf-8")
        except OSError as error:
            raise CliError(f"--{name} {path}: {error.strerror}", "give a path that can be written") from error
