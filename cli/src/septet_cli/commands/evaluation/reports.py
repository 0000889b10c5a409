"""``septet eval show`` and ``septet eval compare``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from septet_cli.commands.evaluation.errors import as_cli_errors
from septet_cli.console import examples, fail, out
from septet_cli.errors import CliError

if TYPE_CHECKING:
    from septet_experiments.reports import Comparison

RunReference = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="Id of a run, the beginning of one, the path of its folder, or `latest`."
    ),
]
Cases = Annotated[int, typer.Option(min=0, max=1000, help="Cases to show, worst first.")]


class Format(StrEnum):
    """Forms of a comparison."""

    TABLE = "table"
    JSON = "json"
    JUNIT = "junit"
    HTML = "html"


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.command(
        "show",
        help="Show one run: mean and number of values of each metric, counted errors by reason, slices, worst cases.\n\n"
        "A sample without a value is a counted error and is in no mean. Draws are averaged within a case. A named metric "
        "that the run lacks is computed from its responses, which it keeps.",
        epilog=examples(
            "septet eval show latest",
            "septet eval show support-20260301-120000-1f00 --metric citation_recall --cases 10",
            "septet eval show latest --json | jq .errors",
        ),
    )(show)
    app.command(
        "compare",
        help="Compare two runs of a suite, A with the baseline's part and B with the candidate's: differences with "
        "one-sided 95 % bounds, slices, and the cases with both answers, worst first.\n\n"
        "Runs are paired by case, so both must have the same cases. A difference is positive where B is better. The "
        "first --metric is primary; the p-values of the others are corrected (Holm). NAME=MARGIN sets the largest "
        "accepted loss. A named metric that a run lacks is computed from its responses, which it keeps.\n\n"
        "This command reports: its exit code is 0 whatever the verdict. `septet eval gate` decides, by the margins of "
        "the suite, and its exit code is the verdict.",
        epilog=examples(
            "septet eval compare baseline latest --suite support",
            "septet eval compare support-20260301 support-20260302 --metric token_f1=0.02 --metric latency_ms=200",
            "septet eval compare A B --format html --output report.html --trace-url 'http://localhost:16686/trace/{trace_id}'",
            "septet eval compare A B --format json | jq '.cases[0]'",
            "septet eval compare A B --format junit --output junit.xml",
        ),
    )(compare)


def show(
    run: RunReference,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Metric to show; the first one orders the cases \\[default: all of the run]."
        ),
    ] = None,
    cases: Cases = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole report as JSON.")] = False,
) -> None:
    """Print the report of a run."""
    from septet_experiments.reports.summary import summarize

    from septet_cli.evaluation.comparing import compute_missing, lower_is_better
    from septet_cli.evaluation.report_screens import run_screen
    from septet_cli.evaluation.store import RunStore
    from septet_cli.settings import CliSettings

    try:
        with as_cli_errors():
            folder = RunStore(CliSettings().data_dir).find(run)
            compute_missing(folder, metric or ())
            report = summarize(
                folder, metrics=metric or (), lower_is_better=lower_is_better(folder, metric or ())
            )
    except CliError as error:
        fail(error)
    if as_json:
        print(report.model_dump_json(indent=1))
    else:
        out.print(run_screen(report, cases))


def compare(
    baseline: Annotated[
        str,
        typer.Argument(
            metavar="A", help="Run to compare with: its id, its folder, `latest`, or `baseline` with --suite."
        ),
    ],
    candidate: Annotated[str, typer.Argument(metavar="B", help="Run to judge.")],
    metric: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[=MARGIN]", help="Metric to compare \\[default: all that both runs have]."),
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Largest accepted loss of metrics without one \\[default: 0.02; 5 % of A's mean outside of 0 to 1].",
        ),
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="Form of the report.")] = Format.TABLE,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report to this file \\[default: print it].")
    ] = None,
    cases: Cases = 5,
    suite: Annotated[
        str | None, typer.Option(metavar="NAME", help="Suite of `baseline` and `latest`.")
    ] = None,
    trace_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Address of a trace with `{trace_id}` in it, for the links of the HTML page."
        ),
    ] = None,
) -> None:
    """Compare two runs and print or write the report."""
    from septet_cli.evaluation.comparing import compare_runs, rules_of
    from septet_cli.evaluation.store import RunStore
    from septet_cli.settings import CliSettings

    store = RunStore(CliSettings().data_dir)
    try:
        with as_cli_errors():
            rules = rules_of(metric or ())
            found = compare_runs(store.find(baseline, suite), store.find(candidate, suite), rules, margin)
            _print(found, form, output, cases, trace_url)
    except CliError as error:
        fail(error)


def _print(found: Comparison, form: Format, output: Path | None, cases: int, trace_url: str | None) -> None:
    from septet_experiments.reports import to_html, to_json, to_junit

    from septet_cli.evaluation.report_screens import comparison_screen

    if form is Format.TABLE:
        if output is not None:
            raise CliError("A table is printed only.", "give --format json, junit or html with --output")
        out.print(comparison_screen(found, cases))
        return
    if form is Format.HTML:
        text = to_html(found, trace_url=trace_url)
    else:
        text = to_json(found) if form is Format.JSON else to_junit(found)
    if output is None:
        print(text, end="")
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CliError(f"--output {output}: {error.strerror}", "give a path that can be written") from error
    out.print(f"{found.verdict}: {output}", soft_wrap=True, markup=False)
