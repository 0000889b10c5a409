"""``septet dataset``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from septet_cli.console import err, examples, fail, out
from septet_cli.console import run as run_command
from septet_cli.errors import EXIT_OK, CliError
from septet_cli.options import DataDir

if TYPE_CHECKING:
    from septet_tuning.datasets import Dataset
    from septet_tuning.datasets.curation import Rules
    from septet_tuning.rows import AnyRow, Kind

    from septet_cli.datasets.reading import LogReader

SOURCES = ("feedback", "traffic", "files")

app = typer.Typer(
    help="Build versions of datasets for tuning, from feedback, traffic and files.",
    epilog=examples(
        "septet dataset build support --kind preference --suite evals/support",
        "septet dataset list",
        "septet dataset show support",
        "septet dataset export support --format trl-preference > pairs.jsonl",
        "septet dataset affected --document handbook",
    ),
    no_args_is_help=True,
    rich_markup_mode="rich",
)

Reference = Annotated[
    str, typer.Argument(metavar="NAME[@VERSION]", help="Dataset; by default its newest version.")
]


@app.command(
    "build",
    help="Build the next version of a dataset.\n\n"
    "Only tenants whose entry in the tenants file has `tuning_consent: true` are read. Personal data is masked. Rows of "
    "failed, blocked and degraded answers, of evaluation runs, and near a question of --suite are left out.",
    epilog=examples(
        "septet dataset build support --kind sft --from feedback,traffic --where language=ko",
        "septet dataset build intents --kind classification --from files --file intents.jsonl",
    ),
)
def build(
    name: Annotated[str, typer.Argument(help="Name: a-z, 0-9 and '-'.")],
    kind: Annotated[str, typer.Option(help="sft, preference, kto, triples, guard or classification.")],
    sources: Annotated[
        str, typer.Option("--from", help="feedback, traffic and files, joined by commas.")
    ] = "feedback",
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD=VALUE,…", help="status, language, policy, model, answer_kind or tenant."),
    ] = None,
    file: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="JSONL of rows, with --from files.")
    ] = None,
    suite: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Suite of a gate; rows near its questions are refused."),
    ] = None,
    hours: Annotated[float, typer.Option(min=0.01, max=720, help="Hours of the log to read.")] = 168,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="Records of a topic to read.")] = 20_000,
    held_out: Annotated[float, typer.Option(min=0, max=0.9, help="Share of held-out rows.")] = 0.2,
    user_share: Annotated[float, typer.Option(min=0.001, max=1, help="Largest weight of one user.")] = 0.2,
    minimum: Annotated[int, typer.Option(min=1, help="Fewest rows of a version.")] = 8,
    data_dir: DataDir = None,
) -> None:
    """Read the sources, and write a version."""
    from septet_tuning.datasets.curation import Rules
    from septet_tuning.rows import Kind

    from septet_cli.datasets.reading import LogReader
    from septet_cli.evaluation.from_traffic import filters_of
    from septet_cli.tenancy import known_tenants

    try:
        chosen = _one_of(sources, SOURCES)
        (kind_,) = _one_of(kind, get_args(Kind), single=True)
        if ("files" in chosen) != bool(file):
            raise CliError("--from files and --file belong together.", "give both, or neither")
        with as_cli_errors():
            questions = _questions(suite or ())
        rules = Rules(held_out=held_out, user_share=user_share, minimum=minimum, suite=questions)
        reader = LogReader(
            known_tenants(),
            filters_of(where or ()),
            feedback="feedback" in chosen,
            traffic="traffic" in chosen,
        )
    except CliError as error:
        fail(error)
    window = (hours, limit) if chosen & {"feedback", "traffic"} else None
    shown: dict[str, object] = {"from": sorted(chosen), "where": list(where or ()), "hours": hours}
    run_command(_build(name, cast("Kind", kind_), reader, window, tuple(file or ()), rules, data_dir, shown))


async def _build(
    name: str,
    kind: Kind,
    reader: LogReader,
    window: tuple[float, int] | None,
    files: tuple[Path, ...],
    rules: Rules,
    data_dir: Path | None,
    shown: dict[str, object],
) -> int:
    from septet_tuning.datasets.building import build as build_version
    from septet_tuning.datasets.files import read_rows

    from septet_cli.datasets.masking import mask_texts
    from septet_cli.target import locate

    now = datetime.now(UTC)
    if window is not None:
        with err.status("[dim]reading the log …[/]"):
            cut = await reader.read(locate().kafka, now - timedelta(hours=window[0]), window[1])
        if cut is not None:
            err.print(
                f"[yellow]--limit {window[1]} was reached[/]: records are complete since {cut:%Y-%m-%d %H:%M} UTC"
            )
    with as_cli_errors():
        rows: list[AnyRow] = [row for file in files for row in read_rows(file, kind)]
        made = build_version(
            _root(data_dir),
            name,
            kind,
            joined=reader.join(),
            files=rows,
            scrub=mask_texts,
            rules=rules,
            traffic=reader.traffic,
            now=now,
            settings=shown,
        )
    _summarize(made)
    return EXIT_OK


@app.command(
    "list",
    help="List datasets and their versions.",
    epilog=examples("septet dataset list --data-dir .septet"),
)
def list_versions(data_dir: DataDir = None) -> None:
    """Print a line for each version."""
    from septet_tuning.datasets.dataset import names, read_manifest, versions

    root = _root(data_dir)
    with _failing():
        for name in names(root):
            for version in versions(name, root):
                found = read_manifest(root / name / str(version))
                counts = f"{found.train.rows} + {found.held_out.rows} rows"
                out.print(f"{name}@{version}  {found.kind}  {counts}  {found.digest[:19]}", markup=False)


@app.command(
    "show",
    help="Print the card of a version, after its digest is verified.",
    epilog=examples("septet dataset show support", "septet dataset show support@1"),
)
def show(reference: Reference, data_dir: DataDir = None) -> None:
    """Print ``card.md``."""
    from septet_tuning.datasets import load

    with _failing():
        found = load(reference, _root(data_dir))
    out.print((found.folder / "card.md").read_text(encoding="utf-8"), markup=False, soft_wrap=True)


@app.command(
    "export",
    help="Print the rows of a split in the format of another trainer.",
    epilog=examples(
        "septet dataset export support --format trl-preference > pairs.jsonl",
        "septet dataset export support@2 --format openai-preference --split held_out",
    ),
)
def export(
    reference: Reference,
    form: Annotated[str, typer.Option("--format", help="openai-chat, openai-preference, or a trl- format.")],
    split: Annotated[str, typer.Option(help="train or held_out.")] = "train",
    data_dir: DataDir = None,
) -> None:
    """Convert the rows of a version."""
    from septet_tuning.datasets import Split, load
    from septet_tuning.datasets.exports import Format
    from septet_tuning.datasets.exports import export as export_rows

    with _failing():
        (form_,) = _one_of(form, get_args(Format), single=True)
        (split_,) = _one_of(split, get_args(Split), single=True)
        found = load(reference, _root(data_dir))
        made = export_rows(found.rows(cast("Split", split_)), cast("Format", form_))
    for line in made.lines:
        typer.echo(line)


@app.command(
    "affected",
    help="List the versions to rebuild after a tenant or a document was deleted.",
    epilog=examples("septet dataset affected --tenant acme", "septet dataset affected --document handbook"),
)
def affected(
    tenant: Annotated[str | None, typer.Option(help="Deleted tenant.")] = None,
    document: Annotated[str | None, typer.Option(help="Id of a deleted document.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Print each version with rows of the tenant or document."""
    from septet_tuning.datasets.building import find_affected

    with _failing():
        if tenant is None and document is None:
            raise CliError("Nothing is named.", "give --tenant, --document or both")
        for name, count in find_affected(_root(data_dir), tenant=tenant, document=document):
            out.print(f"{name}  {count} rows", markup=False)


