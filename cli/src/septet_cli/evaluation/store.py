"""Runs and baselines on disk: ``evals/runs/<run id>`` and ``evals/baselines/<suite>`` in the data directory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from septet_experiments.errors import InvalidRun
from septet_experiments.runs import RunFolder, RunInfo

from septet_cli.errors import CliError

BASELINE, LATEST = "baseline", "latest"


class RunStore:
    """The runs of one data directory."""

    def __init__(self, data_dir: Path) -> None:
        self._runs = data_dir / "evals" / "runs"
        self._baselines = data_dir / "evals" / "baselines"

    def new(self, suite: str, at: datetime) -> tuple[str, RunFolder]:
        """An id for a run that begins, and its folder, which does not exist yet."""
        run_id = f"{suite}-{at:%Y%m%d-%H%M%S}-{uuid4().hex[:4]}"
        return run_id, RunFolder(self._runs / run_id)

    def all(self) -> Iterator[tuple[RunFolder, RunInfo]]:
        """Every run, the newest first. Folders that are no run are left out."""
        folders = self._runs.iterdir() if self._runs.is_dir() else ()
        found = []
        for path in folders:
            try:
                found.append((RunFolder(path), RunFolder(path).info()))
            except InvalidRun:
                continue
        return iter(sorted(found, key=lambda item: item[1].started_at, reverse=True))

    def find(self, reference: str, suite: str | None = None) -> RunFolder:
        """The folder of a run.

        Args:
            reference: its id, the beginning of one, the path of its folder, `latest`, or `baseline`.
            suite: the suite of `baseline` and `latest`.

        Raises:
            CliError: there is no such run, or more than one.
        """
        if reference == BASELINE:
            return self._of_baseline(suite)
        if (path := Path(reference)) != Path(path.name) and (path / "run.json").is_file():
            return RunFolder(path)
        known = [(f, i) for f, i in self.all() if suite in (None, i.suite) or reference != LATEST]
        if reference == LATEST:
            # A run that could not publish anything has no sample.
            known = [item for item in known if (item[0].path / "samples.jsonl").is_file()]
        found = known[:1] if reference == LATEST else [k for k in known if k[1].id.startswith(reference)]
        exact = [item for item in found if item[1].id == reference]
        if len(exact or found) == 1:
            return (exact or found)[0][0]
        if found:
            raise CliError(
                f"{len(found)} runs begin with {reference!r}.", "give more of the id: `septet eval list`"
            )
        raise CliError(f"There is no run {reference!r} in {self._runs}.", "`septet eval list` shows the runs")

    def promote(self, info: RunInfo) -> str | None:
        """Make a run the baseline of its suite; returns the id of the one before."""
        before = self.baseline(info.suite)
        self._baselines.mkdir(parents=True, exist_ok=True)
        new = self._baselines / f".{info.suite}.new"
        new.write_text(info.id + "\n", encoding="utf-8")
        new.replace(self._baselines / info.suite)
        return before

    def baseline(self, suite: str) -> str | None:
        """Id of a suite's baseline."""
        path = self._baselines / suite
        return path.read_text(encoding="utf-8").strip() if path.is_file() else None

    def _of_baseline(self, suite: str | None) -> RunFolder:
        if suite is None:
            raise CliError("`baseline` needs a suite.", "give the id of a run: `septet eval list`")
        run_id = self.baseline(suite)
        if run_id is None:
            raise CliError(
                f"The suite {suite} has no baseline.",
                f"run it with the version in use, then `septet eval promote RUN`; runs: `septet eval list {suite}`",
            )
        folder = RunFolder(self._runs / run_id)
        if not (folder.path / "run.json").is_file():
            raise CliError(f"The baseline {run_id} has no folder {folder.path}.", "promote another run")
        return folder
