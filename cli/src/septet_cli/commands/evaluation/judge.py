"""``septet eval judge``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from septet_cli.commands.evaluation.errors import as_cli_errors
from septet_cli.console import err, examples, fail, out, progress, run
from septet_cli.errors import EXIT_OK, CliError

if TYPE_CHECKING:
    from septet_experiments.judges import CalibrationCard, JudgeSection
    from septet_experiments.runs import RunFolder

    from septet_cli.evaluation.judging import Replies

app = typer.Typer(
    name="judge",
    help="Calibrate LLM judges, and judge the kept responses of a run.\n\n"
    "A judge is a model at an OpenAI-compatible endpoint: SEPTET_JUDGE_URL, SEPTET_JUDGE_MODEL and "
    "SEPTET_JUDGE_API_KEY. Its replies are recorded, so that CI needs no model. A judge without calibration, or below "
    "the suite's bar, reports and does not decide.",
    epilog=examples(
        "septet eval judge calibrate labels.jsonl --protocol pairwise --record judgments",
        "septet eval judge show",
        "septet eval judge score RUN evals/support --record evals/support/judgments",
        "septet eval judge score RUN evals/support --replay evals/support/judgments",
    ),
    no_args_is_help=True,
    rich_markup_mode="rich",
)

Record = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Record replies here; ask only for those that are missing.")
]
Replay = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Use the replies recorded here, and call no model.")
]
InFlight = Annotated[int, typer.Option(min=1, max=64, help="Calls of the judge at a time.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command(
    "calibrate",
    help="Measure a judge on labelled data, and write its calibration card.\n\n"
    "DATA is JSONL. Pairs, for `pairwise`: id, instruction (or question), output_1, output_2, label (1, 2 or tie), and "
    "optionally model_1, model_2. Answers, for the other protocols: id, question, answer, good (true or false), and "
    "optionally sources, references. Records of septet.labels.v1 are accepted, too: a correction is a pair.",
    epilog=examples(
        "septet eval judge calibrate labels.jsonl --record judgments",
        "septet eval judge calibrate answers.jsonl --protocol rubric --suite evals/support --record judgments",
        "septet eval judge calibrate labels.jsonl --replay judgments",
    ),
)
def calibrate(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="JSONL file of labelled pairs or answers.")],
    protocol: Annotated[str, typer.Option(help="pairwise, rubric, reference or groundedness.")] = "pairwise",
    suite: Annotated[
        Path | None,
        typer.Option(
            metavar="SUITE", help="Calibrate the judge of this suite \\[default: SEPTET_JUDGE_MODEL]."
        ),
    ] = None,
    record: Record = None,
    replay: Replay = None,
    in_flight: InFlight = 4,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap intervals.")] = 1,
    as_json: Json = False,
) -> None:
    """Record the replies that are missing, and print the card."""
    run(_calibrate(data, protocol, suite, replies_of(record, replay, in_flight), seed, as_json=as_json))


async def _calibrate(
    data: Path, protocol: str, suite: Path | None, replies: Replies, seed: int, *, as_json: bool
) -> int:
    from septet_experiments.judges import standing

    from septet_cli.evaluation.judging import calibrate_judge, default_cards

    with as_cli_errors():
        section, cards = _section(suite), default_cards()
        with progress() as bar:
            task = bar.add_task(f"calls of {section.model}", total=None)
            card, path, report = await calibrate_judge(
                section,
                protocol,
                data,
                replies,
                cards,
                seed,
                lambda done, total: bar.update(task, completed=done, total=total),
            )
    err.print(
        f"calls {report.usage.calls}, tokens {report.usage.tokens}, cost {report.usage.cost_usd:.4f} USD"
    )
    err.print(f"wrote {path}", markup=False, soft_wrap=True)
    if as_json:
        out.print_json(card.model_dump_json(exclude_none=True))
    else:
        _print(card, standing(card, section.bar).reasons)
    return EXIT_OK


@app.command(
    "show", help="Show calibration cards, the newest first.", epilog=examples("septet eval judge show")
)
def show(
    suite: Annotated[
        Path | None,
        typer.Option(metavar="SUITE", help="Compare with this suite's bar \\[default: the default bar]."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Print each card, and whether the judge decides."""
    import json

    from septet_experiments.judges import Bar, standing

    from septet_cli.evaluation.judging import default_cards, section_of

    try:
        with as_cli_errors():
            bar = section_of(suite).bar if suite is not None else Bar()
            cards = default_cards().all()
    except CliError as error:
        fail(error)
    if as_json:
        out.print_json(json.dumps([card.model_dump(mode="json", exclude_none=True) for card in cards]))
        return
    if not cards:
        out.print("No judge is calibrated. `septet eval judge calibrate --help` shows how.")
    for card in cards:
        _print(card, standing(card, bar).reasons)


