"""``card.md`` of a tuning run: what a rerun needs, and the figures."""

from __future__ import annotations

import platform
from importlib import metadata

from septet_tuning.manifest import ArtifactManifest
from septet_tuning.methods.protocol import Figures
from septet_tuning.tuning_runs import TuningRun

_PACKAGES = ("septet-tuning", "numpy", "jax", "jaxlib", "optax", "gguf", "tokenizers")


def write_card(run: TuningRun, manifest: ArtifactManifest, digest: str, figures: Figures) -> None:
    """Write the card."""
    lines = [
        f"# {run.recipe.name}",
        "",
        f"Artifact `{digest}`, of kind {manifest.kind}, tuned by `{manifest.method}` from `{manifest.base}`.",
        "",
        "| held-out figure | before | after |",
        "| --- | --- | --- |",
        *(f"| {name} | {value:g} | {figures.after[name]:g} |" for name, value in figures.before.items()),
        "",
        *(f"- {name}: {count} rows" for name, count in figures.counts.items()),
        f"- dataset: `{manifest.dataset}`, `{manifest.dataset_digest}`",
        f"- chat template: `{manifest.template_digest or 'none'}`",
        f"- seed: {manifest.seed}",
        f"- versions: Python {platform.python_version()}, {_versions()}",
        "",
        "The recipe is `recipe.json`; `septet tune recipe.json` repeats the run.",
    ]
    (run.folder / "card.md").write_text("\n".join(lines) + "\n", "utf-8")


def _versions() -> str:
    found = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return ", ".join(found)
