"""What a tuning method offers, and what it gets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from pydantic import BaseModel

from septet_tuning.recipes import Recipe
from septet_tuning.rows import AnyRow, Kind
from septet_tuning.tuning_runs import TuningRun


class Data(Protocol):
    """A version of a dataset, as methods read it."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def digest(self) -> str: ...
    def rows(self, split: Literal["train", "held_out"]) -> tuple[AnyRow, ...]: ...


@dataclass(frozen=True)
class Figures:
    """Figures on held-out rows before and after tuning, by name."""

    before: dict[str, float]
    after: dict[str, float]
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Resources:
    """What a method may use of its surroundings.

    Attributes:
        embed: embeds texts, one row of the matrix each; None without an embeddings endpoint.
        base_model: GGUF file of the base model.
    """

    embed: Callable[[Sequence[str]], Awaitable[np.ndarray]] | None = None
    base_model: Path | None = None


class Method(Protocol):
    """A tuning method. It writes checkpoints, progress and the artifact's files to the run."""

    name: str
    kinds: frozenset[Kind]
    parameters: type[BaseModel]

    async def train(
        self, recipe: Recipe, parameters: Any, dataset: Data, run: TuningRun, resources: Resources
    ) -> Figures:
        """Train, and write the artifact's files without the manifest. A run with a checkpoint is continued."""
        ...
