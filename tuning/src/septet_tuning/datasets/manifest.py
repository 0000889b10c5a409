"""``dataset.json``: what a version of a dataset contains and how it was built."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from septet_tuning.rows import Kind

# Balance of one split or of all rows: counts by name.
Counts = dict[str, int]


class SplitBalance(BaseModel):
    """Classes, languages and lengths of the rows of one split."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    weight: float
    classes: Counts = {}
    languages: Counts = {}
    lengths: Counts = Field(default={}, description="Rows by length of their text in characters.")


class Manifest(BaseModel):
    """The content of ``dataset.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64)
    version: int = Field(ge=1)
    kind: Kind
    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$", description="Over the rows of both splits.")
    created_at: str = Field(default="", description="ISO 8601.")
    train: SplitBalance
    held_out: SplitBalance
    refused: Counts = Field(default={}, description="Rows that were not kept, by reason.")
    warnings: tuple[str, ...] = ()
    settings: dict[str, str | int | float | bool | list[str] | None] = {}