@contextmanager
def as_cli_errors() -> Iterator[None]:
    """Turn errors of datasets and suites into those that the command prints with their fix."""
    from septet_experiments.errors import ExperimentError
    from septet_tuning.errors import TuningError

    try:
        yield
    except (TuningError, ExperimentError) as error:
        raise CliError(str(error), error.fix or "see `septet dataset --help`") from error


@contextmanager
def _failing() -> Iterator[None]:
    try:
        with as_cli_errors():
            yield
    except CliError as error:
        fail(error)


def _root(data_dir: Path | None) -> Path:
    from septet_cli.settings import CliSettings

    return (data_dir or CliSettings().data_dir) / "datasets"


def _one_of(value: str, known: tuple[str, ...], *, single: bool = False) -> frozenset[str]:
    found = frozenset({value} if single else value.split(","))
    if found - set(known):
        raise CliError(f"{', '.join(sorted(found - set(known)))}: unknown.", f"use {', '.join(known)}")
    return found


def _questions(suites: tuple[Path, ...] | list[Path]) -> tuple[str, ...]:
    from septet_experiments.suites import Suite

    cases = [case for path in suites for case in Suite.load(path).cases]
    asked = (
        case.question or next((m.content for m in reversed(case.messages or ()) if m.role == "user"), "")
        for case in cases
    )
    return tuple(question for question in asked if question)


def _summarize(made: Dataset) -> None:
    found = made.manifest
    err.print(
        f"{made.name}@{made.version}: {found.train.rows} training and {found.held_out.rows} held-out rows"
    )
    for reason, count in found.refused.items():
        err.print(f"  refused: {count} {reason}", markup=False)
    for warning in found.warnings:
        err.print(f"  warning: {warning}", markup=False)
    out.print(str(made.folder), markup=False, soft_wrap=True)
