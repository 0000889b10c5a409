"""Runs a recipe: checks it, trains, and writes the manifest and the card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ValidationError

from septet_tuning.errors import InvalidRecipe, UnsuitableData
from septet_tuning.manifest import ArtifactManifest, list_files, write_manifest
from septet_tuning.methods import METHODS, Data, Figures, Method, Resources
from septet_tuning.recipes import Recipe
from septet_tuning.run_card import write_card
from septet_tuning.tuning_runs import TuningRun

# Kinds of artifacts, by method.
KINDS = {
    "lora": "adapter",
    "dpo": "adapter",
    "embedding_adapter": "embedding_adapter",
    "guard_head": "guard_head",
    "classifier": "classifier",
}


@dataclass(frozen=True)
class Result:
    """A finished run."""

    run: TuningRun
    digest: str
    figures: Figures


@dataclass(frozen=True)
class Plan:
    """A checked recipe with its method and data."""

    recipe: Recipe
    method: Method
    parameters: BaseModel
    dataset: Data


def read_recipe(file: Path) -> Recipe:
    """Read a recipe in YAML.

    Raises:
        InvalidRecipe: the file cannot be read or breaks the format.
    """
    try:
        return Recipe.model_validate(yaml.safe_load(file.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidRecipe(f"{file}: {error}") from None
    except ValidationError as error:
        raise InvalidRecipe(f"{file}: {_first(error)}") from None


def plan(recipe: Recipe, dataset: Data) -> Plan:
    """Check method, hyperparameters and data.

    Raises:
        InvalidRecipe: the method is not available, or a hyperparameter is invalid.
        UnsuitableData: the dataset has another kind, or a split is empty.
        MissingExtra: the method needs a package that is not installed.
    """
    if recipe.method not in METHODS:
        raise InvalidRecipe(
            f"the method {recipe.method} is not available here", f"Use one of: {', '.join(sorted(METHODS))}."
        )
    if recipe.search:
        raise InvalidRecipe(
            "search: a search is not available", "Run one recipe for each combination of values."
        )
    method = METHODS[recipe.method]()
    try:
        parameters = method.parameters.model_validate(recipe.parameters)
    except ValidationError as error:
        raise InvalidRecipe(f"parameters: {_first(error)}") from None
    if dataset.kind not in method.kinds:
        raise UnsuitableData(
            f"the dataset {dataset.name} has kind {dataset.kind}, and {recipe.method} needs {', '.join(method.kinds)}",
            "Build a dataset of that kind.",
        )
    counts = {split: len(dataset.rows(split)) for split in ("train", "held_out")}
    if not all(counts.values()):
        raise UnsuitableData(
            f"the dataset {dataset.name} has {counts['train']} training and {counts['held_out']} held-out rows",
            "Both splits need rows.",
        )
    return Plan(recipe, method, parameters, dataset)


async def execute(planned: Plan, run: TuningRun, resources: Resources) -> Result:
    """Train and write the artifact. A run with a checkpoint is continued."""
    recipe, dataset = planned.recipe, planned.dataset
    figures = await planned.method.train(recipe, planned.parameters, dataset, run, resources)
    folder = run.artifact_folder
    template = folder / "template.sha256"
    manifest = ArtifactManifest(
        kind=KINDS[recipe.method],
        method=recipe.method,
        base=recipe.base,
        files=list_files(folder),
        dataset=f"{dataset.name}@{dataset.version}",
        dataset_digest=dataset.digest,
        template_digest=template.read_text("utf-8").strip() if template.exists() else None,
        parameters=planned.parameters.model_dump(mode="json"),
        seed=recipe.seed,
        figures={"before": figures.before, "after": figures.after},
    )
    digest = write_manifest(folder, manifest)
    write_card(run, manifest, digest, figures)
    return Result(run, digest, figures)


def _first(error: ValidationError) -> str:
    found = error.errors()[0]
    return f"{'.'.join(map(str, found['loc']))}: {found['msg']}"