@app.command(
    "score",
    help="Judge the kept responses of a run, and write the values into it.\n\n"
    "No request is published. A sample whose reply is missing or has no verdict gets no value: it is counted.",
    epilog=examples(
        "septet eval judge score RUN evals/support --record evals/support/judgments",
        "septet eval judge score RUN evals/support --metric judge_pairwise --against BASELINE --replay judgments",
    ),
)
def score(
    reference: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="Id of a run, the beginning of one, the path of its folder, or `latest`."
        ),
    ],
    suite: Annotated[
        Path, typer.Argument(metavar="SUITE", help="Directory of the suite, with a section `judge`.")
    ],
    metric: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Metric \\[default: judge_rubric, judge_groundedness]."),
    ] = None,
    against: Annotated[
        str | None, typer.Option(metavar="RUN", help="The run that judge_pairwise compares with.")
    ] = None,
    record: Record = None,
    replay: Replay = None,
    in_flight: InFlight = 4,
) -> None:
    """Judge and print the means."""
    names = metric or ["judge_rubric", "judge_groundedness"]
    run(_score(reference, suite, names, against, replies_of(record, replay, in_flight)))


async def _score(reference: str, suite: Path, names: list[str], against: str | None, replies: Replies) -> int:
    from septet_cli.evaluation.judging import (
        default_cards,
        metrics_of_run,
        score_judged,
        section_of,
        win_rate,
    )

    with as_cli_errors():
        folder = _run_folder(reference)
        with progress() as bar:
            task = bar.add_task("calls of the judge", total=None)
            metrics, report = await metrics_of_run(
                section_of(suite),
                names,
                folder,
                replies,
                default_cards(),
                lambda done, total: bar.update(task, completed=done, total=total),
                opponent=_run_folder(against) if against is not None else None,
            )
        missing = score_judged(folder, metrics)
    values: dict[str, list[float]] = {}
    for sample in folder.samples():
        for name in names:
            if name in sample.values:
                values.setdefault(name, []).append(sample.values[name])
    for made in metrics:
        found = values.get(made.name, [])
        mean = f"{sum(found) / len(found):.3f}" if found else "none"
        decides = "decides" if made.standing.decides else f"does not decide: {made.standing.reasons[0]}"
        out.print(f"{made.name}  mean {mean}  n {len(found)}  {decides}", markup=False, soft_wrap=True)
        if made.name == "judge_pairwise":
            rates = win_rate(folder, made)
            out.print(f"  win rate {rates.raw}", markup=False)
            out.print(f"  at equal length {rates.adjusted or 'needs 20 answers'}", markup=False)
    for reason, count in (*missing.items(), *report.failed.items()):
        out.print(f"without a value: {count} x {reason}", markup=False, soft_wrap=True)
    return EXIT_OK


def replies_of(record: Path | None, replay: Path | None, in_flight: int) -> Replies:
    """Where the judge's replies come from. Exactly one of the two options must be given."""
    from septet_cli.evaluation.judging import Replies

    directory = record or replay
    if directory is None or (record is not None and replay is not None):
        fail(
            CliError(
                "Give either --record or --replay.", "--record DIR calls the judge; --replay DIR does not"
            )
        )
    return Replies(directory, replay is not None, in_flight)


def _section(suite: Path | None) -> JudgeSection:
    from septet_judge.settings import JudgeSettings

    from septet_cli.evaluation.judging import section_of

    if suite is not None:
        return section_of(suite)
    settings = JudgeSettings()
    if not settings.model:
        raise CliError("No judge is set.", "set SEPTET_JUDGE_MODEL, or give --suite")
    return settings.section


def _run_folder(reference: str) -> RunFolder:
    from septet_cli.evaluation.store import RunStore
    from septet_cli.settings import CliSettings

    return RunStore(CliSettings().data_dir).find(reference)


def _print(card: CalibrationCard, reasons: tuple[str, ...]) -> None:
    from rich.table import Table

    table = Table(title=f"{card.judge}  {card.protocol}", title_justify="left", show_header=True, box=None)
    table.add_column("measure")
    table.add_column("value [95 %]")
    for measures in (card.pairs, card.answers):
        for name, value in measures if measures is not None else ():
            if value is not None:
                table.add_row(name, str(value))
    out.print(table, markup=False)
    out.print(f"signature {card.signature}", markup=False, soft_wrap=True)
    out.print(
        f"data {card.data} ({card.data_digest[:12]}), measured {card.measured_at:%Y-%m-%d %H:%M} UTC",
        markup=False,
    )
    out.print(
        "decides" if not reasons else "does not decide: " + "; ".join(reasons), markup=False, soft_wrap=True
    )
