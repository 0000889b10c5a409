"""The folder of a tuning run: ``<root>/<run id>/``.

It has ``recipe.json``, ``progress.jsonl``, ``checkpoint/``, ``artifact/`` and ``card.md``. A checkpoint replaces the
previous one atomically, so that a killed run continues from a complete one.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import ValidationError

from septet_tuning.errors import InvalidRecipe, TuningError
from septet_tuning.recipes import Recipe

_STATE = "__state__"


@dataclass(frozen=True)
class Progress:
    """One line of ``progress.jsonl``."""

    step: int
    loss: float
    held_out: float | None
    seconds: float


@dataclass(frozen=True)
class Checkpoint:
    """A complete state: arrays by name, and values that JSON can hold."""

    step: int
    arrays: Mapping[str, np.ndarray]
    state: Mapping[str, Any]


class TuningRun:
    """One run of a recipe. Only one process may write to it."""

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        self.folder = folder
        self.recipe = recipe
        self._started = datetime.now(UTC)

    @classmethod
    def create(cls, root: Path, recipe: Recipe, run_id: str | None = None) -> Self:
        """Create the folder of a new run.

        Raises:
            TuningError: a run with this id exists.
        """
        name = run_id or f"{recipe.name}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        folder = root / name
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            raise TuningError(
                f"{folder}: the run exists", "Continue it with --resume, or use another id."
            ) from None
        _write(folder / "recipe.json", recipe.model_dump_json(indent=2).encode() + b"\n")
        return cls(folder, recipe)

    @classmethod
    def open(cls, root: Path, run_id: str) -> Self:
        """Open an existing run.

        Raises:
            TuningError: the run does not exist.
            InvalidRecipe: its recipe breaks its format.
        """
        file = root / run_id / "recipe.json"
        try:
            return cls(file.parent, Recipe.model_validate_json(file.read_bytes()))
        except FileNotFoundError:
            raise TuningError(f"{file.parent}: no such run") from None
        except ValidationError as error:
            raise InvalidRecipe(f"{file}: {error}") from None

    @property
    def id(self) -> str:
        """Name of the folder."""
        return self.folder.name

    @property
    def artifact_folder(self) -> Path:
        """Folder of the artifact, created on first use."""
        folder = self.folder / "artifact"
        folder.mkdir(exist_ok=True)
        return folder

    def report(self, step: int, loss: float, held_out: float | None = None) -> None:
        """Append a line to ``progress.jsonl``.

        Raises:
            TuningError: the loss is not finite.
        """
        if not np.isfinite([loss, 0.0 if held_out is None else held_out]).all():
            raise TuningError(
                f"step {step}: the loss is {loss}, on held-out rows {held_out}", "Lower the learning rate."
            )
        seconds = (datetime.now(UTC) - self._started).total_seconds()
        line = Progress(
            step, round(loss, 6), None if held_out is None else round(held_out, 6), round(seconds, 3)
        )
        with (self.folder / "progress.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(line)) + "\n")

    def progress(self) -> list[Progress]:
        """The reported lines. A last line that a killed process wrote in part is ignored."""
        file = self.folder / "progress.jsonl"
        lines = file.read_text("utf-8").split("\n")[:-1] if file.exists() else []
        return [Progress(**json.loads(line)) for line in lines]

    def save_checkpoint(self, step: int, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
        """Replace the checkpoint. The file is flushed to disk before it gets its name."""
        folder = self.folder / "checkpoint"
        folder.mkdir(exist_ok=True)
        text = json.dumps({"step": step, "state": dict(state)})
        partial = folder / "latest.npz.partial"
        with partial.open("wb") as file:
            np.savez(file, **{_STATE: np.frombuffer(text.encode(), np.uint8)}, **arrays)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        partial.replace(folder / "latest.npz")

    def load_checkpoint(self) -> Checkpoint | None:
        """The last checkpoint. Lines of progress after its step are removed: those steps run again."""
        file = self.folder / "checkpoint" / "latest.npz"
        if not file.exists():
            (self.folder / "progress.jsonl").unlink(missing_ok=True)
            return None
        with np.load(file) as saved:
            stored = json.loads(bytes(saved[_STATE]))
            arrays = {name: saved[name] for name in saved.files if name != _STATE}
        kept = [line for line in self.progress() if line.step <= stored["step"]]
        text = "".join(json.dumps(asdict(line)) + "\n" for line in kept)
        _write(self.folder / "progress.jsonl", text.encode())
        return Checkpoint(stored["step"], arrays, stored["state"])


def _write(file: Path, content: bytes) -> None:
    partial = file.with_name(file.name + ".partial")
    partial.write_bytes(content)
    partial.replace(file)
