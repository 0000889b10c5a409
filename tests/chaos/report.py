"""What is kept of a run: a file of results per seed, into which each row goes as soon as it is done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WHOLE, SHORT = "whole", "short"


class ReportError(Exception):
    """Results would be mixed that do not belong together."""


@dataclass
class Report:
    """Rows by number and proofs by name, of one seed and one form; with a ``path``, written at every change.

    Rows that did not run keep what the file has of them: parts of the suite can be run one after the other.
    """

    seed: int
    form: str = WHOLE
    path: Path | None = None
    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    proofs: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def opened(cls, path: Path | None, seed: int, form: str) -> Report:
        """The report at ``path``, or an empty one.

        Raises:
            ReportError: the file holds another seed, or another form, of the suite.
        """
        if path is None or not path.exists():
            return cls(seed, form, path)
        found = read(path)
        if (found.seed, found.form) != (seed, form):
            raise ReportError(
                f"{path} holds the {found.form} form with seed {found.seed}, not the {form} one with seed {seed}"
            )
        return found

    def add_row(self, row: Mapping[str, Any], circumstances: Mapping[str, Any]) -> None:
        """Keep a row's result, in place of an earlier one."""
        self.rows[row["number"]] = {**row, "run": dict(circumstances)}
        self._write()

    def add_proof(self, proof: Mapping[str, Any], circumstances: Mapping[str, Any]) -> None:
        """Keep a proof's result, in place of an earlier one."""
        self.proofs[proof["name"]] = {**proof, "run": dict(circumstances)}
        self._write()

    def _write(self) -> None:
        if self.path is None:
            return
        found = {
            "seed": self.seed,
            "form": self.form,
            "rows": [self.rows[number] for number in sorted(self.rows)],
            "proofs": [self.proofs[name] for name in sorted(self.proofs)],
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Whoever is ended while writing leaves the results of the rows before.
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        fresh.replace(self.path)


def read(path: Path) -> Report:
    """The report that a file holds."""
    found = json.loads(path.read_text(encoding="utf-8"))
    return Report(
        found["seed"],
        found["form"],
        path,
        {row["number"]: row for row in found["rows"]},
        {proof["name"]: proof for proof in found["proofs"]},
    )
