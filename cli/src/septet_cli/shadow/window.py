"""A growing comparison of live responses with those of a shadow, and the gate's looks at it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from septet_experiments.cases import Case, digest_of
from septet_experiments.runs import RunFolder, RunInfo, Sample
from septet_experiments.suites import SuiteSettings

from septet_cli.evaluation.gating import gate
from septet_cli.evaluation.scoring import score_run
from septet_cli.evaluation.store import RunStore
from septet_cli.replay.logged import LoggedRequest
from septet_cli.replay.rewrite import case_of
from septet_cli.replay.runner import sample_of
from septet_cli.replay.session import BASELINE, Runs

if TYPE_CHECKING:
    from septet_experiments.gates import GateResult
    from septet_experiments.reports import Comparison

    from septet_cli.replay.candidate import Candidate


@dataclass(frozen=True)
class Plan:
    """When the gate looks.

    Attributes:
        cases: planned number of cases; all looks together have the gate's error probability.
        every: cases between two looks, at least a hundredth of ``cases``.
    """

    cases: int
    every: int

    def is_look(self, compared: int) -> bool:
        """Whether the gate looks after so many cases."""
        return compared % self.every == 0 or compared == self.cases

    def fractions(self, compared: int) -> list[float]:
        """The looks up to a number of cases, as fractions of the plan."""
        looks = list(range(self.every, compared + 1, self.every))
        # A last look soon after the one before replaces it.
        if not looks or compared - looks[-1] >= self.cases / 100:
            looks.append(compared)
        return [look / self.cases for look in dict.fromkeys(looks)]


@dataclass(frozen=True)
class Look:
    """What the gate found, and the runs that it compared."""

    compared: int
    result: GateResult
    comparison: Comparison
    runs: Runs


class Window:
    """One comparison. Each look writes its two runs to disk, so that they can be read while it grows."""

    def __init__(
        self, store: RunStore, suite: str, settings: SuiteSettings, plan: Plan, candidate: Candidate
    ) -> None:
        now = datetime.now(UTC)
        self.id, folder = store.new(suite, now)
        self.runs = Runs(RunFolder(folder.path.with_name(self.id + BASELINE)), folder)
        self.plan = plan
        self._settings = settings
        self._cases: list[Case] = []
        self._samples: list[tuple[Sample, Sample]] = []
        self._written = 0
        self._looking = asyncio.Lock()
        changes = {change.kind: change.value for change in candidate.changes}
        self._info = RunInfo(
            id=self.id,
            suite=settings.name,
            suite_digest=settings.digest,
            dataset_digest="",
            started_at=now,
            overrides=changes,
        )

    @property
    def compared(self) -> int:
        """Number of cases with both samples."""
        return len(self._cases)

    @property
    def has_news(self) -> bool:
        """Whether cases were added since the last look."""
        return self.compared > self._written

    @property
    def is_full(self) -> bool:
        """Whether all planned cases are compared."""
        return self.compared >= self.plan.cases

    def add(self, logged: LoggedRequest, sample: Sample) -> bool:
        """Add a case with its sample of the shadow; returns whether it is time for a look."""
        case = case_of(logged)
        self._cases.append(case)
        live = sample_of(case.id, logged.response.request_id, logged.response)
        self._samples.append((live, sample))
        return self.plan.is_look(self.compared)

    async def look(self) -> Look:
        """Let the gate decide about the cases up to here, and write them to disk.

        Raises:
            ExperimentError: the runs cannot be compared.
        """
        compared = self.compared
        async with self._looking:
            return await asyncio.to_thread(self._look, compared)

    def _look(self, compared: int) -> Look:
        cases = self._cases[:compared]
        for live, mirrored in self._samples[self._written : compared]:
            self.runs.baseline.append(live)
            self.runs.candidate.append(mirrored)
        self._written = compared
        for folder, changes in ((self.runs.baseline, {}), (self.runs.candidate, self._info.overrides)):
            folder.write_cases(cases)
            folder.write_settings(self._settings)
            known = {
                "id": folder.path.name,
                "dataset_digest": digest_of(cases),
                "cases": compared,
                "overrides": changes,
                "finished_at": datetime.now(UTC),
            }
            folder.write_info(self._info.model_copy(update=known))
            score_run(folder, self._settings.all_metrics)
        fractions = self.plan.fractions(compared)
        result, comparison = gate(self.runs.baseline, self.runs.candidate, self._settings, fractions)
        return Look(compared, result, comparison, self.runs)
