"""A run from its start to its scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from septet_client.ports import Log
from septet_experiments.cases import digest_of
from septet_experiments.runs import RunFolder, RunInfo, Sample
from septet_experiments.suites import Suite
from septet_kit.tenants import Tenants

from septet_cli.errors import CliError
from septet_cli.evaluation.pace import Pace
from septet_cli.evaluation.run import Draw, Runner, draws_of, pending
from septet_cli.evaluation.scoring import score_run
from septet_cli.evaluation.store import RunStore


@dataclass(frozen=True)
class PaceOptions:
    """Options that replace the pace of the suite; None keeps it."""

    rate: float | None = None
    in_flight: int | None = None
    deadline: float | None = None


@dataclass(frozen=True)
class Session:
    """A run that is ready to publish what it lacks.

    Attributes:
        folder: the run's folder.
        info: the run.
        draws: all draws.
        missing: those without a response.
        pace: the limits.
        resumed: whether an earlier process began the run.
    """

    folder: RunFolder
    info: RunInfo
    draws: list[Draw]
    missing: list[Draw]
    pace: Pace
    resumed: bool

    async def run(self, log: Log, tenants: Tenants, on_sample: Callable[[Sample], None]) -> RunInfo:
        """Publish what is missing, score all samples, and mark the run as finished.

        Raises:
            Unreachable: Kafka does not answer. The run can be resumed.
            InvalidRun: another process runs it.
        """
        with self.folder.claim():
            if self.missing:
                runner = Runner(log, self.folder, self.info, self.pace, tenants)
                await runner.run(self.missing, on_sample, resumed=self.resumed)
        score_run(self.folder, self.folder.settings().all_metrics)
        info = self.folder.info().model_copy(update={"finished_at": datetime.now(UTC)})
        self.folder.write_info(info)
        return info


def begin(
    store: RunStore, suite: Suite, overrides: dict[str, Any], options: PaceOptions, draws: int | None = None
) -> Session:
    """A new run of a suite.

    Raises:
        InvalidSuite: an override breaks the contract; nothing was written.
    """
    now = datetime.now(UTC)
    run_id, folder = store.new(suite.name, now)
    info = RunInfo(
        id=run_id,
        suite=suite.name,
        suite_digest=suite.settings.digest,
        dataset_digest=suite.dataset_digest,
        started_at=now,
        overrides=overrides,
        draws=draws or suite.settings.draws,
        cases=len(suite.cases),
    )
    cases = list(suite.cases)
    found = list(draws_of(info, suite.settings, cases))
    folder.write_cases(cases)
    folder.write_settings(suite.settings)
    folder.write_info(info)
    return Session(folder, info, found, found, _pace(folder, options), resumed=False)


def resume(folder: RunFolder, options: PaceOptions) -> Session:
    """A run that was interrupted, with the settings and cases that it began with.

    Raises:
        CliError: its cases were edited.
        InvalidRun: the folder is not a run.
    """
    info, cases = folder.info(), folder.cases()
    if digest_of(cases) != info.dataset_digest:
        raise CliError(
            f"The cases in {folder.path} differ from those that the run began with.", "run the suite again"
        )
    draws = list(draws_of(info, folder.settings(), cases))
    missing = pending(draws, folder.samples())
    return Session(folder, info, draws, missing, _pace(folder, options), resumed=True)


def _pace(folder: RunFolder, options: PaceOptions) -> Pace:
    settings = folder.settings()
    return Pace(
        options.rate or settings.rate,
        options.in_flight or settings.in_flight,
        options.deadline or settings.deadline,
    )
