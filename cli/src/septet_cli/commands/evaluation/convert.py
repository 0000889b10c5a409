"""``septet eval convert``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from septet_cli.commands.evaluation.errors import as_cli_errors
from septet_cli.console import examples, fail, out
from septet_cli.errors import CliError


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(
        "convert",
        help="Convert the files of other tools to cases or runs, and back.\n\n"
        "To `cases` (a JSONL file for `cases` in suite.yaml): `mmlu` (CSV or JSONL with choices; a file or a folder), "
        "`helm` (instances.json), `lm-eval` (a task file with local data), `alpaca-eval` (instructions).\n\n"
        "From `cases`: `helm`, and `lm-eval` (a task file and its data, in a folder).\n\n"
        "From `run`: `helm` (values by instance), `alpaca-eval` (outputs), `alpaca-annotations` (preferences by --metric "
        "against another run).\n\n"
        "Also `alpaca-eval` to `run` (another system's answers, to compare with), and `alpaca-annotations` to `labelled` "
        "(for `septet eval judge calibrate`).\n\n"
        "Multiple choice is scored by generation: the model writes a letter. Log likelihoods are refused, because chat "
        "completions do not return the log probabilities of a given text.",
        epilog=examples(
            "septet eval convert mmlu/test evals/mmlu/cases.jsonl --from mmlu --to cases",
            "septet eval convert instances.json evals/helm/cases.jsonl --from helm --to cases --split test",
            "septet eval convert evals/support/cases.jsonl tasks --from cases --to lm-eval --name support",
            "septet eval convert latest outputs.json --from run --to alpaca-eval --name septet",
            "septet eval convert latest preferences.json --from run --to alpaca-annotations --against RUN --metric token_f1",
            "septet eval convert annotations.json pairs.jsonl --from alpaca-annotations --to labelled",
        ),
    )(convert)


def convert(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="File or folder; for `--from run` the id of a run.")
    ],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="File or folder to write.")],
    from_format: Annotated[str, typer.Option("--from", metavar="FORMAT", help="Format of SOURCE.")],
    to_format: Annotated[str, typer.Option("--to", metavar="FORMAT", help="Format of TARGET.")],
    name: Annotated[
        str, typer.Option(help="Name of the scenario, task, run or generator \\[default: that of TARGET].")
    ] = "",
    split: Annotated[str | None, typer.Option(help="Only HELM's instances of this split.")] = None,
    scoring: Annotated[
        str, typer.Option(help="How multiple choice is scored: `generation`; `loglikelihood` is refused.")
    ] = "generation",
    against: Annotated[str | None, typer.Option(metavar="RUN", help="Baseline of the annotations.")] = None,
    metric: Annotated[
        str | None, typer.Option(metavar="NAME", help="Metric that annotations prefer by.")
    ] = None,
) -> None:
    """Convert and print what was written."""
    from septet_cli.evaluation.converting import Conversion
    from septet_cli.evaluation.converting import convert as write
    from septet_cli.evaluation.store import RunStore
    from septet_cli.settings import CliSettings

    wanted = Conversion(
        source, target, RunStore(CliSettings().data_dir), name, split, scoring, against, metric
    )
    try:
        with as_cli_errors():
            written = write(from_format, to_format, wanted)
    except CliError as error:
        fail(error)
    except OSError as error:
        fail(CliError(f"{target} cannot be written: {error.strerror}", "give another TARGET"))
    out.print(f"{target}: {written}", soft_wrap=True, markup=False)
