"""``septet tune``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from septet_cli.console import err, examples, out, run
from septet_cli.errors import EXIT_OK, CliError

if TYPE_CHECKING:
    from septet_tuning.methods import Resources
    from septet_tuning.recipes import Recipe
    from septet_tuning.runner import Plan, Result

EMBEDDED_MODEL = "septet-small"


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(
        "tune",
        help="Tune a model by a recipe.\n\n"
        "The recipe names dataset, base, method, hyperparameters and seed. The run's folder gets progress, "
        "checkpoints, the artifact and a card. --resume continues a run that was interrupted from its last "
        "checkpoint; the result is the same as without the interruption.",
        epilog=examples(
            "septet tune examples/tuning/routing.yaml --dry-run",
            "septet tune examples/tuning/routing.yaml",
            "septet tune --resume routing-20261201T090000-1f00aa",
        ),
    )(tune)


def tune(
    recipe: Annotated[Path | None, typer.Argument(metavar="RECIPE", help="YAML file.")] = None,
    resume: Annotated[str | None, typer.Option(metavar="RUN", help="Continue this run.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything and train nothing.")] = False,
    base_model: Annotated[
        Path | None, typer.Option(metavar="FILE", help="GGUF file of a base that is not embedded.")
    ] = None,
) -> None:
    """Check the recipe, train and print the figures."""
    run(_tune(recipe, resume, base_model, dry_run=dry_run))


async def _tune(recipe: Path | None, resume: str | None, base_model: Path | None, *, dry_run: bool) -> int:
    from septet_tuning.errors import TuningError
    from septet_tuning.runner import execute, read_recipe
    from septet_tuning.tuning_runs import TuningRun

    from septet_cli.settings import CliSettings
    from septet_cli.tuning.printed_run import PrintedRun

    if (recipe is None) == (resume is None):
        raise CliError("There is no recipe, or there are two.", "name a recipe, or a run with --resume")
    root = CliSettings().data_dir
    runs = root / "tuning"
    try:
        wanted = TuningRun.open(runs, resume).recipe if resume else read_recipe(recipe or Path())
        planned = _plan(wanted, root / "datasets")
        if dry_run:
            _print_plan(planned)
            return EXIT_OK
        opened = PrintedRun.open(runs, resume) if resume else PrintedRun.create(runs, wanted)
        err.print(f"run {opened.id}", markup=False)
        result = await execute(planned, opened, _resources(wanted, base_model))
    except TuningError as error:
        raise CliError(str(error), error.fix or "see `septet tune --help`") from error
    _print_result(result)
    return EXIT_OK


def _plan(wanted: Recipe, datasets: Path) -> Plan:
    from septet_tuning.datasets import load
    from septet_tuning.runner import plan

    return plan(wanted, load(wanted.data, datasets))


def _resources(wanted: Recipe, base_model: Path | None) -> Resources:
    from septet_native.models.smollm import ensure_model
    from septet_native.packages.cache import cache_root
    from septet_tuning.methods import Resources

    if base_model is None and wanted.base == EMBEDDED_MODEL:
        base_model = ensure_model(cache_root(None))
    return Resources(base_model=base_model)


def _print_plan(planned: Plan) -> None:
    dataset, recipe = planned.dataset, planned.recipe
    out.print(
        f"recipe      {recipe.name}: {recipe.method} of {recipe.base}, seed {recipe.seed}", markup=False
    )
    counts = f"{len(dataset.rows('train'))} training and {len(dataset.rows('held_out'))} held-out rows"
    out.print(f"dataset     {dataset.name}@{dataset.version}: {counts}", markup=False)
    for name, value in planned.parameters.model_dump(mode="json").items():
        out.print(f"  {name} = {value}", markup=False, soft_wrap=True)


def _print_result(result: Result) -> None:
    for name, before in result.figures.before.items():
        out.print(f"{name}: {before:g} before, {result.figures.after[name]:g} after", markup=False)
    for name, count in result.figures.counts.items():
        out.print(f"{name}: {count} rows", markup=False)
    out.print(f"artifact {result.digest} in {result.run.artifact_folder}", markup=False, soft_wrap=True)
