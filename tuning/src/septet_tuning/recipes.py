"""A recipe: what is tuned, on which data, how, and which gate decides."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Method = Literal[
    "lora",
    "dpo",
    "soft_prompt",
    "embedding_adapter",
    "guard_head",
    "classifier",
    "lora_gpu",
    "qlora",
    "full",
    "pretrain",
]


class RecipeGate(BaseModel):
    """The gate that a version has to pass before it is promoted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    suite: Path | None = Field(
        default=None, description="Suite of `septet eval gate`; paths start at the recipe."
    )
    limits: dict[str, float] = Field(default={}, description="Limits of figures on held-out rows, by method.")


class Recipe(BaseModel):
    """A recipe, as its YAML file has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9-]*$")
    method: Method
    data: str = Field(description="Name of a dataset (the newest version), NAME@VERSION, or a folder.")
    base: str = Field(description="Model that is tuned: an alias, or a name the method knows.")
    alias: str = Field(description="Alias that a promotion moves.")
    parameters: dict[str, Any] = Field(default={}, description="Hyperparameters, checked by the method.")
    search: dict[str, list[Any]] = Field(default={}, description="Values to try, by hyperparameter.")
    seed: int = Field(default=0, ge=0, lt=2**32)
    gate: RecipeGate = RecipeGate()
