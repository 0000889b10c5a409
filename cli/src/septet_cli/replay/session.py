"""A replay from the log to its verdict."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from septet_contracts import Usage
from septet_experiments.cases import digest_of
from septet_experiments.errors import InvalidSuite
from septet_experiments.metrics import resources_of
from septet_experiments.runs import RunFolder, RunInfo, Sample
from septet_experiments.suites import Decision, SuiteSettings

from septet_cli.errors import CliError
from septet_cli.evaluation.pace import Pace
from septet_cli.evaluation.store import RunStore
from septet_cli.replay.candidate import Candidate
from septet_cli.replay.group import Place, Progress, instance_group
from septet_cli.replay.logged import Logged, LoggedRequest, read_logged
from septet_cli.replay.rewrite import case_of
from septet_cli.replay.runner import Replayer, replay_all, sample_of
from septet_cli.replay.selection import Selection

if TYPE_CHECKING:
    from septet_experiments.gates import GateResult
    from septet_experiments.reports import Comparison
    from septet_kit.messaging.connection import KafkaConnection
    from septet_kit.tenants import Tenants

SUITE = "replay"
BASELINE = "-logged"
"""End of the id of the run with the logged responses."""


@dataclass(frozen=True)
class Options:
    """What to replay, and how.

    Attributes:
        candidate: the change.
        span: how far back requests are taken.
        selection: conditions on them.
        limit: number of requests, the newest ones; None takes all.
        pace: the limits.
        settings: metrics and margins.
    """

    candidate: Candidate
    span: timedelta
    selection: Selection
    limit: int | None
    pace: Pace
    settings: SuiteSettings


@dataclass(frozen=True)
class Runs:
    """The two runs of a replay, with the same cases."""

    baseline: RunFolder
    candidate: RunFolder

    @property
    def usage(self) -> Usage:
        """What the replay used. It is part of no live total."""
        total = Usage()
        for sample in self.candidate.samples():
            total += sample.response.usage if sample.response is not None else Usage()
        return total

    def compare(self) -> tuple[GateResult, Comparison]:
        """Score both runs and decide.

        Raises:
            ExperimentError: the runs cannot be compared.
        """
        from septet_cli.evaluation.gating import gate

        return gate(self.baseline, self.candidate, self.candidate.settings())


def replay_settings(metric: str, also: Sequence[str], margin: float) -> SuiteSettings:
    """The metrics that decide about a replay.

    Args:
        metric: the primary one.
        also: further ones.
        margin: largest loss of the mean of each.

    Raises:
        CliError: a metric is unknown, or the margin is no number.
    """
    names = [metric, *(name for name in dict.fromkeys(also) if name != metric)]
    try:
        resources_of(names)
    except InvalidSuite as error:
        raise CliError(f"{error}.", error.fix) from error
    if not math.isfinite(margin):
        raise CliError(f"--margin {margin}: this is no number.", "give for example --margin 0.05")
    primary, *secondary = (Decision(metric=name, margin=margin) for name in names)
    return SuiteSettings(name=SUITE, cases=("traffic",), primary=primary, secondary=tuple(secondary))


async def select(kafka: KafkaConnection, live: Tenants, options: Options) -> Logged:
    """Read the requests to replay.

    Raises:
        CliError: there are none.
    """
    name, since = options.candidate.topic, datetime.now(UTC) - options.span
    logged = await read_logged(kafka, live, name, since, options.selection)
    if not logged.requests:
        raise CliError(
            f"No request since {logged.since:%Y-%m-%d %H:%M} UTC can be replayed: {logged.matching} responses match, and "
            f"none has a record on {name}.",
            "give a longer --from, fewer --where, or a change of an earlier stage",
        )
    logged.requests = logged.requests[: options.limit]
    return logged


def prepare(store: RunStore, options: Options, requests: Sequence[LoggedRequest]) -> Runs:
    """Create both runs: the baseline with the logged responses, the candidate without samples.

    The candidate's id is also the id of the replay and the name of its namespace.
    """
    now, settings = datetime.now(UTC), options.settings
    run_id, folder = store.new(SUITE, now)
    baseline = RunFolder(folder.path.with_name(run_id + BASELINE))
    cases = [case_of(request) for request in requests]
    info = RunInfo(
        id=run_id,
        suite=settings.name,
        suite_digest=settings.digest,
        dataset_digest=digest_of(cases),
        started_at=now,
        overrides={change.kind: change.value for change in options.candidate.changes},
        cases=len(cases),
    )
    logged = info.model_copy(update={"id": run_id + BASELINE, "overrides": {}, "finished_at": now})
    for each, facts in ((baseline, logged), (folder, info)):
        each.write_cases(cases)
        each.write_settings(settings)
        each.write_info(facts)
    baseline.write_samples(
        [
            sample_of(case.id, request.response.request_id, request.response)
            for case, request in zip(cases, requests, strict=True)
        ]
    )
    return Runs(baseline, folder)


async def execute(
    place: Place,
    options: Options,
    requests: Sequence[LoggedRequest],
    runs: Runs,
    progress: Progress,
    on_sample: Callable[[Sample], None],
) -> None:
    """Run the requests through the candidate's services, and remove their namespace.

    Raises:
        StackError, SeptetError: the services or their namespace could not be created.
        Unreachable: Kafka does not answer.
    """
    async with (
        instance_group(place, options.candidate, progress),
        Replayer.opened(
            place.kafka, place.tenants, runs.candidate.path.name, options.candidate, options.pace
        ) as replayer,
    ):
        await replay_all(replayer, requests, runs.candidate, on_sample)
    info = runs.candidate.info()
    runs.candidate.write_info(info.model_copy(update={"finished_at": datetime.now(UTC)}))
