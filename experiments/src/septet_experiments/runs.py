"""A run of a suite, and its folder: ``run.json`` and ``samples.jsonl``.

A sample is appended as soon as its response arrived, so that a killed run continues where it stopped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from septet_contracts import Response

from septet_experiments.cases import Case
from septet_experiments.errors import InvalidRun


class Sample(BaseModel):
    """One draw of one case.

    Attributes:
        case_id: the case.
        draw: 0-based number of the draw.
        request_id: the request that was published.
        response: its response; None if none arrived.
        error: why there is no usable response (`no_response`, `failed` …).
        values: value by metric.
        failures: reason by metric that has no value. A metric is in ``values`` or in ``failures``, never in both.
    """

    model_config = ConfigDict(frozen=True)

    case_id: str
    draw: int = 0
    request_id: str = ""
    response: Response | None = None
    error: str | None = None
    values: dict[str, float] = {}
    failures: dict[str, str] = {}


class RunInfo(BaseModel):
    """Facts about a run; the content of ``run.json``.

    Attributes:
        id: the run's id.
        suite: name of the suite.
        suite_digest: digest of the suite's settings.
        dataset_digest: digest of its cases. Only runs with the same one are paired.
        metrics: signature by metric: name, version and parameters, such as those that sacrebleu reports.
        overrides: fields of requests that the run sets (`model`, `policy` …), and other facts of the variant.
        draws: draws per case.
    """

    model_config = ConfigDict(frozen=True)

    format: int = 1
    id: str
    suite: str
    suite_digest: str
    dataset_digest: str
    started_at: AwareDatetime
    finished_at: AwareDatetime | None = None
    metrics: dict[str, str] = {}
    overrides: dict[str, Any] = {}
    draws: int = Field(default=1, ge=1)
    cases: int = 0


class RunFolder:
    """A run's folder. Lines are appended and flushed; a half-written last line is ignored and overwritten."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write_info(self, info: RunInfo) -> None:
        """Write ``run.json`` atomically."""
        self.path.mkdir(parents=True, exist_ok=True)
        new = self.path / "run.json.new"
        new.write_text(info.model_dump_json(indent=1) + "\n", encoding="utf-8")
        os.replace(new, self.path / "run.json")

    def info(self) -> RunInfo:
        """The facts of the run.

        Raises:
            InvalidRun: the folder holds none, or of another format.
        """
        path = self.path / "run.json"
        try:
            return RunInfo.model_validate_json(path.read_bytes())
        except OSError as error:
            raise InvalidRun(f"{path} cannot be read: {error.strerror}", "`septet eval list` shows the runs") from error
        except ValidationError as error:
            raise InvalidRun(f"{path} is not the description of a run: {error.errors()[0]['msg']}") from error

    def write_cases(self, cases: list[Case]) -> None:
        """Keep a copy of the cases, so that a report needs nothing but this folder."""
        self._write_lines("cases.jsonl", cases)

    def cases(self) -> list[Case]:
        """The cases of the run."""
        return [Case.model_validate_json(line) for line in self._lines("cases.jsonl")]

    def append(self, sample: Sample) -> None:
        """Add a sample without values: its response."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "samples.jsonl").open("a", encoding="utf-8") as file:
            file.write(sample.model_dump_json(exclude_defaults=True) + "\n")

    def write_samples(self, samples: list[Sample]) -> None:
        """Replace all samples: with their values."""
        self._write_lines("samples.jsonl", samples)

    def samples(self) -> list[Sample]:
        """The samples that are complete on disk."""
        found: list[Sample] = []
        for line in self._lines("samples.jsonl"):
            try:
                found.append(Sample.model_validate_json(line))
            except ValidationError:
                break
        return found

    def _lines(self, name: str) -> Iterator[str]:
        path = self.path / name
        if path.exists():
            with path.open(encoding="utf-8") as file:
                yield from file

    def _write_lines(self, name: str, items: list[Any]) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        new = self.path / f"{name}.new"
        with new.open("w", encoding="utf-8") as file:
            file.writelines(item.model_dump_json(exclude_defaults=True) + "\n" for item in items)
        os.replace(new, self.path / name)
