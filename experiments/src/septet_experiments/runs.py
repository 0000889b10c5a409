"""A run of a suite, and its folder: ``run.json``, ``suite.json``, ``cases.jsonl`` and ``samples.jsonl``.

A sample is appended as soon as its response arrived, so that a killed run continues where it stopped.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from septet_contracts import Response

from septet_experiments.cases import Case
from septet_experiments.errors import InvalidRun
from septet_experiments.suites import SuiteSettings


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
        not_applicable: reason by metric that does not concern the response; no error.
    """

    model_config = ConfigDict(frozen=True)

    case_id: str
    draw: int = 0
    request_id: str = ""
    response: Response | None = None
    error: str | None = None
    values: dict[str, float] = {}
    failures: dict[str, str] = {}
    not_applicable: dict[str, str] = {}


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
        new.replace(self.path / "run.json")

    def info(self) -> RunInfo:
        """The facts of the run.

        Raises:
            InvalidRun: the folder holds none, or of another format.
        """
        path = self.path / "run.json"
        try:
            return RunInfo.model_validate_json(path.read_bytes())
        except OSError as error:
            raise InvalidRun(
                f"{path} cannot be read: {error.strerror}", "`septet eval list` shows the runs"
            ) from error
        except ValidationError as error:
            raise InvalidRun(f"{path} is not the description of a run: {error.errors()[0]['msg']}") from error

    def write_cases(self, cases: list[Case]) -> None:
        """Keep a copy of the cases, so that a report needs nothing but this folder."""
        self._write_lines("cases.jsonl", cases)

    def cases(self) -> list[Case]:
        """The cases of the run."""
        return [Case.model_validate_json(line) for line in self._lines("cases.jsonl")]

    def write_settings(self, settings: SuiteSettings) -> None:
        """Keep a copy of the suite's settings, so that a killed run continues with them."""
        self.path.mkdir(parents=True, exist_ok=True)
        (self.path / "suite.json").write_text(settings.model_dump_json(indent=1) + "\n", encoding="utf-8")

    def settings(self) -> SuiteSettings:
        """The settings of the run's suite.

        Raises:
            InvalidRun: the folder holds none.
        """
        path = self.path / "suite.json"
        try:
            return SuiteSettings.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise InvalidRun(f"{path} holds no settings of a suite", "run the suite again") from error

    @contextmanager
    def claim(self) -> Iterator[None]:
        """Reserve the run for this process, which publishes its requests.

        Raises:
            InvalidRun: another process has reserved it.
        """
        with (self.path / "cases.jsonl").open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise InvalidRun(
                    f"another process runs {self.path.name}", "wait for its end, or stop it with Ctrl-C"
                ) from error
            yield

    def append(self, sample: Sample) -> None:
        """Add a sample without values: its response. It replaces an earlier sample of the same draw."""
        self.path.mkdir(parents=True, exist_ok=True)
        with self._locked(), (self.path / "samples.jsonl").open("ab+") as file:
            _drop_torn_line(file)
            file.write(sample.model_dump_json(exclude_defaults=True).encode() + b"\n")

    def write_samples(self, samples: list[Sample]) -> None:
        """Replace all samples."""
        self._write_lines("samples.jsonl", samples)

    def update_samples(self, samples: list[Sample]) -> None:
        """Replace samples by those with values. Samples that were appended in the meantime are kept."""
        with self._locked():
            merged = {(sample.case_id, sample.draw): sample for sample in samples}
            for present in self.samples():
                given = merged.get((present.case_id, present.draw))
                if given is None or given.response != present.response:
                    merged[present.case_id, present.draw] = present
            self.write_samples(list(merged.values()))

    def samples(self) -> list[Sample]:
        """The samples that are complete on disk; the last one of each draw.

        Raises:
            InvalidRun: a complete line is no sample.
        """
        path = self.path / "samples.jsonl"
        if not path.exists():
            return []
        *lines, _torn = path.read_bytes().split(b"\n")
        found: dict[tuple[str, int], Sample] = {}
        for number, line in enumerate(lines, start=1):
            try:
                sample = Sample.model_validate_json(line)
            except ValidationError as error:
                raise InvalidRun(
                    f"{path}:{number} is no sample", "remove the line, then resume the run"
                ) from error
            found[sample.case_id, sample.draw] = sample
        return list(found.values())

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Serialise changes of ``samples.jsonl`` over all processes."""
        folder = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

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
        new.replace(self.path / name)


def _drop_torn_line(file: BinaryIO) -> None:
    """Cut a last line without its line break, which a killed process has left."""
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        return
    file.seek(size - 1)
    if file.read(1) != b"\n":
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)
